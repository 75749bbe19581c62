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
        self.path = t.path(f"notify-{free_port()}")
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


    def hear_ready(self, deadline):
        """All that is heard until the service is ready, as what was asked for in seconds."""
        asked = []
        while "READY" not in (message := self.hear(deadline)):
            asked.append(int(message.pop("EXTEND_TIMEOUT_USEC")) / 1e6)
            assert not message, message
        return asked


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
    starting, _ = supervise(t, "--ready=listen", "--start-timeout=31s", "--", PYTHON,
                            server("slow_start.py"), free_port(), 17)
    port, slow = free_port(), t.path("slow")
    script = f"if test -e {slow}; then sleep 17; fi; exec {PYTHON} {server('simple.py')} {port}"
    manager, sup = supervise(t, "--ready=listen", "--start-timeout=2min", "--", "sh", "-c", script)
    assert manager.hear_ready(20) == [30]
    t.write("slow", "")
    sup.send(signal.SIGHUP)
    message, begin = manager.hear(20), monotonic_usec()
    granted = int(message["EXTEND_TIMEOUT_USEC"])
    assert message["RELOADING"] == "1" and granted >= 20_000_000, message
    message = manager.hear(30)
    assert message["EXTEND_TIMEOUT_USEC"] == str(granted) and "READY" not in message, message
    assert monotonic_usec() - begin < granted
    assert manager.hear(30)["READY"] == "1"
    first, second = starting.hear_ready(30)
    assert first == 30 and 15 < second < 18, (first, second)


@step("--start-timeout: at the start as much time is asked for, and without it none")
def _(t):
    begin = time.monotonic()
    manager, _ = supervise(t, "--start-timeout=5s", "--", PYTHON, server("slow_start.py"),
                           free_port(), 1)
    asked, = manager.hear_ready(20)
    assert 5 - (time.monotonic() - begin) < asked <= 6, asked
    manager, _ = supervise(t, "--", PYTHON, server("slow_start.py"), free_port(), 1)
    assert manager.hear_ready(20) == []


SAYS = """
import os, socket, sys, time
says = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
says.connect(os.environ["NOTIFY_SOCKET"].replace("@", chr(0), 1))
says.send(b"EXTEND_TIMEOUT_USEC=10000000")
time.sleep(float(sys.argv[2]))
if sys.argv[1] == "0":
    sys.exit(1)
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
time.sleep(2)
says.send(b"READY=1")
time.sleep(1000)
"""


@step("a worker that asks for more time than --start-timeout has it, and is heard above")
def _(t):
    manager, sup = supervise(t, "--start-timeout=1s", "--", PYTHON, t.write("says.py", SAYS),
                             free_port(), 2)
    *first, last = manager.hear_ready(20)  # of a sup that comes late it may be the first it hears
    assert len(first) <= 1 and all(asked <= 2 for asked in first), first
    assert 9 < last <= 11, last
    assert not sup.err.find("not ready after"), sup.said()


@step("one that asks for more time in each of its starts, and comes to nothing, is passed on once")
def _(t):
    manager, sup = supervise(t, "--", PYTHON, t.write("says.py", SAYS), 0, 0.5)
    mark = 0
    for _ in range(4):
        sup.wait_for_log("exited with status 1", since=mark)
        mark = sup.mark()
    asked = int(manager.hear(20)["EXTEND_TIMEOUT_USEC"])
    assert asked > 9e6, asked
    manager.socket.settimeout(0.1)
    try:
        while message := manager.socket.recv(65536):
            assert b"EXTEND" not in message, message
    except TimeoutError:
        pass


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
