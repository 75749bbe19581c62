#!/usr/bin/python3
"""Workers that a killed `sup` left behind: the next one of its name takes their sockets over."""

import json
import os
import signal
import socket
import subprocess

import kills
import procs
from harness import (PYTHON, Sup, ask, ask_who, connect, diag, free_port, is_refused, need_root,
                     read_all, run, server, step, take_load_slot, wait_answer, wait_until, wait_who,
                     without)
from network import listeners
from under_load import activated, python_http

REQUEST = b"GET / HTTP/1.0\r\n\r\n"


def sup_named(t, *args, **more):
    """A sup whose name no other step uses."""
    return Sup(t, "--name", os.path.basename(t.dir), *args, **more)


def die(sup):
    """SIGKILLs sup."""
    sup.send(signal.SIGKILL)
    sup.process.wait()


def is_gone(pid):
    return lambda: not procs.alive(pid)


def load_on(t, port):
    load = subprocess.Popen([PYTHON, kills.LOAD, "http", "127.0.0.1", str(port), "100"],
                            stdout=subprocess.PIPE)
    t.defer(load.stdout.close)
    t.defer(load.kill)
    return load


def counts_of(load):
    load.terminate()
    counts = json.loads(load.communicate(timeout=60)[0])
    diag("{started} connections: {ok} ok, {refused} refused, {timed_out} timed out, {reset} reset, "
         "{early_eof} early EOFs, {other} other; slowest {slowest_ms:.0f} ms".format(**counts))
    return counts


def under_load(t, arguments, held_as):
    """Kills sup, starts the next one, and so on, while clients come."""
    take_load_slot()
    port = free_port()
    sup = sup_named(t, "--orphan", *arguments(t, port))
    wait_answer(port, REQUEST)
    sup.wait_for_log(held_as)
    first_socket = listeners(port)
    load = load_on(t, port)
    for _ in range(5):
        old = sup.worker()
        die(sup)
        for _ in range(50):
            assert ask(port, REQUEST).startswith("HTTP/1.0 200 ")
        assert procs.alive(old), "the worker did not outlive sup"
        sup = sup_named(t, "--orphan", *arguments(t, port))
        sup.wait_for_log(r"took over 1 socket of 1 process that sup \d+ left behind")
        sup.wait_for_log("the workers of the sup that died have ended")
        assert not procs.alive(old), "the old worker lives on"
        assert ask(port, REQUEST).startswith("HTTP/1.0 200 ")
    counts = counts_of(load)
    for outcome in ("refused", "timed_out", "other"):
        assert counts[outcome] == 0, f"{counts[outcome]} {outcome}"
    assert counts["ok"] >= counts["started"] - 20, "more were lost than were being served"
    assert listeners(port) == first_socket, "it is not the same socket any more"
    assert len(sup.workers(1)) == 1
    assert sup.stop() == 0
    assert is_refused(port), "somebody serves on"


@step("http.server outlives its sup, the next one takes over: nobody is refused on the way")
def _(t):
    under_load(t, python_http, "holding")


@step("so does a server that gets its listener from -l")
def _(t):
    under_load(t, activated, "listening on")


@step("who waits in the queue when sup dies is served by the next worker")
def _(t):
    port = free_port()
    command = ("--orphan", "--", PYTHON, server("simple.py"), port)
    sup = sup_named(t, *command)
    old = int(wait_who(port)["pid"])
    procs.stop_and_wait([old])
    die(sup)
    clients = [connect(port) for _ in range(30)]
    sup = sup_named(t, *command)
    new = sup.worker()
    answers = [dict(word.split("=") for word in read_all(client).split())
               for client in clients]
    assert {int(answer["pid"]) for answer in answers} <= {old, new}, answers
    wait_until(is_gone(old), "the old worker, which was stopped, ends")
    assert int(ask_who(port)["pid"]) == new


