#!/usr/bin/python3
"""Listeners that a service manager opened: they are taken over, and go on to the workers."""

import os
import re
import signal
import socket
import struct

import procs
from harness import (PYTHON, Sup, ask_who, connect, free_port, is_refused, need_bare, need_root,
                     read_all, run, run_sup, server, step, wait_who)

HAND_OVER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "hand_over.py")


def handed(*given, **variables):
    """Options of Sup() for (name, file) pairs; the test keeps its own descriptors, as systemd does."""
    fds = [file.fileno() for _, file in given]
    words = [f"{name}={value}" for name, value in variables.items()]
    words += [f"{name}:{file.fileno()}" for name, file in given]
    return {"prefix": [PYTHON, HAND_OVER, *words, "--"], "pass_fds": fds}


def listener(t, port=None, host="127.0.0.1"):
    sock = socket.create_server((host, port or free_port()))
    t.defer(sock.close)
    return sock, sock.getsockname()[1]


def unix_listener(t, path):
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    sock.listen()
    t.defer(sock.close)
    return sock


def refuses(t, status, sentence, *options, **popen):
    seen, lines = run_sup(t, *options, "--", "touch", t.path("started"), **popen)
    assert len(lines) == 1 and re.search(sentence, lines[0]), lines
    assert seen == status, f"status {seen}"
    assert not os.path.exists(t.path("started")), "the command was started"


@step("an activated server gets them under their names, after those of -l")
def _(t):
    (first, _), (second, _) = listener(t), listener(t)
    sup = Sup(t, "-l", f"own=127.0.0.1:{free_port()}", "--", "/bin/sleep", "1000",
              **handed(("web", first), ("admin", second)))
    pid = sup.sleeping_worker()
    env = procs.environment_of(pid)
    assert env["LISTEN_FDNAMES"] == "own:web:admin", env["LISTEN_FDNAMES"]
    assert env["LISTEN_FDS"] == "3" and env["LISTEN_PID"] == str(pid)
    assert sorted(procs.fds_of(pid)) == [0, 1, 2, 3, 4, 5]
    inodes = {os.fstat(sock.fileno()).st_ino for sock in (first, second)}
    assert inodes < procs.socket_inodes(pid)
    assert [", handed over by" in line for line in sup.said()[:3]] == [False, True, True]


@step("a server that binds the address itself gets the listener instead, after a crash as well")
def _(t):
    sock, port = listener(t)
    sup = Sup(t, "--", PYTHON, server("simple.py"), port, **handed(("web", sock)))
    assert wait_who(port)["pid"] == str(sup.kill_worker())
    assert ask_who(port)["pid"] == str(sup.worker())
    assert os.fstat(sock.fileno()).st_ino in procs.socket_inodes(sup.worker())


@step("--as NAME=PORT: the server binds one port and is in truth on another")
def _(t):
    sock, port = listener(t)
    other = free_port()
    sup = Sup(t, "--as", f"web={other}", "--", PYTHON, server("simple.py"), other,
              **handed(("web", sock)))
    assert wait_who(port)["pid"] == str(sup.worker())
    assert is_refused(other)


@step("--as also names a listener of -l, and one whose name has characters that -l would not take")
def _(t):
    port, other = free_port(), free_port()
    sup = Sup(t, "-l", f"web=127.0.0.1:{port}", "--as", f"web={other}", "--",
              PYTHON, server("simple.py"), other)
    assert wait_who(port)["pid"] == str(sup.worker())
    sock, port = listener(t)
    sup = Sup(t, "--as", f"sup@web.socket={other}", "--", PYTHON, server("simple.py"), other,
              **handed(("sup@web.socket", sock)))
    assert wait_who(port)["pid"] == str(sup.worker())


@step("a -l of the same address takes the one that was handed over, with its own name and place")
def _(t):
    first, _ = listener(t)
    second, port = listener(t)
    sup = Sup(t, "-l", f"mine=127.0.0.1:{port}", "--", "/bin/sleep", "1000",
              **handed(("a", first), ("b", second)))
    pid = sup.sleeping_worker()
    assert procs.environment_of(pid)["LISTEN_FDNAMES"] == "mine:a"
    assert procs.fds_of(pid)[3] == f"socket:[{os.fstat(second.fileno()).st_ino}]"


@step("-l PORT takes one that was opened for both families, and fd:N one by its number")
def _(t):
    port = free_port()
    both = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
    t.defer(both.close)
    other, _ = listener(t)
    sup = Sup(t, "-l", f"x={port}", "-l", "y=fd:4", "--", "/bin/sleep", "1000",
              **handed(("a", both), ("b", other)))
    assert procs.environment_of(sup.sleeping_worker())["LISTEN_FDNAMES"] == "x:y"


@step("a server of IPv4 that gets a socket of both families: what to write, and where that is said")
def _(t):
    for handed_over, said in ((True, r"clients; ListenStream=0\.0\.0\.0:"),
                              (False, r"clients; -l 0\.0\.0\.0:")):
        port, options, popen = free_port(), [], {}
        if handed_over:
            both = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True)
            t.defer(both.close)
            popen = handed(("web", both))
        else:
            options = ["-l", str(port)]
        sup = Sup(t, *options, "--", PYTHON, server("simple.py"), port, **popen)
        sup.wait_for_log(f"{said}{port} suits it better")


@step("--stdin and {fd:NAME} know the names")
def _(t):
    sock, port = listener(t)
    Sup(t, "--stdin=web", "--", PYTHON, "-c",
        "import socket, sys; s = socket.socket(fileno=0)\n"
        "while True: c, _ = s.accept(); c.sendall(sys.argv[1].encode()); c.close()", "{fd:web}",
        **handed(("web", sock)))
    with connect(port) as client:
        assert read_all(client) == "3"


