#!/usr/bin/python3
"""A new version that is no good: the old one serves on, nobody notices, and the command says why."""

import os
import re

import procs
from harness import PYTHON, Sup, ask_who, free_port, need_root, run, server, step, wait_until, wait_who
from reloads import check_load, end, start, status, verb


def serving(t, *options):
    """A sup whose graceful server has a load of new connections; (sup, the load)."""
    need_root("the network of the story is its own")
    sup = Sup(t, "--control", t.path("control"), *options, "--", PYTHON,
              server("graceful_http.py"), 8001)
    wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
    return sup, start(t, "load.py", "http", "127.0.0.1", 8001, 200)


def is_refused(t, sup, load, reason, *words, lost=0):
    """The reload fails with that reason, and the worker is the same as before. At most so many clients
    may have lost a connection that a process which crashed had accepted.
    """
    before = sup.worker()
    code, said = verb(t, "reload", *words)
    assert code == 1, (code, said)
    last = said.splitlines()[-1]
    assert re.search(reason, last), said
    counts = end(load)
    if lost and 0 < counts["reset"] + counts["early_eof"] <= lost:
        counts["started"] = counts["ok"]
        counts["reset"] = counts["early_eof"] = 0
    check_load(counts)
    assert procs.children_of(sup.pid) == [before], "the old worker is not alone"
    now = status(t)
    assert now["generation"] == 1 and now["state"] == "ready", now
    assert all(each["generation"] in (0, 1) for each in now["listeners"]), now


@step("one that exits at its start")
def _(t):
    sup, load = serving(t)
    is_refused(t, sup, load, "exited with status 3", "--", "sh", "-c", "exit 3")


@step("one that does not exist")
def _(t):
    sup, load = serving(t)
    is_refused(t, sup, load, "could not be started", "--", "/no/such/program")


@step("one that never becomes ready")
def _(t):
    sup, load = serving(t, "--start-timeout", "2s")
    is_refused(t, sup, load, "not ready in time", "--", "sleep", "1000")


@step("one that exits at its start, with sockets of its own")
def _(t):
    sup, load = serving(t, "--drain=connections")
    is_refused(t, sup, load, "exited with status 3", "--", "sh", "-c", "exit 3")


@step("one that never becomes ready, with sockets of its own")
def _(t):
    sup, load = serving(t, "--drain=connections", "--start-timeout", "2s")
    is_refused(t, sup, load, "not ready in time", "--", "sleep", "1000")


@step("one that crashes two seconds after it was ready, under --bake")
def _(t):
    sup, load = serving(t)
    is_refused(t, sup, load, "on trial", "--bake", "20s", "--", PYTHON,
               server("crashes_later.py"), 8001, 2, lost=1)


@step("one that crashes two seconds after it was ready, under --canary")
def _(t):
    sup, load = serving(t)
    is_refused(t, sup, load, "on trial", "--canary", "20%", "--bake", "20s", "--", PYTHON,
               server("crashes_later.py"), 8001, 2, lost=1)


@step("a failing --check takes it back, one that passes does not")
def _(t):
    sup, load = serving(t)
    is_refused(t, sup, load, "the check", "--bake", "20s", "--check", "exit 1")
    code, said = verb(t, "reload", "--check", 'test "$SUP_GENERATION" = 3')
    assert code == 0, said
    assert status(t)["generation"] == 3, status(t)


@step("in the middle of several workers: those that were replaced already come back")
def _(t):
    need_root("the network of the story is its own")
    once = t.write("once", '#!/bin/sh\nmkdir "$1/first" 2>/dev/null || exit 9\n'
                           'exec "$2" "$3"\n', 0o755)
    sup = Sup(t, "--control", t.path("control"), "-n", "3", "-l", "127.0.0.1:8001",
              "--ready=timer:1500ms", "--", PYTHON, server("activated.py"))
    wait_until(lambda: verb(t, "ready")[0] == 0 and is_whole(t), "three workers serve", 30)
    code, said = verb(t, "reload", "--", once, t.dir, PYTHON, server("activated.py"))
    assert code == 1 and "status 9" in said.splitlines()[-1], (code, said)
    now = wait_until(lambda: is_whole(t), "three workers of the old generation", 30)
    assert {each["generation"] for each in now["workers"]} == {1}, now
    assert ask_who(8001)["generation"] == "1"
    assert sup.stop() == 0


def is_whole(t):
    now = status(t)
    whole = [(each["role"], each["state"]) for each in now["workers"]] == [("active", "ready")] * 3
    return now if whole else None


def fails_between(t, *options, n=1):
    """It exits between its sockets, in every way to reload; what served before serves on. Then not."""
    need_root("the network of the story is its own")
    bad = t.path("bad")
    sup = Sup(t, "--control", t.path("control"), *options, "-n", n, "--", PYTHON,
              server("fails_between.py"), bad, 8001, 8002, 8003)
    wait_who(8003)
    wait_until(lambda: [each["state"] for each in status(t)["workers"]] == ["ready"] * n,
               "all of it serves", 30)
    t.write("bad", "")
    old = procs.children_of(sup.pid)
    code, said = verb(t, "reload")
    assert code == 1 and "status 3" in said.splitlines()[-1], (code, said)
    assert "--reload=serial" in options or procs.children_of(sup.pid) == old, "another one serves"
    os.unlink(bad)
    for port in (8001, 8002, 8003):
        assert wait_who(port)["generation"] == "1"
    wait_until(lambda: status(t)["state"] == "ready", "it serves", 30)
    code, said = verb(t, "reload")
    assert code == 0, said
    for port in (8001, 8002, 8003):
        assert wait_who(port)["generation"] == "3"
    assert sup.stop() == 0