@step("the old tree goes too, and who takes no notice of the stop signal is killed")
def _(t):
    port, other = free_port(), free_port()
    command = ("--orphan", "-n", 1, "--stop-timeout=500ms", "--", PYTHON,
               server("leaks_listener.py"), port, t.path("pids"))
    sup = sup_named(t, *command)
    old = int(wait_who(port)["pid"])
    tree = [old, *procs.descendants_of(old)]
    assert len(tree) == 3, tree
    die(sup)
    sup = sup_named(t, *command)
    sup.wait_for_log("took over 1 socket of 3 processes")
    sup.wait_for_log("have ended")
    assert not any(map(procs.alive, tree))
    assert sup.stop() == 0
    stubborn = ("--orphan", "--stop-timeout=500ms", "--", PYTHON, server("ignores_term.py"), other)
    sup = sup_named(t, *stubborn)
    old = int(wait_who(other)["pid"])
    die(sup)
    sup = sup_named(t, *stubborn)
    sup.wait_for_log("have ended")
    assert not procs.alive(old)
    assert int(ask_who(other)["pid"]) == sup.worker()


@step("without --orphan the worker ends with sup; a child of it that lives on gives its socket up")
def _(t):
    port = free_port()
    command = ("--", PYTHON, server("leaks_listener.py"), port, t.path("pids"))
    sup = sup_named(t, *command)
    old = int(wait_who(port)["pid"])
    children = procs.descendants_of(old)
    die(sup)
    wait_until(is_gone(old), "the worker ends with sup")
    assert all(map(procs.alive, children)), "nobody has the socket any more"
    sup = sup_named(t, *command)
    sup.wait_for_log("took over 1 socket of 2 processes that sup")
    sup.wait_for_log("have ended")
    assert not any(map(procs.alive, children))
    assert int(ask_who(port)["pid"]) == sup.worker()


@step("without --name, the same command is taken over, and another one is left alone")
def _(t):
    port = free_port()
    command = (PYTHON, server("simple.py"), port)
    sup = Sup(t, "--orphan", "--", *command)
    old = int(wait_who(port)["pid"])
    die(sup)
    other = Sup(t, "--orphan", "--", PYTHON, server("simple.py"), free_port())
    other.wait_for_log("holding")
    assert procs.alive(old) and not other.err.find("took over")
    assert other.stop() == 0
    sup = Sup(t, "--", *command)
    sup.wait_for_log("have ended")
    assert not procs.alive(old)


@step("if the next version fails, or cannot even be started, the old worker serves on")
def _(t):
    port = free_port()
    sup = sup_named(t, "--orphan", "--", PYTHON, server("simple.py"), port)
    old = ask_who_when_held(sup, port)
    die(sup)
    for command, status, line in ((("false",), 1, "serves on"), (("/nowhere/x",), 127, "serves on")):
        sup = sup_named(t, "--restart-limit=1/1min", "--", *command)
        sup.wait_for_log(line)
        assert sup.wait() == status
        assert int(ask_who(port)["pid"]) == old
    sup = sup_named(t, "--", PYTHON, server("simple.py"), port)
    sup.wait_for_log("have ended")
    assert int(ask_who(port)["pid"]) == sup.worker() != old


def ask_who_when_held(sup, port):
    pid = int(wait_who(port)["pid"])
    sup.wait_for_log("holding")
    return pid


@step("who stops sup before its own worker serves stops the old one as well")
def _(t):
    port = free_port()
    sup = sup_named(t, "--orphan", "--", PYTHON, server("simple.py"), port)
    old = ask_who_when_held(sup, port)
    die(sup)
    sup = sup_named(t, "--", PYTHON, server("slow_start.py"), port, 1000)
    sup.wait_for_log("took over 1 socket")
    sup.worker()
    assert int(ask_who(port)["pid"]) == old
    assert sup.stop() == 0
    assert not procs.alive(old)
    assert is_refused(port)


