#!/usr/bin/python3
"""The four uses of SO_REUSEADDR that the books name, on supervised listeners."""

import errno
import socket

from harness import (PYTHON, REUSEADDR, Sup, ask_who, bind_errno, connect, free_port, is_refused,
                     run, server, step, wait_until, wait_who)


def ask_udp(address, text=b"ping"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(5)
        client.sendto(text, address)
        return client.recv(1000)


def say_hello(port):
    """A connection that stays open, and the pid of the server at its other end."""
    wait_until(lambda: not is_refused(port), "the server listens")
    client = connect(port)
    return client, client.recv(100)


@step("a restart works while clients still keep their connections to the old server")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("keeps_open.py"), port)
    clients = [say_hello(port)]
    sup.kill_worker()
    clients.append(say_hello(port))
    assert sup.stop() == 0
    Sup(t, "--", PYTHON, server("keeps_open.py"), port)
    clients.append(say_hello(port))
    assert len({pid for _, pid in clients}) == 3, clients
    for client, _ in clients:
        client.close()


@step("two sups serve the same port on different local addresses, each its own")
def _(t):
    port = free_port()
    sups = [Sup(t, "-l", f"127.0.0.{n}:{port}", "--", PYTHON, server("activated.py"))
            for n in (1, 2)]
    for n, sup in enumerate(sups, 1):
        assert wait_who((f"127.0.0.{n}", port))["pid"] == str(sup.worker())


@step("two sups capture the same port on different local addresses")
def _(t):
    port = free_port()
    sups = [Sup(t, "--", PYTHON, server("simple.py"), port, f"127.0.0.{n}") for n in (1, 2)]
    for n, sup in enumerate(sups, 1):
        address = (f"127.0.0.{n}", port)
        old = wait_who(address)["pid"]
        assert old == str(sup.kill_worker())
        assert ask_who(address)["pid"] == str(sup.next_worker(int(old)))


@step("one sup holds the same port on several local addresses")
def _(t):
    port = free_port()
    hosts = ["127.0.0.1", "127.0.0.2", "127.0.0.3", "::1"]
    listens = [word for host in hosts
               for word in ("-l", f"[{host}]:{port}" if ":" in host else f"{host}:{port}")]
    sup = Sup(t, *listens, "--", PYTHON, server("activated.py"))
    for _ in range(2):
        for index, host in enumerate(hosts):
            assert wait_who((host, port))["listener"] == str(index)
        sup.kill_worker()


@step("a UDP address is doubled when both ask for it, and the last binder gets the datagrams")
def _(t):
    port = free_port()
    sups = []
    for _ in range(2):
        sups.append(Sup(t, "-l", f"udp:127.0.0.1:{port},reuseaddr", "--",
                        PYTHON, server("udp_echo.py"), port))
        sups[-1].out.wait_for("bound")
    assert ask_udp(("127.0.0.1", port)) == f"{sups[1].worker()} ping".encode()


@step("a UDP address is not doubled unasked, so that nobody can steal it")
def _(t):
    port = free_port()
    first = Sup(t, "-l", f"udp:127.0.0.1:{port}", "--", PYTHON, server("udp_echo.py"), port)
    first.out.wait_for("bound")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as thief:
        thief.setsockopt(*REUSEADDR)
        try:
            thief.bind(("127.0.0.1", port))
            stolen = True
        except OSError as error:
            assert error.errno == errno.EADDRINUSE
            stolen = False
    assert not stolen, "another socket with SO_REUSEADDR could bind the address as well"
    second = Sup(t, "-l", f"udp:127.0.0.1:{port},reuseaddr", "--",
                 PYTHON, server("udp_echo.py"), port)
    assert second.wait() == 1


@step("a TCP listener cannot be taken over, with or without SO_REUSEADDR")
def _(t):
    port = free_port()
    Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("activated.py"))
    wait_who(port)
    assert bind_errno(port) == errno.EADDRINUSE
    assert bind_errno(port, REUSEADDR) == errno.EADDRINUSE


run()
