#!/usr/bin/python3
"""`sup why` names what connections have left on a port: TIME_WAIT and all the others, and until when.

The sockets of these steps belong to no process, or to one that serves old connections; each is asked
about as root and as an ordinary user, since the kernel shows both the same.
"""

import os
import random
import re
import signal
import socket

import procs
from asking import (IS_ROOT, Holder, ask_why, connection, listener, time_wait, wait_for_state)
from harness import REUSEADDR, Skip, bind_errno, free_port, run, step, wait_until
from network import (CLOSE_WAIT, ESTABLISHED, FIN_WAIT1, FIN_WAIT2, LAST_ACK, TIME_WAIT,
                     tcp_sockets)

FULL = b"x" * (1 << 16)
AS_WHOM = (False, True) if IS_ROOT else (False,)


def port_range():
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as file:
        return tuple(map(int, file.read().split()))


def fill(sock):
    """Sends until the other end takes no more."""
    sock.setblocking(False)
    try:
        while True:
            sock.send(FULL)
    except BlockingIOError:
        pass


def says_nothing_of_root(answer):
    """The kernel shows uid 0 for what has no owner: nobody is to be named."""
    assert answer.pids() == []
    for sock in answer.part(None)["sockets"]:
        assert sock.get("uid") != 0, sock
        assert "uid" in sock or "user" in answer.told("unseen")
    assert "user root" not in answer.screen and "uid 0" not in answer.screen, answer.screen


@step("TIME_WAIT of a server without SO_REUSEADDR: how long, and that the option comes too late")
def _(t):
    port = free_port()
    time_wait(port)
    assert bind_errno(port, REUSEADDR) != 0
    for user in AS_WHOM:
        answer = ask_why(t, port, user=user)
        assert answer.causes() == ["time-wait"]
        says_nothing_of_root(answer)
        left = answer.part("tcp")["wait_msec"]
        assert 50000 < left <= 60000, left
        told = int(re.search(r"free in (\d+) s \(up to \d s more\)", answer.first_line)[1])
        assert 0 <= told * 1000 - left < 2000, (told, left)
        assert "no SO_REUSEADDR" in answer.told("inferred")
        assert answer.remedies()[0].startswith("wait "), answer.remedies()
        answer = ask_why(t, "--reuseaddr", port, user=user)
        assert answer.causes() == ["time-wait"] and answer.status == 1


@step("TIME_WAIT of a server that had SO_REUSEADDR: set it, and it is free")
def _(t):
    port = free_port()
    time_wait(port, REUSEADDR)
    for user in AS_WHOM:
        answer = ask_why(t, port, user=user)
        assert answer.causes() == ["time-wait"]
        assert answer.remedies()[0].startswith("set SO_REUSEADDR"), answer.remedies()
        assert "had SO_REUSEADDR" in answer.told("inferred")
        assert ask_why(t, "--reuseaddr", port, user=user).status == 0


@step("many TIME_WAITs are told as one thing, and the last of them counts")
def _(t):
    port = free_port()
    pairs = []
    with listener(port) as server:
        for _ in range(20):
            client = socket.create_connection(("127.0.0.1", port))
            pairs.append((server.accept()[0], client))
    for accepted, client in pairs:
        accepted.close()
        client.close()
    wait_until(lambda: [state for state, _, _ in tcp_sockets(port)] == 20 * [TIME_WAIT],
               "all are in TIME_WAIT")
    answer = ask_why(t, port)
    assert answer.causes() == ["time-wait"]
    assert answer.part("tcp")["causes"][0]["sockets"] == 20
    assert "20 connections" in answer.first_line and len(answer.screen.splitlines()) < 10


@step("TIME_WAIT of an IPv4 client of a dual-stack server is in the way of 0.0.0.0 too")
def _(t):
    port = free_port()
    with socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True) as server:
        client = socket.create_connection(("127.0.0.1", port))
        accepted, _ = server.accept()
    accepted.close()
    client.close()
    wait_for_state(port, TIME_WAIT)
    answer = ask_why(t, f"0.0.0.0:{port}")
    assert answer.causes() == ["time-wait"]
    assert answer.part(None)["sockets"][0]["local"] == f"[::ffff:127.0.0.1]:{port}"
    assert ask_why(t, f"127.0.0.2:{port}").status == 0


