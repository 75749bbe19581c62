#!/usr/bin/python3
"""Listeners that a worker shuts down with shutdown(2): the next worker, and the others, are found."""

import os
import signal
import stat

import procs
from harness import (PYTHON, Sup, ask_who, connect, free_port, is_refused, read_all, run, server,
                     step, wait_until, wait_who)

SHUTS_DOWN = server("shuts_down.py")


def served_by_generation(address, generation):
    """Waits for an answer of it. Whoever asks a socket that is just being replaced is refused."""
    def is_served():
        try:
            return ask_who(address)["generation"] == str(generation)
        except (ConnectionError, FileNotFoundError, KeyError):
            return False
    wait_until(is_served, f"generation {generation} serves")


def stop_worker(sup):
    """The only worker is asked to stop; returns when the next one serves."""
    n_stopped = sup.out.lines.count("shut down")
    old = sup.worker()
    os.kill(old, signal.SIGTERM)
    wait_until(lambda: not procs.alive(old), "it has ended")
    wait_until(lambda: sup.out.lines.count("shut down") > n_stopped, "it has said so")
    stopped = [n for n, line in enumerate(sup.out.lines) if line == "shut down"][n_stopped]
    sup.out.wait_for("^ready$", since=stopped)


def reload(sup, *, deaf):
    """Reloads with SIGHUP and waits until all is done."""
    since = sup.mark()
    sup.send(signal.SIGHUP)
    sup.wait_for_log(r"generation \d+ serves; ", since=since)
    sup.wait_for_log(r"reloaded", since=since)
    if deaf:
        sup.wait_for_log(r"worker 1 .*another one shut it down", since=since)


@step("a unix path whose server shuts its listener down at its end is served by the next worker")
def _(t):
    path = t.path("socket")
    for arguments in (["--", PYTHON, SHUTS_DOWN, "--ends", path],
                      ["-l", f"{path},mode=0640", "--", PYTHON, SHUTS_DOWN, "--ends"]):
        sup = Sup(t, *arguments)
        wait_who(path)
        os.chmod(path, 0o642)
        for _ in range(3):
            stop_worker(sup)
            assert ask_who(path)["pid"] == str(sup.worker())
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o642
            assert sorted(os.listdir(t.dir)) == [".socket.sup", "socket"], os.listdir(t.dir)
        os.unlink(path)
        wait_until(lambda: os.path.exists(path), "the path is there again", 5)
        assert ask_who(path)["pid"] == str(sup.worker())
        sup.stop(signal.SIGQUIT)
        assert os.listdir(t.dir) == [], os.listdir(t.dir)


@step("clients of such a path are not refused while its worker is about to end: the next one serves them")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, SHUTS_DOWN, path)
    wait_who(path)
    os.kill(sup.worker(), signal.SIGTERM)
    sup.out.wait_for("shut down")
    wait_until(lambda: not is_refused(path), "somebody listens", 1)
    clients = [connect(path) for _ in range(3)]
    sup.kill_worker()
    answers = {read_all(client).split()[0] for client in clients}
    assert answers == {f"pid={sup.worker()}"}, answers


@step("the same after a reload, in which the new worker has the socket that the old one shuts down")
def _(t):
    path = t.path("socket")
    for arguments in (["--", PYTHON, SHUTS_DOWN, "--ends", path],
                      ["-l", path, "--", PYTHON, SHUTS_DOWN, "--ends"]):
        sup = Sup(t, *arguments)
        wait_who(path)
        for generation in (2, 3):
            reload(sup, deaf=True)
            served_by_generation(path, generation)
        stop_worker(sup)
        served_by_generation(path, 3)
        sup.stop(signal.SIGQUIT)


@step("a new worker that has bound the path, and listens when it is shut down, need not start once more")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, SHUTS_DOWN, "--ends", "--told", path)
    sup.out.wait_for("bound")
    old = sup.worker()
    os.kill(old, signal.SIGUSR1)
    wait_who(path)
    sup.send(signal.SIGHUP)
    wait_until(lambda: sup.out.lines.count("bound") == 2, "the new one has bound")
    new = sup.next_worker(than=old)
    os.kill(old, signal.SIGTERM)
    sup.out.wait_for("shut down")
    wait_until(lambda: not is_refused(path), "somebody listens")
    os.kill(new, signal.SIGUSR1)
    served_by_generation(path, 2)
    assert ask_who(path)["pid"] == str(new)
    assert not sup.err.find("shut it down"), sup.err.lines


