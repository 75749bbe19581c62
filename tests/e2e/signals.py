#!/usr/bin/python3
"""What sup does at each signal."""

import os
import re
import signal
import time

import procs
from harness import (PYTHON, Sup, ask_who, free_port, is_refused, run, server, step, wait_until,
                     wait_who)


def starts(t, name, *options):
    """A sup whose server answers already; (sup, port)."""
    port = free_port()
    sup = Sup(t, *options, "--", PYTHON, server(name), port)
    wait_who(port)
    return sup, port


def who_answers(port):
    """The pid that answers; None when the connection ended with the server that had accepted it."""
    try:
        return int(ask_who(port).get("pid", 0)) or None
    except ConnectionResetError:
        return None


@step("TERM and INT: the worker is asked to stop, sup ends with 0, the port is closed")
def _(t):
    for number in (signal.SIGTERM, signal.SIGINT):
        sup, port = starts(t, "says_signals.py")
        assert sup.stop(number) == 0
        assert sup.out.until_end() == ["SIGTERM"], sup.out.lines
        assert is_refused(port)


@step("QUIT: stops at once, also a worker that takes no notice of TERM")
def _(t):
    sup, port = starts(t, "ignores_term.py")
    begin = time.monotonic()
    sup.stop(signal.SIGQUIT)
    assert time.monotonic() - begin < 2
    assert is_refused(port)


@step("a second TERM stops at once")
def _(t):
    sup, port = starts(t, "ignores_term.py", "--stop-timeout", "60")
    mark = sup.mark()
    sup.send(signal.SIGTERM)
    sup.wait_for_log("stop", since=mark)
    begin = time.monotonic()
    sup.stop(signal.SIGTERM)
    assert time.monotonic() - begin < 2
    assert is_refused(port)
    assert not any("in time" in line for line in sup.said()), sup.said()


@step("--stop-timeout: a worker that does not stop is killed then")
def _(t):
    sup, _ = starts(t, "ignores_term.py", "--stop-timeout", "700ms")
    begin = time.monotonic()
    sup.stop()
    assert 0.6 < time.monotonic() - begin < 5, time.monotonic() - begin
    assert any("did not end in time after SIGTERM" in line for line in sup.said()), sup.said()


@step("--stop-signal: the worker gets that one")
def _(t):
    sup, _ = starts(t, "says_signals.py", "--stop-signal", "HUP")
    assert sup.stop() == 0
    assert sup.out.until_end() == ["SIGHUP"], sup.out.lines


@step("a worker that crashes while it stops has not ended as it was asked to")
def _(t):
    for crash, said in (("SEGV", "while it was stopping"), ("TERM", "as it was asked to")):
        script = f"trap 'trap - TERM; kill -{crash} $$' TERM; echo up; while :; do sleep 0.01; done"
        sup = Sup(t, "--", "sh", "-c", script)
        sup.out.wait_for("up")
        sup.stop()
        ended, = [line for line in sup.err.until_end() if "was killed by signal" in line]
        assert re.search(rf"\({crash}\).*, {said}$", ended), ended


@step("HUP: a new worker starts, and then the old one is stopped")
def _(t):
    sup, port = starts(t, "says_signals.py")
    before = sup.worker()
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reloaded")
    wait_until(lambda: sup.out.lines == ["SIGTERM"], "the old one was asked to stop")
    assert before != sup.worker() == who_answers(port)


@step("HUP with -n 3: all are replaced, one by one, and somebody always answers")
def _(t):
    port = free_port()
    sup = Sup(t, "-n", "3", "-l", f"127.0.0.1:{port}", "--", PYTHON, server("activated.py"))
    wait_who(port)
    before = set(sup.workers(3))
    sup.send(signal.SIGHUP)

    def replaced():
        who_answers(port)
        now = set(procs.children_of(sup.pid))
        return len(now) == 3 and not now & before

    wait_until(replaced, "three new workers", 20)


@step("two HUPs at the same time are both done with in the end")
def _(t):
    sup, port = starts(t, "simple.py")
    first = sup.worker()
    sup.send(signal.SIGHUP)
    sup.send(signal.SIGHUP)
    wait_until(lambda: who_answers(port) not in (None, first), "a new worker answers")
    assert sup.stop() == 0


@step("a TTOU during a reload: in the end there is one worker fewer, and the next reload works")
def _(t):
    port = free_port()
    sup = Sup(t, "-n", "2", "--", PYTHON, server("slow_start.py"), port, "0.3")
    wait_who(port)
    sup.workers(2)
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reloading")
    sup.send(signal.SIGTTOU)
    sup.wait_for_log("reloaded", 20)
    sup.workers(1)
    mark = sup.mark()
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reloaded", 20, since=mark)
    assert len(sup.workers(1)) == 1
    assert who_answers(port) == sup.worker()


@step("a HUP while a reload waits for a worker that never listens: that fails, and the next is done")
def _(t):
    port = free_port()
    conf = t.write("go", "")
    sup = Sup(t, "--start-timeout", "2s", "--", PYTHON, server("listens_if.py"), port, conf)
    first = int(wait_who(port)["pid"])
    os.unlink(conf)
    sup.send(signal.SIGHUP)
    sup.out.wait_for("does nothing")
    t.write("go", "")
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reload failed: .*not ready in time")
    sup.wait_for_log("reloaded", 20)
    assert who_answers(port) == sup.worker() != first


@step("a HUP during a back-off starts the next worker")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("fails_until.py"), port,
              t.path("go"))
    sup.wait_for_log("failure 5 in a row", 20)
    t.write("go", "")
    begin = time.monotonic()
    sup.send(signal.SIGHUP)
    ask_who(port)
    assert time.monotonic() - begin < 1, "it waited for the back-off"


@step("TERM during a back-off ends sup at once")
def _(t):
    sup = Sup(t, "--", "false")
    sup.wait_for_log("failure 5 in a row", 20)
    begin = time.monotonic()
    assert sup.stop() == 0
    assert time.monotonic() - begin < 1


@step("USR1 is forwarded to the workers")
def _(t):
    sup, port = starts(t, "says_signals.py")
    sup.send(signal.SIGUSR1)
    sup.out.wait_for("^SIGUSR1$")
    assert ask_who(port)["pid"] == str(sup.worker())


@step("TTIN is one worker more, TTOU one fewer")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("activated.py"))
    wait_who(port)
    first = sup.worker()
    sup.send(signal.SIGTTIN)
    assert first in sup.workers(2)
    sup.send(signal.SIGTTIN)
    sup.workers(3)
    sup.send(signal.SIGTTOU)
    assert first in sup.workers(2)
    ask_who(port)


@step("a worker that was stopped with SIGSTOP is stopped by TERM all the same")
def _(t):
    sup, _ = starts(t, "simple.py", "--stop-timeout", "2")
    os.kill(sup.worker(), signal.SIGSTOP)
    sup.stop(deadline=15)


run()