@step("FIN_WAIT2: a client has not closed; until then, and perhaps 60 s more")
def _(t):
    port = free_port()
    accepted, client = connection(port)
    accepted.close()
    wait_for_state(port, FIN_WAIT2)
    peer = client.getsockname()[1]
    for user in AS_WHOM:
        answer = ask_why(t, port, user=user)
        assert answer.causes() == ["fin-wait-2"]
        says_nothing_of_root(answer)
        assert f"127.0.0.1:{peer}" in answer.first_line
        assert "60 s after the client closes" in answer.first_line
        assert f"end the client at 127.0.0.1:{peer}" in answer.told("remedies")
        assert 50000 < answer.part("tcp")["wait_msec"] <= 60000
    client.close()
    wait_for_state(port, TIME_WAIT)
    assert ask_why(t, port).causes() == ["time-wait"]


@step("FIN_WAIT1: a client does not read what a server sent before it ended")
def _(t):
    port = free_port()
    accepted, client = connection(port)
    fill(accepted)
    accepted.close()
    wait_for_state(port, FIN_WAIT1)
    for user in AS_WHOM:
        answer = ask_why(t, port, user=user)
        assert answer.causes() == ["unfinished-close"]
        says_nothing_of_root(answer)
        assert "wait_msec" not in answer.part("tcp"), "nobody knows how long"
        assert "minutes" in answer.told("remedies")
        assert f"127.0.0.1:{client.getsockname()[1]}" in answer.told("remedies")
    client.close()


@step("LAST_ACK: the same, with a client that has closed its half")
def _(t):
    port = free_port()
    accepted, client = connection(port)
    client.shutdown(socket.SHUT_WR)
    wait_for_state(port, CLOSE_WAIT)
    fill(accepted)
    accepted.close()
    wait_for_state(port, LAST_ACK)
    answer = ask_why(t, port)
    assert answer.causes() == ["unfinished-close"] and "LAST_ACK" in answer.first_line
    client.close()


SERVES_ON = """
import errno
listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(sys.argv[2]))
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
ready(os.getpid())
accepted, _ = listener.accept()
listener.close()
forever()
"""


@step("a process that still serves old connections, in ESTABLISHED and then in CLOSE_WAIT")
def _(t):
    for reuseaddr in (0, 1):
        for user in AS_WHOM:
            port = free_port()
            holder = Holder(t, SERVES_ON, port, reuseaddr, user=user)
            clients = [socket.create_connection(("127.0.0.1", port))]
            wait_until(lambda port=port: [state for state, _, _ in tcp_sockets(port)] ==
                       [ESTABLISHED], "only the connection is left")
            answer = ask_why(t, port, user=user)
            assert answer.causes() == ["open-connection"] and answer.pids() == [holder.pid]
            assert "ESTABLISHED" in answer.first_line
            clients.pop().close()
            wait_for_state(port, CLOSE_WAIT)
            answer = ask_why(t, port, user=user)
            assert answer.causes() == ["open-connection"] and answer.pids() == [holder.pid]
            assert f"kill {holder.pid}" in answer.told("remedies")
            assert answer.remedies()[0].startswith("set SO_REUSEADDR") == bool(reuseaddr)
            assert ask_why(t, "--reuseaddr", port, user=user).status == (0 if reuseaddr else 1)
            holder.end()


@step("an old connection of another user's process: seen, but not whose process it is")
def _(t):
    if not IS_ROOT:
        raise Skip("needs root: two users")
    port = free_port()
    holder = Holder(t, SERVES_ON, port, 0)
    client = socket.create_connection(("127.0.0.1", port))
    wait_until(lambda: [state for state, _, _ in tcp_sockets(port)] == [ESTABLISHED], "it is alone")
    answer = ask_why(t, port, user=True)
    assert answer.causes() == ["open-connection"] and answer.pids() == []
    assert "root" in answer.told("unseen") and str(holder.pid) not in answer.screen
    client.close()


