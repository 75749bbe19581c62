#!/usr/bin/python3
"""When a worker counts as serving: by its own word, by its listen(), by a descriptor, by time."""

import os
import signal
import socket
import time

import procs
from harness import (NOBODY, PYTHON, Sup, ask_who, need_root, run, server, step, wait_until,
                     wait_who)
from reloads import status, verb


def speaking(t, *options, **popen):
    """A sup whose server does what is written into a pipe; (sup, tell)."""
    need_root("the network of the story is its own")
    os.mkfifo(t.path("commands"))
    os.chmod(t.path("commands"), 0o666)
    sup = Sup(t, "-v", "--control", t.path("control"), *options, "--", PYTHON, server("speaks.py"),
              8001, t.path("commands"), **popen)
    return sup, pipe_to(t, sup)


def pipe_to(t, sup):
    """A function that has the server do something, and waits until it is done."""
    sup.out.wait_for("^handed")
    pipe = open(t.path("commands"), "w", encoding="utf-8", buffering=1)
    t.defer(pipe.close)

    def tell(line):
        mark = len(sup.out.lines)
        pipe.write(line + "\n")
        sup.out.wait_for("^done", since=mark)
    return tell


def state(t):
    return [each["state"] for each in status(t)["workers"]]


def is_ready(t):
    wait_until(lambda: state(t) == ["ready"], "it is ready")


@step("--ready=notify: READY=1 and nothing else")
def _(t):
    sup, tell = speaking(t, "--ready=notify")
    tell("listen")
    assert ask_who(8001)["pid"] == str(sup.worker())
    assert state(t) == ["starting"] and verb(t, "ready")[0] == 1
    tell("READY=1\\nSTATUS=all is well")
    is_ready(t)
    sup.wait_for_log("worker 1 says: all is well")
    assert verb(t, "ready")[0] == 0


@step("auto: one that speaks is ready when it says so, also if it listens before")
def _(t):
    sup, tell = speaking(t)
    tell("STATUS=warming up")
    tell("listen")
    ask_who(8001)
    assert state(t) == ["starting"]
    tell("READY=1")
    is_ready(t)
    sup.wait_for_log("is ready: it says READY=1")


@step("auto: one that never speaks is ready when it listens")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "--", PYTHON, server("simple.py"), 8001)
    wait_who(8001)
    sup.wait_for_log("is ready: it listens")


@step("auto: an activated one that says nothing is ready when it is seen to use its listener")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "--control", t.path("control"), "-l", "127.0.0.1:8001", "--", PYTHON,
              server("activated.py"))
    begin = time.monotonic()
    sup.wait_for_log("is ready: it uses its listener")
    assert 0.8 < time.monotonic() - begin < 5


@step("auto: one that binds what it was handed, after 4 s, is not ready before")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "--control", t.path("control"), "-l", "127.0.0.1:8001", "--", PYTHON,
              server("slow_start.py"), 8001, 4)
    begin = time.monotonic()
    match = sup.wait_for_log("is ready: (.*)")
    assert time.monotonic() - begin > 3.5 and match[1] == "it listens", match[1]


WAITS_FOR_OTHERS = """
import select, socket, time
pair = socket.socketpair()
begin = time.monotonic()
while time.monotonic() - begin < 3:
    poll = select.poll()
    poll.register(pair[0], select.POLLIN)
    poll.poll(3000)
listener = socket.socket(fileno=3)
while True:
    connection, _ = listener.accept()
    connection.sendall(b"here")
    connection.close()
"""


@step("auto: an activated one that waits for something else before it serves is not ready before")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "-l", "127.0.0.1:8001", "--", PYTHON, t.write("waits.py", WAITS_FOR_OTHERS))
    begin = time.monotonic()
    sup.wait_for_log("is ready: it uses its listener")
    assert time.monotonic() - begin > 2.5


@step("auto: an activated one that never binds and ends after 2 s never counts as serving")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "--control", t.path("control"), "-l", "127.0.0.1:8001", "--", "sh", "-c",
              "sleep 2; exit 3")
    for _ in range(2):
        mark = sup.mark()
        sup.wait_for_log("exited with status 3", since=mark)
        assert verb(t, "ready")[0] == 1
    assert not sup.err.find("is ready"), sup.said()


