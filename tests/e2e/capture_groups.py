#!/usr/bin/python3
"""Capture: SO_REUSEPORT, where the server closes one of several sockets of an address."""

import os
import signal
import time

import procs
from harness import (PYTHON, Sup, ask_who, free_port, is_refused, need_bare, run, server, step,
                     wait_until)
from network import listeners


def started(t, *options):
    port = free_port()
    sup = Sup(t, *options, "--", PYTHON, server("shares_port.py"), port)
    wait_until(lambda: len(sup.out.lines) == 2, "both children listen")
    return sup, port


def until_closed(port, count):
    """Connects until so many sockets are left; what is dealt to the closed one ends in some way."""
    def try_once():
        try:
            ask_who(port, 3)
        except ConnectionResetError:
            pass
        return len(listeners(port)) == count
    begin = time.monotonic()
    wait_until(try_once, f"{count} sockets are left", 4)
    return time.monotonic() - begin


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
        wait_until(lambda n=count: sup.out.lines.count("listens") == n, f"{count} listen")
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
        wait_until(lambda n=2 * starts: len(sup.out.lines) == n, "both children listen again")
        assert listeners(port) == before
        ask_who(port)


def wakeups(pid):
    return int(procs.status_field(pid, "voluntary_ctxt_switches"))


@step("an idle group costs nothing")
def _(t):
    sup, port = started(t)
    ask_who(port)

    def is_quiet():
        before = wakeups(sup.pid)
        time.sleep(1)
        return wakeups(sup.pid) <= before + 1
    wait_until(is_quiet, "it is quiet after a while", 15)


run()
