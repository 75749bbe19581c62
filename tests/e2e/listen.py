#!/usr/bin/python3
"""What -l opens: every form of an address, every attribute, and what holds unless said."""

import json
import os
import socket
import stat

from harness import (NOBODY, PYTHON, Sup, bind_errno, connect, free_port, need_root, run, run_sup,
                     server, step, wait_until, without)

TELLS = ["--", PYTHON, server("tells_listeners.py")]


def handed(t, *listens, count=None, **popen):
    """What a worker finds with these -l; a dictionary each."""
    sup = Sup(t, *(word for listen in listens for word in ("-l", listen)), *TELLS, **popen)
    wait_until(lambda: len(sup.out.lines) >= (count or len(listens)), "the worker has told all")
    return [json.loads(line) for line in sup.out.lines]


def somaxconn():
    with open("/proc/sys/net/core/somaxconn", encoding="ascii") as file:
        return min(int(file.read()), socket.SOMAXCONN)


@step("a TCP listener has SO_REUSEADDR, the longest queue, no SO_REUSEPORT, and listens from the start")
def _(t):
    for told in handed(t, f"127.0.0.1:{free_port()}", f"[::1]:{free_port()}", str(free_port())):
        assert told["reuseaddr"] == 1 and told["reuseport"] == 0, told
        assert told["listens"] == 1 and told["backlog"] == somaxconn(), told
        assert told["cloexec"] == 0, told


@step("a UDP socket has SO_REUSEADDR only when that was asked for")
def _(t):
    plain, asked = handed(t, f"udp:127.0.0.1:{free_port()}", f"udp:127.0.0.1:{free_port()},reuseaddr")
    assert plain["type"] == asked["type"] == "SOCK_DGRAM"
    assert (plain["reuseaddr"], asked["reuseaddr"]) == (0, 1)


@step("a bare port, or *, is all addresses of both families; v6only leaves IPv4 to another")
def _(t):
    bare, star, named, only = (free_port() for _ in range(4))
    told = handed(t, str(bare), f"*:{star}", f"[::]:{named}", f"[::]:{only},v6only",
                  f"0.0.0.0:{only}")
    assert [each["v6only"] for each in told] == [0, 0, 0, 1, None], told
    for port in (bare, star, named, only):
        for host in ("127.0.0.1", "::1"):
            connect((host, port)).close()


@step("on a kernel without IPv6 a bare port is all addresses of IPv4")
def _(t):
    port = free_port()
    told, = handed(t, str(port), prefix=without("socket/10=EAFNOSUPPORT"))
    assert told["family"] == "AF_INET" and "0.0.0.0" in told["name"], told
    connect(port).close()


@step("tcp: and unix: may be written; a host's name is each of its addresses")
def _(t):
    port = free_port()
    tcp, unix = handed(t, f"tcp:127.0.0.1:{port}", f"unix:{t.path('socket')}")
    assert (tcp["family"], unix["family"]) == ("AF_INET", "AF_UNIX")
    addresses = {info[4][0] for info in socket.getaddrinfo("localhost", 1, type=socket.SOCK_STREAM)}
    told = handed(t, f"localhost:{free_port()}", count=len(addresses))
    assert {each["name"].split("'")[1] for each in told} == addresses, told


@step("backlog=, reuseport, freebind and device= are what they say")
def _(t):
    need_root("SO_BINDTODEVICE")
    port = free_port()
    backlog, shared, free, free6, device = handed(
        t, f"127.0.0.1:{free_port()},backlog=7", f"127.0.0.1:{port},reuseport",
        f"192.0.2.1:{free_port()},freebind", f"[2001:db8::1]:{free_port()},freebind",
        f"127.0.0.1:{free_port()},device=lo")
    assert backlog["backlog"] == 7, backlog
    assert shared["reuseport"] == 1, shared
    assert bind_errno(port, (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)) == 0
    assert free["freebind"] == free6["freebind"] == 1, (free, free6)
    assert device["device"] == "lo", device


@step("two -l with one address share it if both say reuseport")
def _(t):
    port = free_port()
    told = handed(t, *[f"127.0.0.1:{port},reuseport"] * 2)
    assert told[0]["inode"] != told[1]["inode"] and told[0]["name"] == told[1]["name"], told


@step("two -l that overlap: it says which two, and advises to end nobody")
def _(t):
    port = free_port()
    for first, second, helps in (("127.0.0.1:{}", "0.0.0.0:{}", "name one"),
                                 ("0.0.0.0:{}", "[::]:{}", "v6only"),
                                 ("[::]:{}", "0.0.0.0:{}", "v6only")):
        first, second = first.format(port), second.format(port)
        status, lines = run_sup(t, "-l", first, "-l", second, "--", "true")
        said = "\n".join(lines)
        assert status == 1 and f"cannot listen on {second} " in said, (status, said)
        assert f"{first} " in said.partition(":")[2] and helps in said, said
        assert "kill" not in said and "(pid" not in said, said


@step("mode=, user= and group= of a unix path are there as soon as the path is")
def _(t):
    need_root("another owner")
    for path, options, mode, owner in (
            ("plain", "", 0o600, (0, 0)), ("open", ",mode=0666", 0o666, (0, 0)),
            ("theirs", f",user=nobody,group={NOBODY},mode=0640", 0o640, (NOBODY, NOBODY))):
        path = t.path(path)
        sup = Sup(t, "-l", path + options, "--", "sh", "-c", f"stat -c %a:%u:%g {path}; sleep 1000")
        wait_until(lambda sup=sup: sup.out.lines, "the worker has looked")
        assert sup.out.lines == [f"{mode:o}:{owner[0]}:{owner[1]}"], sup.out.lines
        assert stat.S_ISSOCK(os.stat(path).st_mode)


@step("unix sockets of all three types, by path and abstract")
def _(t):
    names = [f"{kind}{where}" for kind in ("", "seqpacket:", "dgram:")
             for where in (t.path(kind[:3] + "x"), f"@sup-e2e-{os.getpid()}-{kind}{free_port()}")]
    told = handed(t, *names)
    assert [each["type"] for each in told] == [
        "SOCK_STREAM"] * 2 + ["SOCK_SEQPACKET"] * 2 + ["SOCK_DGRAM"] * 2, told
    assert [each["listens"] for each in told] == [1, 1, 1, 1, 0, 0], told


@step("vsock, where the kernel has it, named and bound by a server; it comes back as the same socket")
def _(t):
    try:
        socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM).close()
    except OSError:
        return  # a kernel without it refuses as bad_input.py has it
    port = free_port()
    told, = handed(t, f"vsock::{port}")
    assert told["family"] == "AF_VSOCK" and told["listens"] == 1, told
    program = ("import os, signal, socket; s = socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)\n"
               f"s.bind((socket.VMADDR_CID_ANY, {port + 1})); s.listen()\n"
               "print(os.fstat(s.fileno()).st_ino, flush=True); signal.pause()")
    sup = Sup(t, "--", PYTHON, "-c", program)
    sup.wait_for_log(rf"holding vsock::{port + 1}\b")
    for count in (1, 2):
        wait_until(lambda n=count: len(sup.out.lines) == n, "the server listens")
        sup.kill_worker()
    assert sup.out.lines[0] == sup.out.lines[1], sup.out.lines


@step("1024 listeners are held, and all handed over")
def _(t):
    listens = [f"@sup-e2e-{os.getpid()}-{free_port()}-{n}" for n in range(1024)]
    told = handed(t, *listens)
    assert len({each["name"] for each in told}) == 1024


run()