BUSY = """
import socket
listener = socket.socket(fileno=3)
listener.setblocking(False)
while True:
    try:
        connection, _ = listener.accept()
        connection.sendall(b"here")
    except BlockingIOError:
        pass
"""


@step("auto: one that is too busy ever to wait is ready by the connection that it has")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "-l", "127.0.0.1:8001", "--", PYTHON, t.write("busy.py", BUSY))
    sup.wait_for_log("listening on")
    begin = time.monotonic()
    with socket.create_connection(("127.0.0.1", 8001), 10) as client:
        assert client.recv(4) == b"here"
        sup.wait_for_log("is ready: it uses its listener")
    assert time.monotonic() - begin < 5


HIDDEN = """
import ctypes, socket
ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE
socket.socket(fileno=3).accept()
"""


@step("auto: one that may not be looked at is ready when it has lived for a second")
def _(t):
    need_root("the network of the story is its own")
    path = t.write("hidden.py", HIDDEN)
    sup = Sup(t, "-v", "-l", "127.0.0.1:8001", "--", PYTHON, path, user=True)
    begin = time.monotonic()
    sup.wait_for_log("is ready: it lives on")
    assert 0.8 < time.monotonic() - begin < 5


@step("auto: one that is never seen to use its listener is ready by living on, not late")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "-l", "127.0.0.1:8001", "--start-timeout=2s", "--", "sleep", "1000")
    begin = time.monotonic()
    sup.wait_for_log("is ready: it lives on")
    assert time.monotonic() - begin > 1.8
    assert not sup.err.find("not ready after"), sup.said()


@step("--ready=fd:N: it writes to that descriptor")
def _(t):
    need_root("the network of the story is its own")
    go = t.path("go")
    os.mkfifo(go)
    sup = Sup(t, "-v", "--control", t.path("control"), "--ready=fd:7", "-l", "127.0.0.1:8001",
              "--", "sh", "-c", f"cat {go} >&7; exec sleep 1000")
    sup.worker()
    wait_until(lambda: os.path.exists(t.path("control")), "the control socket is there")
    assert state(t) == ["starting"]
    with open(go, "w", encoding="utf-8") as file:
        file.write("\n")
    is_ready(t)


@step("--ready=fd:N with the number of a listener is refused")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "--ready=fd:3", "-l", "127.0.0.1:8001", "--", "sleep", "1000")
    assert sup.wait() == 1
    assert "fd:3" in "".join(sup.said()), sup.said()


@step("--ready=timer:TIME")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "--control", t.path("control"), "--ready=timer:700ms", "--", PYTHON,
              server("simple.py"), 8001)
    wait_who(8001)
    begin = time.monotonic()
    is_ready(t)
    assert time.monotonic() - begin < 5
    sup.wait_for_log("is ready: it lives on")


@step("--start-timeout: one that is not ready in time is ended, and started again")
def _(t):
    sup, _ = speaking(t, "--ready=notify", "--start-timeout", "1s")
    first = sup.worker()
    sup.wait_for_log("not ready after 1.0 s")
    assert sup.next_worker(first) != first


@step("EXTEND_TIMEOUT_USEC gives it more time")
def _(t):
    sup, tell = speaking(t, "--ready=notify", "--start-timeout", "1500ms")
    begin = time.monotonic()
    tell("EXTEND_TIMEOUT_USEC=4000000")
    sup.wait_for_log("not ready after")
    assert time.monotonic() - begin > 3


@step("--watchdog: one that misses it gets ABRT, and is restarted")
def _(t):
    sup, tell = speaking(t, "--watchdog", "1s")
    sup.out.wait_for("^handed - 1000000 True")
    for _ in range(4):
        tell("READY=1\\nWATCHDOG=1")
        time.sleep(0.5)
    assert not sup.err.find("missed its watchdog")
    first = sup.worker()
    sup.wait_for_log("missed its watchdog; sending it SIGABRT")
    sup.wait_for_log(rf"pid {first}\) was killed by signal 6")
    assert sup.next_worker(first) != first


