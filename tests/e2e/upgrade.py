#!/usr/bin/python3
"""sup re-executes itself: the same process, workers and sockets; and not if the new program is no good."""

import os
import shutil
import signal
import time

import procs
from control import Client, request
from harness import (PYTHON, Sup, ask_who, diag, free_port, need_bare, need_root, run, server, step,
                     take_load_slot, wait_until, wait_who)
from reloads import check_clients, check_load, end, start, status
from reloads import verb as ask_by
from supervised import sup_binary

N_UPGRADES = int(os.environ.get("SUP_TEST_UPGRADES", "50"))


class Own(Sup):
    """A sup whose program is a copy of its own, which can be replaced."""

    def __init__(self, t, *args, **popen):
        self.program = t.path("sup")
        shutil.copy(sup_binary(), self.program)
        super().__init__(t, "--control", t.path("control"), *args, binary=self.program, **popen)


def replace(t, sup, text=None, program=None):
    """Another program takes the place of sup's own."""
    path = t.write("next", text, 0o755) if text else shutil.copy(program, t.path("next"))
    os.rename(path, sup.program)


def verb(t, *words):
    return ask_by(t, *words)


def serves(t):
    wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)


@step(f"{N_UPGRADES} upgrades under load, with reloads and crashes in between: no request fails")
def _(t):
    need_root("the network of the story is its own")
    take_load_slot()
    sup = Own(t, "--drain=connections", "--", PYTHON, server("graceful_http.py"), 8001)
    serves(t)
    first = sup.worker()
    load = start(t, "load.py", "http", "127.0.0.1", 8001, 200)
    clients = start(t, "clients.py", "keep-alive", "127.0.0.1", 8001)
    for number in range(1, N_UPGRADES + 1):
        code, said = verb(t, "upgrade")
        assert code == 0, said
        now = status(t)
        assert now["pid"] == sup.pid and now["upgrades"] == number, now
        if number == 1:
            assert sup.worker() == first
        if number % 10 == 5:
            assert verb(t, "reload")[0] == 0
    check_load(end(load))
    check_clients(end(clients))
    killed = sup.kill_worker()
    assert verb(t, "upgrade")[0] == 0
    serves(t)
    now = status(t)
    assert now["workers"][0]["last_end"].startswith("was killed by signal 9"), now
    assert now["workers"][0]["pid"] not in (killed, None) and now["workers"][0]["restarts"] == 1
    assert sup.stop() == 0
    assert not procs.descendants_of(os.getpid())


@step("a worker that crashes in the middle of an upgrade is restarted by the new program")
def _(t):
    need_root("the network of the story is its own")
    sup = Own(t, "--", PYTHON, server("simple.py"), 8001)
    serves(t)
    for number in range(1, 6):
        before = int(ask_who(8001)["pid"])
        os.kill(sup.pid, signal.SIGUSR2)
        os.kill(before, signal.SIGKILL)
        assert ask_who(8001)["pid"] != str(before)
        wait_until(lambda n=number: status(t)["upgrades"] == n, "it is upgraded", 20)
    assert sup.stop() == 0


@step("a bind that waits for its answer gets it from the new program: a standby stays parked")
def _(t):
    need_root("the network of the story is its own")
    sup = Own(t, "--standby", "--", PYTHON, server("slow_start.py"), 8001, "0.2")
    wait_who(8001)
    wait_until(lambda: "parked" in [each["state"] for each in status(t)["workers"]], "one stands by",
               20)
    assert verb(t, "upgrade")[0] == 0
    spare, = [each["pid"] for each in status(t)["workers"] if each["state"] == "parked"]
    sup_workers = procs.children_of(sup.pid)
    assert spare in sup_workers and len(sup_workers) == 2
    procs.kill_and_wait(int(ask_who(8001)["pid"]))
    assert ask_who(8001)["pid"] == str(spare)
    assert sup.stop() == 0


