#!/usr/bin/python3
"""Capture: SO_REUSEPORT, where the server closes one of several sockets of an address."""

import os
import signal
import time

import procs
from harness import (PYTHON, Sup, ask_who, connect, free_port, is_refused, need_bare, need_root,
                     read_all, run, server, step, wait_until)
from network import listeners


def started(t, *options, children=2):
    port = free_port()
    sup = Sup(t, *options, "--", PYTHON, server("shares_port.py"), port, children)
    listen(sup, children)
    return sup, port


def listen(sup, count):
    wait_until(lambda: sup.out.lines.count("listens") == count, f"{count} listen")


def close(sup, count):
    wait_until(lambda: sup.out.lines.count("closed") == count, f"{count} are closed")


def until_closed(port, count):
    """Connects until so many sockets are left; what is dealt to the closed one ends in some way."""
    def try_once():
        try:
            ask_who(port, 3)
        except ConnectionResetError:
            pass
        return len(listeners(port)) == count
    wait_until(try_once, f"{count} sockets are left", 4)


@step("a member that the server closes, or that a dead child had, goes at once, and not in ten seconds")
def _(t):
    for is_closed in (True, False):
        sup, port = started(t)
        if is_closed:
            os.kill(sup.worker(), signal.SIGUSR1)
            sup.out.wait_for("closed")
        else:
            procs.kill_and_wait(procs.children_of(sup.worker())[0])
        until_closed(port, 1)
        for _ in range(20):
            ask_who(port, 3)
        sup.kill_worker()
        assert not is_refused(port)


@step("so does one that is closed after others were bound beside it, also when nobody connects")
def _(t):
    sup, port = started(t)
    for count in (3, 4):
        os.kill(sup.worker(), signal.SIGUSR2)
        listen(sup, count)
    os.kill(sup.worker(), signal.SIGUSR1)
    sup.out.wait_for("closed")
    wait_until(lambda: len(listeners(port)) == 3, "the closed one is gone", 4)


@step("after an upgrade as well")
def _(t):
    need_bare("valgrind is not upgraded")
    sup, port = started(t)
    mark = sup.mark()
    sup.send(signal.SIGUSR2)
    sup.wait_for_log("upgraded", since=mark)
    os.kill(sup.worker(), signal.SIGUSR1)
    sup.out.wait_for("closed")
    until_closed(port, 1)


@step("all members are kept over a crash, for whoever binds them again")
def _(t):
    sup, port = started(t)
    before = listeners(port)
    for starts in (2, 3):
        sup.kill_worker()
        listen(sup, 2 * starts)
        assert listeners(port) == before
        ask_who(port)


def waiting(port):
    """Clients that have sent nothing yet, enough that each of two members has some."""
    return [connect(port) for _ in range(24)]


def answered(clients):
    """Who has answered them."""
    return {read_all(client).split()[0] for client in clients}


@step("a child that is replaced at once gets the dead one's socket, and who waits in it")
def _(t):
    sup, port = started(t)
    before = listeners(port)
    procs.kill_and_wait(procs.children_of(sup.worker())[0])
    clients = waiting(port)
    os.kill(sup.worker(), signal.SIGUSR2)
    listen(sup, 3)
    assert len(answered(clients)) == 2
    assert listeners(port) == before


@step("a server that closes all of them before it ends loses no client")
def _(t):
    for has_ended_itself in (True, False):
        sup, port = started(t, "--reload=serial")
        before = listeners(port)
        if has_ended_itself:
            os.kill(sup.worker(), signal.SIGTERM)
        else:
            sup.send(signal.SIGHUP)
        close(sup, 2)
        clients = waiting(port)
        listen(sup, 4)
        assert len(answered(clients)) == 2
        assert listeners(port) == before


@step("what the worker before a reload closes is kept for the new one, which binds it later")
def _(t):
    sup, port = started(t, children=1)
    os.kill(sup.worker(), signal.SIGUSR2)
    listen(sup, 2)
    before = listeners(port)
    mark = sup.mark()
    sup.send(signal.SIGHUP)
    close(sup, 2)
    clients = waiting(port)
    sup.wait_for_log("reloaded in", since=mark)
    os.kill(sup.worker(), signal.SIGUSR2)
    listen(sup, 4)
    assert len(answered(clients)) == 2
    assert listeners(port) == before


@step("connections that could be steered away in a reload are dealt to all; steering them is refused")
def _(t):
    need_root("only root opens a second socket beside another one's")
    sup, port = started(t, "--drain=connections")
    assert len(answered(waiting(port))) == 2
    for _ in range(2):
        mark = sup.mark()
        sup.send(signal.SIGHUP)
        sup.wait_for_log(r"several sockets of its own on 127\.0\.0\.1.*SO_REUSEPORT", since=mark)
        assert len(answered(waiting(port))) == 2
    assert sup.stop() == 0


def wakeups(pid):
    return int(procs.status_field(pid, "voluntary_ctxt_switches"))


@step("an idle group costs nothing, and a busy one a few looks in a second, however large it is")
def _(t):
    need_bare("its cost is that of sup alone")
    sup, port = started(t, children=8)
    ask_who(port)

    def is_quiet():
        before = wakeups(sup.pid)
        time.sleep(1)
        return wakeups(sup.pid) <= before + 1
    wait_until(is_quiet, "it is quiet after a while", 15)

    def looks_seldom():
        """One of several spans will do: what else runs makes sup wait for locks of the kernel."""
        before, begin = wakeups(sup.pid), time.monotonic()
        while time.monotonic() < begin + 2:
            ask_who(port)
        return (wakeups(sup.pid) - before) / (time.monotonic() - begin) < 15
    wait_until(looks_seldom, "a busy one costs less than 15 wake-ups in a second", 15)


run()