@step("a watchdog that is missed by one that does not end at ABRT: it gets KILL")
def _(t):
    need_root("the network of the story is its own")
    program = t.write("stalled.py", "import signal, socket, os, time\n"
                                    "signal.signal(signal.SIGABRT, signal.SIG_IGN)\n"
                                    "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
                                    "a = os.environ['NOTIFY_SOCKET'].replace('@', chr(0), 1)\n"
                                    "s.sendto(b'READY=1\\nWATCHDOG=1', a)\n"
                                    "time.sleep(1000)\n")
    sup = Sup(t, "--watchdog", "500ms", "--", PYTHON, program)
    sup.wait_for_log("missed its watchdog")
    sup.wait_for_log("did not end in time after SIGABRT; killing it", 30)
    sup.wait_for_log("was killed by signal 9")


@step("BARRIER=1 is answered, after what was sent before it")
def _(t):
    sup, tell = speaking(t, "--ready=notify")
    tell("READY=1")
    tell("barrier")
    sup.out.wait_for("barrier answered True")
    assert state(t) == ["ready"]


@step("FDSTORE=1: the next worker in the place gets it back under its name; FDSTOREREMOVE=1 drops it")
def _(t):
    sup, tell = speaking(t, "--ready=notify")
    for line in ("store first", "store second", "FDSTOREREMOVE=1\\nFDNAME=first", "READY=1",
                 "barrier"):
        tell(line)
    mark = len(sup.out.lines)
    sup.kill_worker()
    sup.out.wait_for("^handed second ", since=mark)
    pid = sup.worker()
    assert procs.fds_of(pid)[3].startswith("pipe:"), procs.fds_of(pid)


@step("another user's message is not heard")
def _(t):
    sup, tell = speaking(t, "--ready=notify")
    tell("STATUS=here")
    name = procs.environment_of(sup.worker())["NOTIFY_SOCKET"].replace("@", "\0", 1)
    child = os.fork()
    if child == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.sendto(b"READY=1", name)
        os._exit(0)
    os.waitpid(child, 0)
    sup.wait_for_log(f"uid {NOBODY}, ignoring")
    assert state(t) == ["starting"]


@step("a server that has become another user by itself is heard")
def _(t):
    sup, tell = speaking(t, "--ready=notify")
    tell(f"become {NOBODY}")
    tell("READY=1")
    is_ready(t)
    assert not sup.err.find("ignoring"), sup.said()


@step("so is a process below it that has, while it lives; what one said that is gone is not")
def _(t):
    sup, tell = speaking(t, "--ready=notify")
    sup.send(signal.SIGSTOP)
    tell(f"brief {NOBODY} READY=1")
    sup.send(signal.SIGCONT)
    sup.wait_for_log(f"uid {NOBODY}, ignoring it: .*BARRIER=1")
    assert state(t) == ["starting"]
    mark = sup.mark()
    tell(f"child {NOBODY} READY=1")
    is_ready(t)
    assert not sup.err.find("ignoring", since=mark), sup.said()


@step("a new one with several sockets is ready with the last of them; that it is not yet is said once")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "-v", "--control", t.path("control"), "--", PYTHON, server("fails_between.py"),
              t.path("bad"), *range(8001, 8006))
    wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
    assert verb(t, "reload")[0] == 0
    sup.wait_for_log("reloaded in")
    assert len([line for line in sup.said() if "but not on" in line]) == 1, sup.said()
    assert ask_who(8005)["generation"] == "2"


@step("a reload waits for READY=1 of the new one")
def _(t):
    sup, tell = speaking(t)
    tell("listen")
    tell("READY=1")
    is_ready(t)
    first = sup.worker()
    os.unlink(t.path("commands"))
    os.mkfifo(t.path("commands"))
    mark = len(sup.out.lines)
    sup.send(signal.SIGHUP)
    sup.out.wait_for("^handed", since=mark)
    second = pipe_to(t, sup)
    second("listen")
    assert first in procs.children_of(sup.pid), "the old one was retired too early"
    second("READY=1")
    sup.wait_for_log("reloaded")
    assert first not in procs.children_of(sup.pid)


run()
