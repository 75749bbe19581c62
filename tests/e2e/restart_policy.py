#!/usr/bin/python3
"""When a worker is started again, how soon, and what sup's own exit status is when it is not."""

import os
import signal
import time

import procs
from harness import (PATIENCE, PYTHON, Sup, ask_who, free_port, is_refused, run, run_sup, server,
                     step, wait_until, wait_who)

NEXT_START = r"exited with status 1 .*next start in ([\d.]+) (ms|s) \(failure {} in a row\)"


def next_start_ms(sup, failure):
    match = sup.wait_for_log(NEXT_START.format(failure), 20)
    return float(match[1]) * (1000 if match[2] == "s" else 1)


@step("--restart=never: sup ends with the status of the worker, or 128 and the signal")
def _(t):
    for command, expected in (("exit 0", 0), ("exit 42", 42), ("kill -9 $$", 137),
                              ("kill -15 $$", 143)):
        status, _ = run_sup(t, "--restart=never", "--", "sh", "-c", command)
        assert status == expected, (command, status)


@step("--restart=on-failure: a worker that ends with 0 is not started again, others are")
def _(t):
    status, _ = run_sup(t, "--restart=on-failure", "--", "true")
    assert status == 0
    sup = Sup(t, "--restart=on-failure", "--", "sh", "-c", "exit 3")
    sup.wait_for_log("exited with status 3 .*failure 2 in a row")


@step("--restart=always, the default: also a worker that ends with 0 is started again")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", str(port), "--", "sh", "-c", "echo started")
    wait_until(lambda: sup.out.lines.count("started") >= 3, "it was started three times")
    assert not is_refused(port)


@step("a worker that served for a second is started again at once")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    time.sleep(1.1)
    old = sup.kill_worker()
    match = sup.wait_for_log(rf"pid {old}\) was killed by signal 9 \(KILL\).*"
                             r"restarted in ([\d.]+) (µs|us|ms|s) as pid (\d+)")
    seconds = float(match[1]) * {"s": 1, "ms": 1e-3}.get(match[2], 1e-6)
    assert seconds < 0.1 * PATIENCE, match[0]
    assert int(match[3]) == sup.worker()


@step("so is one that finds that the socket it got listens already, and calls no listen(); a HUP too")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("skips_listen.py"), port)
    wait_who(port)
    for _ in range(2):
        time.sleep(1.3 * PATIENCE)
        old = sup.kill_worker()
        assert ask_who(port)["pid"] == str(sup.next_worker(old))
    assert len([line for line in sup.said() if "restarted in" in line]) == 2, sup.said()
    again = sup.wait_for_log(r"listening again ([\d.]+) (ms|s) after")
    assert again[2] == "ms" or float(again[1]) < PATIENCE, again[0]
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reloaded")


@step("one that ends between its sockets is not said to be listening again; one that has all is")
def _(t):
    ports = [free_port() for _ in range(3)]
    sup = Sup(t, "--", PYTHON, server("fails_between.py"), t.path("bad"), *ports)
    wait_who(ports[2])
    t.write("bad", "")
    sup.kill_worker()
    sup.wait_for_log("failure 3 in a row")
    assert not [line for line in sup.said() if "listening again" in line], sup.said()
    os.unlink(t.path("bad"))
    sup.wait_for_log("is listening again")
    assert wait_who(ports[2])["pid"] == str(sup.worker())


@step("one that comes back with fewer sockets is, as soon as it asks for no more")
def _(t):
    ports = [free_port() for _ in range(2)]
    script = (f"test ! -e {t.path('one')} || shift 2; "
              f'exec {PYTHON} {server("two_listeners.py")} "$@"')
    sup = Sup(t, "--", "sh", "-c", script, "sh", "127.0.0.1", ports[0], "127.0.0.1", ports[1])
    wait_who(ports[1])
    t.write("one", "")
    sup.kill_worker()
    sup.wait_for_log("is listening again")


@step("one that fails early waits 100 ms, then twice as long each time, a quarter more or less")
def _(t):
    sup = Sup(t, "--", "false")
    for failure, expected in ((1, 100), (2, 200), (3, 400), (4, 800)):
        seen = next_start_ms(sup, failure)
        assert 0.74 * expected <= seen <= 1.26 * expected, (failure, seen)


@step("--backoff-max limits the wait")
def _(t):
    sup = Sup(t, "--backoff-max", "150ms", "--", "false")
    for failure in (2, 3, 4):
        assert next_start_ms(sup, failure) <= 150 * 1.26, failure


@step("--restart-limit: giving up ends sup with a status that is not 0, and the port is free")
def _(t):
    port = free_port()
    begin = time.monotonic()
    status, lines = run_sup(t, "-l", str(port), "--restart-limit", "2/60", "--", "false")
    assert status == 1, status
    assert time.monotonic() - begin < 5 * PATIENCE
    assert "2" in lines[-1] or "limit" in lines[-1], lines
    assert is_refused(port)


@step("-n 3: the death of one worker leaves the others as they are")
def _(t):
    port = free_port()
    sup = Sup(t, "-n", "3", "-l", f"127.0.0.1:{port}", "--", PYTHON, server("activated.py"))
    wait_who(port)
    before = sup.workers(3)
    procs.kill_and_wait(before[0])
    after = sup.workers(3)
    assert set(before[1:]) < set(after) and before[0] not in after, (before, after)
    ask_who(port)


@step("a program that vanishes while it runs: the port is held until the program is back")
def _(t):
    port = free_port()
    program = t.path("server")
    text = f"#!/bin/sh\nexec {PYTHON} {server('simple.py')} {port}\n"
    t.write("server", text, 0o755)
    sup = Sup(t, "--", program)
    wait_who(port)
    os.rename(program, program + ".away")
    sup.kill_worker()
    sup.wait_for_log(rf"{program}")
    assert not is_refused(port)
    os.rename(program + ".away", program)
    ask_who(port)


@step("a crash: SIGSEGV is named")
def _(t):
    status, lines = run_sup(t, "--restart=never", "--", "sh", "-c", "kill -SEGV $$")
    assert status == 128 + signal.SIGSEGV, status
    assert any("SEGV" in line for line in lines), lines


run()
