#!/usr/bin/python3
"""What sup tells a service manager by sd_notify(3), word for word; the story is the manager."""

import os
import signal
import socket
import time

from harness import PATIENCE, PYTHON, Sup, free_port, is_listening, run, server, step


class Manager:
    """A socket that takes what services say."""

    def __init__(self, t):
        self.path = t.path("notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        t.defer(self.socket.close)
        self.socket.bind(self.path)

    def hear(self, deadline):
        """The next message of a new state, or that asks for time, as a dictionary."""
        end = time.monotonic() + deadline * PATIENCE
        while True:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            message = dict(line.split("=", 1)
                           for line in self.socket.recv(65536).decode().splitlines())
            if message.keys() & {"READY", "RELOADING", "STOPPING", "EXTEND_TIMEOUT_USEC"}:
                return message


def supervise(t, *words):
    manager = Manager(t)
    return manager, Sup(t, *words, env={"NOTIFY_SOCKET": manager.path})


def monotonic_usec():
    return time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


@step("READY=1 when the server serves and not before, RELOADING=1 with its time, and READY=1 again")
def _(t):
    port = free_port()
    manager, sup = supervise(t, "--", PYTHON, server("slow_start.py"), port, "0.5")
    message = manager.hear(20)
    assert message["READY"] == "1" and message["MAINPID"] == str(sup.pid), message
    assert is_listening(port)
    assert message["STATUS"] == f"1 of 1 worker serves on 127.0.0.1:{port}; generation 1"
    for generation in (2, 3):
        begin = monotonic_usec()
        sup.send(signal.SIGHUP)
        message = manager.hear(20)
        assert message["RELOADING"] == "1" and "READY" not in message, message
        assert begin <= int(message["MONOTONIC_USEC"]) <= monotonic_usec(), message
        message = manager.hear(20)
        assert message["READY"] == "1", message
        assert message["STATUS"].endswith(f"generation {generation}"), message


@step("a reload that fails ends with READY=1 as well, and the old one is what serves")
def _(t):
    port = free_port()
    manager, sup = supervise(t, "--ready=listen", "-l", f"127.0.0.1:{port}", "--", PYTHON,
                             server("fails_until.py"), port, t.write("flag", ""))
    assert manager.hear(20)["READY"] == "1"
    os.remove(t.path("flag"))
    sup.send(signal.SIGHUP)
    assert manager.hear(20)["RELOADING"] == "1"
    message = manager.hear(20)
    assert message["READY"] == "1" and message["STATUS"].endswith("generation 1"), message


@step("while a reload takes long more time is asked for, before what was granted is over")
def _(t):
    port, slow = free_port(), t.path("slow")
    script = f"if test -e {slow}; then sleep 17; fi; exec {PYTHON} {server('simple.py')} {port}"
    manager, sup = supervise(t, "--ready=listen", "--start-timeout=2min", "--", "sh", "-c", script)
    assert manager.hear(20)["READY"] == "1"
    t.write("slow", "")
    sup.send(signal.SIGHUP)
    message, begin = manager.hear(20), monotonic_usec()
    granted = int(message["EXTEND_TIMEOUT_USEC"])
    assert message["RELOADING"] == "1" and granted >= 20_000_000, message
    message = manager.hear(30)
    assert message["EXTEND_TIMEOUT_USEC"] == str(granted) and "READY" not in message, message
    assert monotonic_usec() - begin < granted
    assert manager.hear(30)["READY"] == "1"


@step("STOPPING=1 asks for what the end may take, and is the last of all")
def _(t):
    manager, sup = supervise(t, "--stop-timeout=40s", "--", PYTHON, server("simple.py"),
                             free_port())
    assert manager.hear(20)["READY"] == "1"
    sup.send(signal.SIGTERM)
    message = manager.hear(20)
    assert message["STOPPING"] == "1" and int(message["EXTEND_TIMEOUT_USEC"]) > 40_000_000, message
    assert sup.wait(20) == 0
    manager.socket.setblocking(False)
    while True:
        try:
            said = manager.socket.recv(65536)
        except BlockingIOError:
            break
        assert b"READY" not in said and b"STOPPING" not in said, said


run()