@step("a unix path: the server may unlink and bind it, and at the end it is there as before")
def _(t):
    os.mkdir(t.path("run"))
    path = t.path("run/socket")
    sock = unix_listener(t, path)
    inode = os.stat(path).st_ino
    sup = Sup(t, "--", PYTHON, server("unix_path.py"), path, **handed(("web", sock)))
    assert wait_who(path)["pid"] == str(sup.kill_worker())
    ask_who(path)
    assert os.stat(path).st_ino == inode
    assert sup.stop() == 0
    assert os.listdir(t.path("run")) == ["socket"] and os.stat(path).st_ino == inode


@step("the listener stays open without sup, and its queue is served by the next one")
def _(t):
    sock, port = listener(t)
    sup = Sup(t, "--", PYTHON, server("activated.py"), **handed(("web", sock)))
    wait_who(port)
    assert sup.stop() == 0
    with connect(port) as client:
        Sup(t, "--", PYTHON, server("activated.py"), **handed(("web", sock)))
        assert "listener=0" in read_all(client)


@step("a sup that re-executes itself still knows them: their names, --as, and whose path it is")
def _(t):
    sock, port = listener(t)
    other = free_port()
    path = t.path("socket")
    sup = Sup(t, "--as", f"web={other}", "--stdin", "path", "--", PYTHON, server("simple.py"), other,
              **handed(("web", sock), ("path", unix_listener(t, path))))
    first = wait_who(port)["pid"]
    sup.send(signal.SIGUSR2)
    sup.wait_for_log("upgraded|re-execut")
    assert ask_who(port)["pid"] == first
    sup.kill_worker()
    assert ask_who(port)["pid"] != first
    assert sup.stop() == 0
    assert os.path.exists(path)


@step("datagram sockets are taken over")
def _(t):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", free_port()))
        Sup(t, "--as", "dns=53", "--", PYTHON, server("udp_echo.py"), 53,
            **handed(("dns", sock))).wait_for_log("handed over")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(10)
            client.connect(sock.getsockname())
            client.send(b"ping")
            assert client.recv(100).endswith(b"ping")


@step("a connection (Accept=yes) is refused, and the sentence says what to do")
def _(t):
    sock, port = listener(t)
    with connect(port), sock.accept()[0] as connection:
        refuses(t, 76, r"connection.*Accept=no", **handed(("connection", connection)))
    with connect(port) as client, sock.accept()[0] as connection:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()  # with a reset: it has no peer any more
        refuses(t, 76, r"connection.*Accept=no", **handed(("connection", connection)))


@step("what is not a socket is refused")
def _(t):
    with open("/dev/null", encoding="utf-8") as file:
        refuses(t, 1, r"'pipe'.*not a socket.*ListenFIFO", **handed(("pipe", file)))


@step("variables that make no sense are refused")
def _(t):
    need_bare("what is below sup has open files of its own")
    sock, _ = listener(t)
    refuses(t, 1, "LISTEN_FDS", **handed(("web", sock), LISTEN_FDS="many"))
    refuses(t, 1, "LISTEN_FDNAMES", **handed(("web", sock), LISTEN_FDNAMES="a:b"))
    refuses(t, 1, "left open", **handed(("web", sock), LISTEN_FDS="2", LISTEN_FDNAMES=""))
    refuses(t, 2, "--as web=.*FileDescriptorName=web", "--as", "web=80", **handed(("www", sock)))
    refuses(t, 2, "--as", "--as", "80")


def refuses_to_steer(sup, port, reason):
    """At once, and at a reload, after which the first worker still serves."""
    first = wait_who(port)["pid"]
    reason = rf"{port} \(tcp\) was opened by {reason}.*: reload without --drain=connections"
    assert sup.err.find("a reload with --drain=connections will fail: .*" + reason), sup.said()
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reload failed: .*" + reason)
    assert ask_who(port)["pid"] == first


@step("connections to a service manager's socket cannot be steered: it is said at once, and again")
def _(t):
    for user in (True, False):
        sock, port = listener(t)
        sup = Sup(t, "--drain=connections", "--", PYTHON, server("simple.py"), port, user=user,
                  **handed(("web", sock)))
        refuses_to_steer(sup, port, "the service manager, which keeps it")


@step("neither can those to another user's socket")
def _(t):
    need_root("the socket is to be root's")
    sock, port = listener(t)
    sup = Sup(t, "--drain=connections", "-l", f"fd:{sock.fileno()}", "--", PYTHON,
              server("simple.py"), port, user=True, pass_fds=[sock.fileno()])
    refuses_to_steer(sup, port, "uid 0, and only root can")


@step("nothing of that is said where it will work, or where nobody asked for it")
def _(t):
    sock, port = listener(t)
    first = Sup(t, "--", PYTHON, server("simple.py"), port, **handed(("web", sock)))
    wait_who(port)
    port = free_port()
    second = Sup(t, "--drain=connections", "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    for sup in (first, second):
        assert not sup.err.find("will fail"), sup.said()


@step("what is meant for another process is left alone")
def _(t):
    sock, _ = listener(t)
    for variables in ({"LISTEN_PID": "1"}, {"LISTEN_PIDFDID": "1"}):
        if "LISTEN_PIDFDID" in variables and "pidfd" not in os.readlink(
                f"/proc/self/fd/{os.pidfd_open(os.getpid())}"):
            continue
        sup = Sup(t, "--", "/bin/sleep", "1000", **handed(("web", sock), **variables))
        pid = sup.sleeping_worker()
        assert "LISTEN_FDS" not in procs.environment_of(pid)
        assert sorted(procs.fds_of(pid)) == [0, 1, 2]


run()