@step("a child that was forked for a client and outlives the server")
def _(t):
    port = free_port()
    holder = Holder(t, """
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
ready()
accepted, _ = listener.accept()
child = os.fork()
if child == 0:
    listener.close()
    print("serving", os.getpid(), flush=True)
    forever()
accepted.close()
forever()
""", port)
    with socket.create_connection(("127.0.0.1", port)):
        child = int(holder.out.wait_for("^serving (.*)")[1])
        os.kill(holder.pid, signal.SIGKILL)
        holder.process.wait()
        answer = ask_why(t, port)
        assert answer.causes() == ["open-connection"] and answer.pids() == [child]
        assert answer.remedies()[0].startswith("set SO_REUSEADDR"), "Python's servers set it"
    procs.kill_and_wait(child)


@step("an outgoing connection that got the port as its own")
def _(t):
    first, last = port_range()
    with listener(free_port()) as far_end:
        code = """
sock = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
ready(sock.getsockname()[1])
forever()
"""
        for user in AS_WHOM:
            holder = Holder(t, code, far_end.getsockname()[1], user=user)
            port = int(holder.words[0])
            assert first <= port <= last
            answer = ask_why(t, port, user=user)
            assert answer.causes() == ["outgoing-connection"] and answer.pids() == [holder.pid]
            assert f"connection to 127.0.0.1:{far_end.getsockname()[1]}" in answer.first_line
            assert "ip_local_reserved_ports" in answer.remedies()[0]
            assert f"{first}-{last}" in answer.remedies()[0]
            assert ask_why(t, "--reuseaddr", port, user=user).status == 1, "the option does not help"
            holder.end()


@step("an outgoing connection to another machine is inferred, and said to be")
def _(t):
    with listener(free_port()) as far_end:
        client = socket.create_connection(far_end.getsockname())
        port = client.getsockname()[1]
        accepted, _ = far_end.accept()
    answer = ask_why(t, port)
    assert answer.causes() == ["outgoing-connection"] and answer.pids() == [os.getpid()]
    assert not answer.part("tcp")["causes"][0]["certain"], "nobody listens at the other end now"
    assert "outgoing" in answer.told("inferred")
    accepted.close()
    client.close()


@step("TIME_WAIT of an outgoing connection: the server belongs below the range")
def _(t):
    with listener(free_port()) as far_end:
        client = socket.create_connection(far_end.getsockname())
        port = client.getsockname()[1]
        accepted, _ = far_end.accept()
    client.close()
    accepted.close()
    wait_for_state(port, TIME_WAIT)
    answer = ask_why(t, port)
    assert answer.causes() == ["time-wait"]
    assert "ip_local_reserved_ports" in answer.told("remedies")


@step("a connection to itself")
def _(t):
    code = """
sock = socket.socket()
sock.bind(("127.0.0.1", int(sys.argv[1])))
sock.connect(("127.0.0.1", int(sys.argv[1])))
ready()
forever()
"""
    for user in AS_WHOM:
        port = random.randrange(*port_range())
        holder = Holder(t, code, port, user=user)
        answer = ask_why(t, port, user=user)
        assert answer.causes() == ["self-connect"] and answer.pids() == [holder.pid]
        assert re.search(r"connected to itself", answer.first_line)
        assert f"kill {holder.pid}" in answer.remedies()[0]
        holder.end()


@step("several things at once: all are told, and only together they tell how long")
def _(t):
    port = free_port()
    time_wait(port)
    accepted, client = connection(port, REUSEADDR, host="127.0.0.2")
    answer = ask_why(t, port)
    assert answer.causes() == ["open-connection", "time-wait"]
    assert "1 more thing is in the way" in answer.first_line
    assert "also:" in answer.screen and "wait_msec" not in answer.part("tcp")
    accepted.close()
    client.close()


run()
