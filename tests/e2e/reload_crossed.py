#!/usr/bin/python3
"""A reload is crossed by something else: by deaths, by drain, by restart. It comes to an end all the same,
and so does what crossed it.
"""

import os
import re
import signal
import subprocess

import procs
from harness import (PATIENCE, PYTHON, Sup, ask_who, connect, is_refused, need_root, read_all, run,
                     server, step, sup_binary, wait_until, wait_who)
from reloads import status

WAYS = (["--drain=connections"], ["--reload=serial"], [])


def starts(t, *options, n_workers=1):
    """A sup whose workers start when hold() lets them; it serves."""
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "--control", t.path("control"), "-n", n_workers, *options, "--",
              *command_of(t))
    wait_who(8001)
    wait_until(lambda: count(t, role="active", state="ready") == n_workers, "all serve", 30)
    return sup


def command_of(t):
    return PYTHON, server("starts_when.py"), "8001", t.dir


def workers(t, **wanted):
    """The workers of which all this is true."""
    return [each for each in status(t)["workers"]
            if all(each[key] == value for key, value in wanted.items())]


def count(t, **wanted):
    return len(workers(t, **wanted))


def wait_worker(t, **wanted):
    return wait_until(lambda: workers(t, **wanted), f"there is a worker with {wanted}", 20)[0]


def hold(t, generation, worker):
    """That worker, when it is started, waits before it binds."""
    t.write(f"hold.{generation}.{worker}", "")


def release(t, generation, worker):
    os.unlink(t.path(f"hold.{generation}.{worker}"))


def begin(t, *words):
    """A verb whose result is asked for later."""
    process = subprocess.Popen([sup_binary(), words[0], "--control", t.path("control"), *words[1:]],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    t.defer(process.stdout.close)
    t.defer(process.kill)
    return process


def result(process, deadline=20):
    """(exit status, the last line that it said); it has to come to an end."""
    try:
        said = process.communicate(timeout=deadline * PATIENCE)[0].decode()
    except subprocess.TimeoutExpired:
        raise AssertionError(f"{process.args[1]} does not end") from None
    return process.returncode, said.splitlines()[-1]


def works(process):
    code, said = result(process)
    assert code == 0, said
    return said


def settles(t, generation, n_workers=1):
    """So many workers of that generation serve, and no other does; the next reload works too."""
    for number in (generation, generation + 1):
        wait_until(lambda number=number: count(t, role="active", state="ready",
                                               generation=number) == n_workers ==
                   count(t) - count(t, role="standby"),
                   f"{n_workers} workers of generation {number} serve, and no other", 20)
        # A standby that serves says with which generation it was started.
        assert workers(t, pid=int(ask_who(8001)["pid"]))[0]["generation"] == number
        if number == generation:
            works(begin(t, "reload"))


@step("sockets of its own: a new worker that dies after it was ready, before its sibling is, ends the reload")
def _(t):
    sup = starts(t, "--drain=connections", n_workers=2)
    old = procs.children_of(sup.pid)
    hold(t, 2, 2)
    reload = begin(t, "reload")
    procs.kill_and_wait(wait_worker(t, role="candidate", state="ready")["pid"])
    code, said = result(reload)
    assert code == 1, said
    assert re.search(r"new worker 1 was killed by signal 9 \(KILL\) before all .* were ready",
                     said), said
    wait_until(lambda: procs.children_of(sup.pid) == old, "the old ones are alone")
    release(t, 2, 2)
    works(begin(t, "reload"))
    settles(t, 3, 2)


@step("shared sockets: it is started again, in its place, and the reload goes on")
def _(t):
    starts(t, "--max-surge=2", n_workers=2)
    hold(t, 2, 2)
    reload = begin(t, "reload")
    first = wait_worker(t, generation=2, role="active", state="ready")["pid"]
    procs.kill_and_wait(first)
    wait_until(lambda: workers(t, generation=2, worker=1, state="ready") and
               workers(t, generation=2, worker=1)[0]["pid"] != first, "it is back")
    release(t, 2, 2)
    works(reload)
    settles(t, 2, 2)


for way in WAYS:
    @step(f"{way}: a reload that is asked for while a worker is replaced begins when that is done")
    def _(t, way=way):
        sup = starts(t, *way)
        hold(t, 1, 2)
        drain = begin(t, "drain", "1")
        wait_worker(t, role="candidate")
        reload = begin(t, "reload")
        sup.wait_for_log("a worker is being replaced .*the reload waits")
        assert not sup.err.find("reloading")
        release(t, 1, 2)
        assert "worker 2 serves in its stead" in works(drain)
        works(reload)
        settles(t, 2)


@step("and also when the other worker will not do: the old one is reloaded")
def _(t):
    sup = starts(t, "--drain=connections")
    hold(t, 1, 2)
    t.write("fail.1.2", "")
    drain = begin(t, "drain", "1")
    wait_worker(t, role="candidate")
    reload = begin(t, "reload")
    sup.wait_for_log("a worker is being replaced .*the reload waits")
    release(t, 1, 2)
    code, said = result(drain)
    assert code == 1 and "ended before it was ready" in said, said
    works(reload)
    settles(t, 2)


@step("or when the one that is to be replaced is gone before that")
def _(t):
    sup = starts(t, n_workers=2)
    hold(t, 1, 3)
    drain = begin(t, "drain", "2")
    wait_worker(t, role="candidate")
    works(begin(t, "scale", "1"))
    wait_until(lambda: not workers(t, worker=2), "worker 2 is gone")
    reload = begin(t, "reload")
    sup.wait_for_log("a worker is being replaced .*the reload waits")
    release(t, 1, 3)
    works(drain)
    works(reload)
    settles(t, 2)


for way in WAYS:
    @step(f"{way}: an old worker dies during a reload, and a standby takes its place")
    def _(t, way=way):
        serial = "--reload=serial" in way
        sup = starts(t, "--standby", *way, n_workers=2)
        wait_worker(t, role="standby", state="parked")
        hold(t, 2, 1)
        hold(t, 2, 2)
        reload = begin(t, "reload", "--", *command_of(t))  # with a command no standby is taken for it
        # serial: the first is being renewed, and the second serves
        new = wait_worker(t, generation=2, state="starting", worker=1)
        victim, = workers(t, generation=1, role="active", worker=2 if serial else 1)
        procs.kill_and_wait(victim["pid"])
        sup.wait_for_log("took its place")
        if not serial:
            assert workers(t, pid=new["pid"])[0]["worker"] == 3
        release(t, 2, 1)
        release(t, 2, 2)
        works(reload)
        settles(t, 2, 2)


@step("sup restart of a worker whose successor is ready already restarts it, and leaves that one alone")
def _(t):
    starts(t, "--drain=connections", n_workers=2)
    hold(t, 2, 2)
    reload = begin(t, "reload")
    candidate = wait_worker(t, role="candidate", state="ready", worker=1)
    old, = workers(t, generation=1, worker=1)
    assert works(begin(t, "restart", "1")).endswith("is restarted")
    new, = workers(t, generation=1, worker=1)
    assert new["pid"] != old["pid"] and new["role"] == "active" and new["state"] == "ready", new
    assert workers(t, pid=candidate["pid"])[0]["role"] == "candidate"
    release(t, 2, 2)
    works(reload)
    settles(t, 2, 2)


@step("so it is when the restarted one fails")
def _(t):
    starts(t, "--drain=connections", n_workers=2)
    hold(t, 2, 2)
    t.write("fail.1.1", "")
    reload = begin(t, "reload")
    candidate = wait_worker(t, role="candidate", state="ready", worker=1)
    code, said = result(begin(t, "restart", "1"))
    assert code == 1 and "ended before it was ready" in said, said
    assert workers(t, pid=candidate["pid"])[0]["role"] == "candidate"
    release(t, 2, 2)
    works(reload)
    settles(t, 2, 2)


@step("a restart that is not done when the reload is ends with the new worker in that place")
def _(t):
    starts(t, n_workers=2)
    hold(t, 1, 1)
    hold(t, 2, 1)
    reload = begin(t, "reload")
    wait_worker(t, generation=2, worker=1)
    restart = begin(t, "restart", "1")
    wait_worker(t, generation=1, worker=1, state="starting")
    release(t, 2, 1)
    assert works(restart).endswith("is restarted")
    works(reload)
    settles(t, 2, 2)


@step("serial reloads behind each other, none of them any good: each lets the old worker come back")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "--control", t.path("control"), "--reload=serial", "--", PYTHON,
              server("slow_start.py"), 8001, "0.3")
    wait_who(8001)
    reloads = [begin(t, "reload", "--", "sh", "-c", f"exit {number}") for number in range(3, 7)]
    for number, reload in enumerate(reloads, 3):
        code, said = result(reload, 30)
        assert code == 1 and f"status {number}" in said, said
    wait_until(lambda: "".join(sup.said()).count("reload failed") == len(reloads), "all is said")
    story = [line for line in sup.said() if re.search("reloading|reload failed|is ready", line)]
    assert [re.search("reloading|failed|is ready", line)[0] for line in story] == \
        ["is ready"] + ["reloading", "is ready", "failed"] * 4, story