@step("a bind that comes while sup is stopped in between is answered by the new program")
def _(t):
    need_root("the network of the story is its own")
    sup = Own(t, "--", PYTHON, server("slow_start.py"), 8001, "1")
    wait_who(8001)
    before = sup.kill_worker()
    sup.next_worker(before)
    os.kill(sup.pid, signal.SIGSTOP)
    time.sleep(1.5)  # the new worker comes as far as its bind, and waits there
    os.kill(sup.pid, signal.SIGUSR2)
    os.kill(sup.pid, signal.SIGCONT)
    assert ask_who(8001)["pid"] == str(sup.worker())
    wait_until(lambda: status(t)["upgrades"] == 1, "it is upgraded", 20)


@step("what is carried over: limits, kept paths, the back-off, several workers, the name")
def _(t):
    need_root("the network of the story is its own")
    path = t.path("run.sock")
    sup = Own(t, "--name", "mine", "-n", "2", "-l", path, "-l", "127.0.0.1:8001", "--", PYTHON,
              server("activated.py"))
    wait_who(8001)
    before = sup.workers(2)
    assert verb(t, "upgrade")[0] == 0
    assert sup.workers(2) == before
    assert status(t)["name"] == "mine" and len(status(t)["listeners"]) == 2
    with open(f"/proc/{before[0]}/limits", encoding="ascii") as file:
        limits = file.read()
    procs.kill_and_wait(before[0])
    after = wait_until(lambda: [pid for pid in sup.workers(2) if pid not in before], "a new one")
    wait_until(lambda: procs.name_of(after[0]) != "sup", "it runs its own program")
    with open(f"/proc/{after[0]}/limits", encoding="ascii") as file:
        assert file.read() == limits
    assert wait_who(path) and wait_who(8001)
    assert sup.stop() == 0
    assert not os.path.exists(path)


@step("that the server looks for another one at its unix path is known to the new program")
def _(t):
    need_root("the network of the story is its own")
    path = t.path("socket")
    sup = Own(t, "--", PYTHON, server("asks_first.py"), path, 8001)
    for _ in range(3):
        assert wait_who(path)["pid"] == wait_who(8001)["pid"] == str(sup.kill_worker())
        assert wait_who(path)["pid"] == wait_who(8001)["pid"] == str(sup.worker())
        assert verb(t, "upgrade")[0] == 0
    assert len([line for line in sup.said() if "status 78" in line]) == 1, sup.said()
    assert sup.stop() == 0
    assert not os.path.exists(path)


@step("what is guessed of a server that looks for its path goes on in the new program")
def _(t):
    need_root("the network of the story is its own")
    path = t.path("socket")
    sup = Own(t, "--", PYTHON, server("asks_first.py"), "--looks", path)
    for n_failed in (2, 3, 3):
        wait_who(path)
        before = str(sup.kill_worker())
        wait_until(lambda before=before: wait_who(path).get("pid") not in (None, before), "it is back")
        assert len([line for line in sup.said() if "status 78" in line]) == n_failed, sup.said()
        assert verb(t, "upgrade")[0] == 0
    assert sup.stop() == 0


@step("a new program that exits, is another one, cannot run, or has another format: sup goes on")
def _(t):
    need_bare("the next program is run as it is")
    need_root("the network of the story is its own")
    sup = Own(t, "--", PYTHON, server("simple.py"), 8001)
    serves(t)
    worker = sup.worker()
    with open(sup_binary(), "rb") as file:
        image = file.read()
    for text, program, reason in (
            ("#!/bin/sh\nexit 5\n", None, "status 5"), (None, "/bin/true", "status 0"),
            ("#!/no/such/interpreter\n", None, "No such file"),
            ("#!/bin/sh\nkill -9 $$\n", None, "signal 9"),
            ('#!/bin/sh\necho "the state has format 1, and this program knows format 2"\nexit 1\n',
             None, "knows format 2")):
        replace(t, sup, text, program)
        os.kill(sup.pid, signal.SIGUSR2)
        sup.wait_for_log(f"not upgraded: .*{reason}", 20)
        assert ask_who(8001)["pid"] == str(worker)
    path = t.path("next")
    with open(path, "wb") as file:
        file.write(image)
    os.chmod(path, 0o755)
    os.rename(path, sup.program)
    assert verb(t, "upgrade")[0] == 0
    assert sup.worker() == worker
    assert sup.stop() == 0