@step("the same after a serial reload")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--reload=serial", "--", PYTHON, SHUTS_DOWN, "--ends", path)
    wait_who(path)
    for generation in (2, 3):
        reload(sup, deaf=False)
        assert ask_who(path)["generation"] == str(generation)
    assert not sup.err.find("shut it down"), sup.err.lines


@step("a worker of several shuts the shared unix path down and ends: all serve it again")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "-n", "2", "--", PYTHON, SHUTS_DOWN, "--ends", path)
    wait_until(lambda: sup.out.lines.count("ready") == 2, "both serve")
    first, second = sup.workers(2)
    os.kill(first, signal.SIGTERM)
    sup.wait_for_log("worker 2 .*another one shut it down")
    wait_until(lambda: sup.out.lines.count("ready") == 4 and not procs.alive(second),
               "both are new")
    new = set(map(str, sup.workers(2)))
    seen = set()
    wait_until(lambda: seen.add(ask_who(path)["pid"]) or seen == new, "both answer")


@step("the socket that was opened in the place of another one is kept over an upgrade of sup")
def _(t):
    path = t.path("socket")
    sup = Sup(t, "--", PYTHON, SHUTS_DOWN, "--ends", path)
    wait_who(path)
    stop_worker(sup)
    sup.send(signal.SIGUSR2)
    sup.wait_for_log("upgraded to sup", 20)
    assert ask_who(path)["pid"] == str(sup.worker())
    sup.kill_worker()
    assert ask_who(path)["pid"] == str(sup.worker())
    stop_worker(sup)
    assert ask_who(path)["pid"] == str(sup.worker())


@step("an abstract address is bound anew as soon as nobody has the old socket")
def _(t):
    address = f"@sup-test-{os.getpid()}"
    for arguments in (["-l", address, "--", PYTHON, SHUTS_DOWN, "--ends"],
                      ["--", PYTHON, SHUTS_DOWN, "--ends", address]):
        sup = Sup(t, *arguments)
        wait_who(address)
        for _ in range(2):
            stop_worker(sup)
            assert ask_who(address)["pid"] == str(sup.worker())
        if "-l" in arguments:
            sup.stop(signal.SIGQUIT)
    reload(sup, deaf=True)
    served_by_generation(address, 2)


@step("a TCP listener that is shut down twice is served like any other")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, SHUTS_DOWN, "--twice", port)
    wait_who(port)
    os.kill(sup.pid, signal.SIGSTOP)  # it shall find both done
    os.kill(sup.worker(), signal.SIGTERM)
    sup.out.wait_for("shut down")
    os.kill(sup.pid, signal.SIGCONT)
    wait_until(lambda: not is_refused(port), "somebody listens")
    assert ask_who(port)["pid"] == str(sup.worker())


@step("with --drain=connections a retired listener that is shut down gets nothing new")
def _(t):
    for times in ([], ["--twice"]):
        port = free_port()
        sup = Sup(t, "--drain=connections", "--stop-timeout=5s", "--", PYTHON, SHUTS_DOWN, *times,
                  port)
        wait_who(port)
        for generation in (2, 3):
            n_stopped = sup.out.lines.count("shut down")
            sup.send(signal.SIGHUP)
            wait_until(lambda n=n_stopped: sup.out.lines.count("shut down") > n, "it stops")
            # Until sup sees it, the kernel spreads what comes over the two that listen.
            wait_until(lambda g=generation: {ask_who(port)["generation"] for _ in range(200)} ==
                       {str(g)}, "only the new one is asked")
            assert {ask_who(port)["generation"] for _ in range(200)} == {str(generation)}
        sup.stop(signal.SIGQUIT)


@step("the same when it is shut down twice while a supervisor looks on, again and again")
def _(t):
    port = free_port()
    sup = Sup(t, "--backoff-max=50ms", "--", PYTHON, SHUTS_DOWN, "--twice", "--ends", port)
    wait_who(port)
    for _ in range(10):
        stop_worker(sup)
        with connect(port) as client:
            assert f"pid={sup.worker()} " in read_all(client)


run()
