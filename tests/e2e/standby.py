#!/usr/bin/python3
"""A standby takes the place of a worker that dies, within milliseconds, however slow the server."""

import os
import time

import procs
from harness import (PYTHON, Sup, ask_who, diag, free_port, is_refused, need_bare, need_root, run,
                     server, step, wait_until, wait_who)
from reloads import status, verb

N_KILLS = min(20, int(os.environ.get("SUP_TEST_KILLS", "20")))


def starts(t, *options, start_up="2"):
    need_root("the network of the story is its own")
    port = free_port()
    sup = Sup(t, "--control", t.path("control"), *options, "--", PYTHON, server("slow_start.py"),
              port, start_up)
    wait_who(port)
    return sup, port


def has_parked(t, count=1):
    return [each["state"] for each in status(t)["workers"]].count("parked") == count


def kill_many(sup, port, settle):
    """Kills the worker again and again; the times from each kill to the next answer, sorted."""
    times = []
    for _ in range(N_KILLS):
        settle()
        pid = int(ask_who(port)["pid"])
        procs.kill_and_wait(pid)
        killed = time.monotonic()
        assert ask_who(port)["pid"] != str(pid)
        times.append(time.monotonic() - killed)
        assert not is_refused(port)
    return sorted(times)


@step(f"a server that needs 2 s to start, killed {N_KILLS} times: at most 1/100 of the time without")
def _(t):
    need_bare("its times are those of sup alone")
    sup, port = starts(t)
    pid = sup.kill_worker()
    begin = time.monotonic()
    assert ask_who(port)["pid"] != str(pid)
    without = time.monotonic() - begin
    sup.stop()
    sup, port = starts(t, "--standby")
    times = kill_many(sup, port, lambda: wait_until(lambda: has_parked(t), "one stands by", 30))
    median = times[len(times) // 2]
    diag(f"kill to next answer: {without * 1000:.0f} ms without a standby; with one, median "
         f"{median * 1000:.1f} ms, longest {times[-1] * 1000:.1f} ms")
    assert median <= without / 100
    assert sup.stop() == 0
    assert not procs.descendants_of(os.getpid())


@step("two that stand by, for two workers that die at the same time")
def _(t):
    sup, port = starts(t, "--standby=2", "-n", "2", start_up="0.5")
    wait_until(lambda: has_parked(t, 2), "two stand by", 30)
    for worker in status(t)["workers"]:
        if worker["role"] == "active":
            procs.send(worker["pid"], 9)
    wait_until(lambda: [each["role"] for each in status(t)["workers"] if each["state"] == "ready"]
               .count("active") == 2, "two serve", 5)
    ask_who(port)
    wait_until(lambda: has_parked(t, 2), "two stand by again", 30)
    assert sup.stop() == 0


@step("a reload of the same command takes the standby, unless a file of its command line is newer")
def _(t):
    sup, port = starts(t, "--standby", start_up="0.3")
    wait_until(lambda: has_parked(t), "one stands by", 30)
    spare, = [each["pid"] for each in status(t)["workers"] if each["role"] == "standby"]
    assert verb(t, "reload")[0] == 0
    assert ask_who(port)["pid"] == str(spare)
    assert sup.stop() == 0
    program = t.write("server.py", "import runpy, sys\nsys.path.insert(0, sys.argv[1])\n"
                                   "sys.argv[1:2] = []\n"
                                   "runpy.run_path(sys.argv[0].replace('server.py', 'real.py'))\n")
    with open(server("slow_start.py"), encoding="utf-8") as file:
        t.write("real.py", file.read())
    sup = Sup(t, "--control", t.path("control"), "--standby", "--", PYTHON, program,
              os.path.dirname(server("x")), port, "0.3")
    wait_who(port)
    wait_until(lambda: has_parked(t), "one stands by", 30)
    spare, = [each["pid"] for each in status(t)["workers"] if each["role"] == "standby"]
    os.utime(program)
    assert verb(t, "reload")[0] == 0
    assert ask_who(port)["pid"] != str(spare)


@step("a standby that dies is started again; its end is not the service's")
def _(t):
    sup, port = starts(t, "--standby", start_up="0.3")
    before = ask_who(port)["pid"]
    wait_until(lambda: has_parked(t), "one stands by", 30)
    spare, = [each["pid"] for each in status(t)["workers"] if each["role"] == "standby"]
    procs.kill_and_wait(spare)
    wait_until(lambda: has_parked(t), "another one stands by", 30)
    assert ask_who(port)["pid"] == before
    assert sup.stop() == 0


# Its child says when it got through listen().
FORKS = """
import os, sys
sys.path.insert(0, sys.argv[1])
from answering import answer_forever, tcp_listener
if os.fork():
    os.wait()
else:
    listener = tcp_listener(int(sys.argv[2]))
    os.write(1, b"%d listens\\n" % os.getpid())
    answer_forever(listener)
"""


@step("a parked standby that listens in a child is retired by a reload without having served")
def _(t):
    need_root("the network of the story is its own")
    port = free_port()
    for options in ((), ("-l", f"127.0.0.1:{port}")):
        sup = Sup(t, "--control", t.path("control"), "--standby", *options, "--", PYTHON,
                  t.write("forks.py", FORKS), os.path.dirname(server("x")), port)
        wait_who(port)
        for number in range(1, 6):
            wait_until(lambda: has_parked(t), "one stands by", 30)
            assert verb(t, "restart")[0] == 0
            wait_until(lambda n=number: len(sup.out.lines) > n, "the new one listens")
        served = ask_who(port)["pid"]
        assert sup.stop() == 0
        lines = sup.out.until_end()
        assert len(lines) == 6 and lines[-1] == f"{served} listens", lines


@step("an activated server cannot be parked, and that is said")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "--standby", "-l", "127.0.0.1:8001", "--", PYTHON, server("activated.py"))
    wait_who(8001)
    sup.wait_for_log("stand by, but serves already: it takes its sockets from LISTEN_FDS")
    assert sup.stop() == 0


run()