@step("an upgrade of the next sup on the way does not make it forget the old worker")
def _(t):
    port = free_port()
    sup = sup_named(t, "--orphan", "--", PYTHON, server("simple.py"), port)
    old = ask_who_when_held(sup, port)
    die(sup)
    sup = sup_named(t, "--", PYTHON, server("slow_start.py"), port, 1.5)
    sup.wait_for_log("took over 1 socket")
    sup.worker()
    sup.send(signal.SIGUSR2)
    sup.wait_for_log("upgraded to sup")
    sup.wait_for_log("have ended")
    assert not procs.alive(old)
    assert int(ask_who(port)["pid"]) == sup.worker()


@step("the name of a unix socket leads to the next worker")
def _(t):
    path = t.path("socket")
    command = ("--orphan", "--", PYTHON, server("unix_path.py"), path)
    sup = sup_named(t, *command)
    wait_answer(path)
    sup.wait_for_log("holding")
    old = sup.worker()
    die(sup)
    sup = sup_named(t, *command)
    sup.wait_for_log("have ended")
    assert not procs.alive(old)
    assert ask(path)


@step("without the right to take its sockets over, one sentence says so, and the worker serves on")
def _(t):
    port = free_port()
    sup = sup_named(t, "--orphan", "--", PYTHON, server("simple.py"), port)
    old = ask_who_when_held(sup, port)
    die(sup)
    sup = sup_named(t, "-l", f"127.0.0.1:{port}", "--", "sleep", "1000",
                    prefix=without("pidfd_getfd=EPERM"))
    assert sup.wait() == 1
    assert sup.err.find(rf"process {old} \(python3\) lives on from sup \d+, which died, and its "
                        rf"sockets may not be taken over .*end it \(kill {old}\)")
    assert sup.err.find(rf"cannot listen on 127.0.0.1:{port} .*{old}"), sup.said()
    assert len(sup.said()) == 2, sup.said()
    assert int(ask_who(port)["pid"]) == old


@step("another user's sup says who listens, and disturbs nothing")
def _(t):
    need_root("only root has another user's processes")
    port = free_port()
    sup = sup_named(t, "--orphan", "--", PYTHON, server("simple.py"), port)
    old = ask_who_when_held(sup, port)
    die(sup)
    sup = sup_named(t, "-l", f"127.0.0.1:{port}", "--", "sleep", "1000", user=True)
    assert sup.wait() == 1
    diag(sup.err.until_end()[-1])
    assert sup.err.find(f"cannot listen on 127.0.0.1:{port} .*root"), sup.said()
    sup = sup_named(t, "--", PYTHON, server("simple.py"), port, user=True)
    line = sup.wait_for_log(f"worker 1 could not listen on 127.0.0.1:{port}.*").string
    diag(line)
    assert "root" in line, line
    assert sup.stop() == 0
    assert int(ask_who(port)["pid"]) == old


@step("a captured socket is with the service manager before its server can do anything with it")
def _(t):
    killer = ("import os, signal, socket; s = socket.socket()\n"
              "s.bind(('127.0.0.1', int(os.environ['PORT']))); s.listen()\n"
              "os.kill(os.getppid(), signal.SIGKILL)")
    for _ in range(10):
        manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        t.defer(manager.close)
        manager.bind(f"{t.dir}/notify-{(port := free_port())}")
        sup = sup_named(t, "--", PYTHON, "-c", killer,
                        env={"NOTIFY_SOCKET": manager.getsockname(), "PORT": port})
        sup.process.wait()
        assert stored_listener(manager) == ("127.0.0.1", port)


def stored_listener(manager):
    """The address of the first socket that was put into the store of the service manager, if any."""
    manager.settimeout(0)
    try:
        while True:
            text, fds, _, _ = socket.recv_fds(manager, 4096, 8)
            if b"FDNAME=sup-socket-" in text:
                with socket.socket(fileno=fds[0]) as sock:
                    return sock.getsockname()
            for fd in fds:
                os.close(fd)
    except BlockingIOError:
        return None


run()