@step("a new program that hangs is given up after a while")
def _(t):
    need_root("the network of the story is its own")
    sup = Own(t, "--", PYTHON, server("simple.py"), 8001)
    serves(t)
    replace(t, sup, "#!/bin/sh\nexec sleep 1000\n")
    begin = time.monotonic()
    os.kill(sup.pid, signal.SIGUSR2)
    sup.wait_for_log("not upgraded", 30)
    diag(f"given up after {time.monotonic() - begin:.0f} s")
    assert ask_who(8001)["pid"] == str(sup.worker())
    assert sup.stop() == 0


# Says that it would go on when there is a file.
HESITATES = """#!/bin/sh
[ "$1" != --accept-state ] || {{ : > asked; until [ -e go ]; do sleep 0.02; done; }}
exec {program} "$@"
"""


def is_asked(t):
    """A sup whose new program is being asked; and that process."""
    need_bare("the next program is run as it is")
    need_root("the network of the story is its own")
    sup = Own(t, "--", PYTHON, server("simple.py"), 8001)
    serves(t)
    worker = sup.worker()
    replace(t, sup, HESITATES.format(program=sup_binary()))
    sup.send(signal.SIGUSR2)
    wait_until(lambda: os.path.exists(t.path("asked")), "the new program is asked")
    check, = [pid for pid in procs.children_of(sup.pid) if pid != worker]
    return sup, check


def client(t, text=b""):
    """Somebody who is connected, and has said this."""
    one = Client(t.path("control"))
    t.defer(one.close)
    one.send(text)
    return one


@step("who has just connected is heard before the exec, and who comes then gets an answer too")
def _(t):
    sup, check = is_asked(t)
    early, half = client(t), client(t, request("status", 1)[:20])
    assert status(t)["upgrades"] == 0  # and the two before are accepted
    t.write("go", "")
    wait_until(lambda: check not in procs.children_of(sup.pid), "it is accepted")
    early.send(request("status", 1))
    late = client(t, request("status", 1))
    assert early.answer()["result"]["upgrades"] == 0
    assert late.answer()["result"]["upgrades"] <= 1
    assert half.at_end()
    assert sup.stop() == 0


@step("who has asked while sup did not look is answered before the exec, each with all its lines")
def _(t):
    sup, check = is_asked(t)
    early = [client(t) for _ in range(20)]
    assert status(t)["upgrades"] == 0
    sup.send(signal.SIGSTOP)
    wait_until(lambda: procs.status_field(sup.pid, "State").startswith("T"), "it is stopped")
    for one in early:
        one.send(request("status", 1) * 20)
    late = client(t, request("status", 1))
    t.write("go", "")
    wait_until(lambda: procs.status_field(check, "State").startswith("Z"), "it has answered")
    sup.send(signal.SIGCONT)
    for one in early:
        assert [one.answer()["result"]["upgrades"] for _ in range(20)] == [0] * 20
    assert late.answer()["result"]["upgrades"] <= 1
    assert all(one.at_end() for one in early)
    assert status(t)["upgrades"] == 1
    assert sup.stop() == 0


@step("clients that stay, and say nothing, do not keep it from the upgrade")
def _(t):
    need_root("the network of the story is its own")
    sup = Own(t, "--", PYTHON, server("simple.py"), 8001)
    serves(t)
    silent = [client(t), client(t, b"{"), client(t, request("status", 1))]
    assert silent[-1].answer()["ok"]
    for number in range(1, 4):
        code, said = verb(t, "upgrade")
        assert code == 0 and status(t)["upgrades"] == number, said
    assert all(one.at_end() for one in silent)
    assert sup.stop() == 0


@step("USR2 during a reload waits for its end")
def _(t):
    need_root("the network of the story is its own")
    port = free_port()
    sup = Own(t, "--", PYTHON, server("slow_start.py"), port, "1")
    wait_who(port)
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reloading")
    sup.send(signal.SIGUSR2)
    wait_until(lambda: status(t)["upgrades"] == 1, "it is upgraded", 30)
    assert status(t)["generation"] == 2, status(t)
    assert sup.stop() == 0


run()