@step("the old worker fails as well: the reload ends, and another one may mend it")
def _(t):
    starts(t, "--reload=serial")
    t.write("fail.1.1", "")
    code, said = result(begin(t, "reload", "--", "sh", "-c", "exit 4"))
    assert code == 1 and "exited with status 4" in said, said
    works(begin(t, "reload"))
    settles(t, 3)


@step("so it does when a new worker had taken the place of the old one that fails: it goes as well")
def _(t):
    starts(t, n_workers=2)
    hold(t, 2, 2)
    reload = begin(t, "reload")
    wait_worker(t, generation=2, worker=1, state="ready")
    wait_until(lambda: count(t, generation=1) == 1, "it has taken a place")
    for name in ("fail.1.1", "fail.2.2"):
        t.write(name, "")
    release(t, 2, 2)
    code, said = result(reload)
    assert code == 1 and "worker 2 exited with status 3" in said, said
    wait_until(lambda: count(t, generation=2) == 0, "the new one is gone")
    assert ask_who(8001)["generation"] == "1"
    works(begin(t, "reload"))
    settles(t, 3, 2)


GATE = 'while test -e "$0/hold.$SUP_GENERATION.$SUP_WORKER"; do sleep 0.05; done; exec "$@"'


@step("the old and the new worker die at once, on trial: who comes waits for the old one, nobody is refused")
def _(t):
    need_root("the network of the story is its own")
    path = t.path("socket")
    for program, address in (("simple.py", 8001), ("unix_path.py", path)):
        sup = Sup(t, "-v", "--control", t.path("control"), "--", "sh", "-c", GATE, t.dir, PYTHON,
                  server(program), address)
        wait_who(address)
        reload = begin(t, "reload", "--bake=30s")
        sup.wait_for_log("on trial", 20)
        assert ask_who(address)["generation"] == "2"
        hold(t, 1, 1)
        sup.send(signal.SIGSTOP)
        for pid in procs.children_of(sup.pid):
            os.kill(pid, signal.SIGKILL)
        sup.send(signal.SIGCONT)
        code, said = result(reload)
        assert code == 1 and "on trial" in said, said
        assert not is_refused(address)
        with connect(address) as client:
            release(t, 1, 1)
            assert "generation=1 " in read_all(client)
        assert sup.stop() == 0


run()