@step("one that exits after it listened on some of its sockets")
def _(t):
    fails_between(t)


@step("one of several that does")
def _(t):
    fails_between(t, n=2)


@step("one that does, with sockets of its own")
def _(t):
    fails_between(t, "--drain=connections")


@step("one that does, after the old one is gone")
def _(t):
    fails_between(t, "--reload=serial")


@step("one that has fewer sockets is no failure, and is waited for no longer than that takes to tell")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "--control", t.path("control"), "--", PYTHON, server("two_listeners.py"),
              "127.0.0.1", 8001, "127.0.0.1", 8002)
    wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
    code, said = verb(t, "reload", "--", PYTHON, server("two_listeners.py"), "127.0.0.1", 8002)
    assert code == 0, said
    assert wait_who(8002) == {**wait_who(8002), "generation": "2", "pid": str(sup.worker())}
    assert sup.stop() == 0


@step("one that finds the old one at its unix path: the command says what to do, and that works")
def _(t):
    need_root("the network of the story is its own")
    path = t.path("socket")
    for port in ([], [8001]):
        sup = Sup(t, "--control", t.path("control"), "--", PYTHON, server("asks_first.py"), path,
                  *port)
        wait_who(path)
        old = sup.worker()
        for words in ([], ["--drain=connections"]):
            code, said = verb(t, "reload", *words)
            assert code == 1 and re.search("78 before .*--reload=serial", said), (code, said)
            assert wait_who(path)["pid"] == str(old)
        for generation in ("4", "5"):
            code, said = verb(t, "reload", "--reload=serial")
            assert code == 0, said
            assert wait_who(path)["generation"] == generation
        assert sup.stop() == 0


@step("one that finds the old one's pid file: the same")
def _(t):
    need_root("the network of the story is its own")
    mine = f"""test ! -e {t.path('pid')} || exit 1
echo $$ >{t.path('pid')}
trap 'kill $!; wait; rm {t.path('pid')}; exit' TERM
{PYTHON} {server('simple.py')} 8001 &
wait"""
    sup = Sup(t, "--control", t.path("control"), "--", "sh", "-c", mine)
    old = wait_who(8001)
    code, said = verb(t, "reload")
    assert code == 1 and re.search("status 1 before .*--reload=serial", said), (code, said)
    assert wait_who(8001) == old
    code, said = verb(t, "reload", "--reload=serial")
    assert code == 0, said
    code, said = verb(t, "reload", "--reload=serial", "--", "false")
    assert code == 1 and "--reload=serial" not in said, (code, said)
    code, said = verb(t, "reload", "--", "sh", "-c", "kill -9 $$")
    assert code == 1 and "--reload=serial" not in said, (code, said)
    assert sup.stop() == 0


@step("a serial reload that fails says whether the old generation serves on or has to start again")
def _(t):
    need_root("the network of the story is its own")
    program = t.write("server.sh", f"exec {PYTHON} {server('simple.py')} 8001\n")
    for n_workers in (1, 2):
        sup = Sup(t, "--control", t.path("control"), "-n", n_workers, "--reload=serial", "--", "sh",
                  program)
        sup.workers(n_workers)
        wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
        code, said = verb(t, "reload", "--", "sh", "-c", "exit 3")
        assert code == 1 and "status 3 before it was ready" in said, (code, said)
        sup.wait_for_log("reload failed: .*; generation 1 serves on")
        assert wait_who(8001)["generation"] == "1"
        if n_workers == 1:
            code, said = verb(t, "reload", "--", "sh", "-c", f"rm -f {program}; exit 3")
            assert code == 1 and "status 3 before it was ready" in said, (code, said)
            sup.wait_for_log("reload failed: .*; generation 1 is started again")
            t.write("server.sh", f"exec {PYTHON} {server('simple.py')} 8001\n")
            assert wait_who(8001)["generation"] == "1"
        assert sup.stop() == 0


@step("what a crash restarts is the last good one")
def _(t):
    sup, load = serving(t)
    verb(t, "reload", "--", "sh", "-c", "exit 3")
    sup.kill_worker()
    wait_until(lambda: status(t)["state"] == "ready", "it serves again", 30)
    assert status(t)["command"][-1] == "8001"
    code, said = verb(t, "reload", "--", PYTHON, server("simple.py"), 8001)
    assert code == 0, said
    sup.kill_worker()
    wait_until(lambda: status(t)["state"] == "ready", "it serves again", 30)
    assert "simple.py" in " ".join(status(t)["command"])
    end(load)


@step("what makes no sense is refused in one sentence")
def _(t):
    need_root("the network of the story is its own")
    port = free_port()
    sup = Sup(t, "--control", t.path("control"), "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    for words, sentence in ((["--canary", "5%"], "--bake"),
                            (["--reload=serial", "--drain=connections"], "serial"),
                            (["--reload=serial", "--bake", "1s"], "serial"),
                            (["--canary", "200%"], "200")):
        code, said = verb(t, "reload", *words)
        assert code in (1, 2) and sentence in said and len(said.splitlines()) == 1, (code, said)
    assert sup.stop() == 0


run()
