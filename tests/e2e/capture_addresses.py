#!/usr/bin/python3
"""Capture: which held socket a bind gets."""

import os
import re
import socket

from harness import (PYTHON, Sup, ask_who, free_port, is_refused, run, server, step, wait_until,
                     wait_who)


@step("as=: the server binds the one port and is in truth on the other")
def _(t):
    named, asked = free_port(), free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{named},as={asked}", "--", PYTHON, server("simple.py"), asked)
    for _ in range(2):
        assert wait_who(named)["pid"] == str(sup.worker())
        assert is_refused(asked)
        sup.kill_worker()


@step("as= takes a port, an address, a host with several addresses, a path, an abstract name")
def _(t):
    for host in ("127.0.0.1", "localhost", "*"):
        named, asked = free_port(), free_port()
        sup = Sup(t, "-l", f"127.0.0.1:{named},as={host}:{asked}", "--",
                  PYTHON, server("simple.py"), asked)
        assert wait_who(named)["pid"] == str(sup.worker())
        assert is_refused(asked), host
    for asked in (t.path("asked"), f"@sup-e2e-{os.getpid()}-{free_port()}"):
        named = t.path(f"named{len(asked)}")
        sup = Sup(t, "-l", f"{named},as={asked}", "--", PYTHON, server("unix_path.py"), asked)
        assert wait_who(named)["pid"] == str(sup.worker())
        assert is_refused(asked), asked


@step("as= with an address that the server does not bind: it is left alone")
def _(t):
    named, asked = free_port(), free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{named},as=127.0.0.2:{asked}", "--",
              PYTHON, server("simple.py"), asked)
    sup.wait_for_log(rf"holding 127\.0\.0\.1:{asked}")
    assert wait_who(asked)["pid"] == str(sup.worker())


@step("a server that binds the very address that the user named gets it, IPv4 or IPv6, TCP or UDP")
def _(t):
    for host, listen in (("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")):
        port = free_port()
        sup = Sup(t, "-l", f"{listen}:{port}", "--", PYTHON, server("simple.py"), port, host)
        assert wait_who((host, port))["pid"] == str(sup.worker())
        port = free_port()
        sup = Sup(t, "-l", f"udp:{listen}:{port}", "--", PYTHON, server("udp_echo.py"), port, host)
        sup.out.wait_for("bound")


@step("a server that binds an IPv4 address through an IPv6 socket, as Java does, gets the IPv4 one")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--",
              PYTHON, server("simple.py"), port, "::ffff:127.0.0.1")
    for _ in range(2):
        assert wait_who(port)["pid"] == str(sup.worker())
        sup.kill_worker()


@step("wildcards of both families get the addresses that the user named, each of its own family")
def _(t):
    port = free_port()
    Sup(t, "-l", f"[::1]:{port}", "-l", f"127.0.0.1:{port}", "--",
        PYTHON, server("two_listeners.py"), "0.0.0.0", port, "::", port)
    wait_who(("::1", port))
    assert wait_who(("127.0.0.1", port))["listener"] == "0"
    assert ask_who(("::1", port))["listener"] == "1"


@step("a listener of one family does not take the wildcard of the other one away from the server")
def _(t):
    for named, captured in (("0.0.0.0:{}", r"\[::\]"), ("[::]:{},v6only", r"0\.0\.0\.0")):
        port = free_port()
        sup = Sup(t, "-l", named.format(port), "--",
                  PYTHON, server("two_listeners.py"), "0.0.0.0", port, "::", port)
        for _ in range(2):
            wait_who(("::1", port))
            wait_who(("127.0.0.1", port))
            assert ask_who(("127.0.0.1", port))["listener"] == "0"
            assert ask_who(("::1", port))["listener"] == "1"
            sup.kill_worker()
        sup.wait_for_log(rf"holding {captured}:{port}\b")


@step("a named listener is not for two addresses that the kernel would not give to one server")
def _(t):
    for named in ("0.0.0.0:{}", "{}", "127.0.0.1:{}"):
        port = free_port()
        sup = Sup(t, "-l", named.format(port), "--", PYTHON, server("binds_twice.py"), "dual", port)
        wait_until(lambda sup=sup: len(sup.out.lines) == 2, "both binds ended")
        assert sup.out.lines == ["listens", "EADDRINUSE"], (named, sup.out.lines)
        assert wait_who(port)["pid"] == str(sup.worker())


@step("it is for two that the kernel would give")
def _(t):
    port = free_port()
    for named, *hosts in (("{}", "0.0.0.0", "::"), ("0.0.0.0:{}", "127.0.0.1", "127.0.0.2")):
        sup = Sup(t, "-l", named.format(port), "--", PYTHON, server("two_listeners.py"),
                  hosts[0], port, hosts[1], port)
        for host in hosts:
            host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
            assert wait_who((host, port))["pid"] == str(sup.worker())
        sup.stop()


@step("a server that binds the wildcard gets the address that the user named, same port")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("simple.py"), port, "0.0.0.0")
    assert wait_who(port)["pid"] == str(sup.worker())
    assert is_refused(("127.0.0.2", port)), "the server is on more than what -l named"


@step("a server that binds one address gets the wildcard listener that the user named")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", str(port), "--", PYTHON, server("simple.py"), port, "127.0.0.1")
    for address in (port, ("::1", port)):
        assert wait_who(address)["pid"] == str(sup.worker())


@step("0.0.0.0 and [::] with V6ONLY, same port, are two sockets, held and back after a restart")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("two_listeners.py"), "0.0.0.0", port, "::", port)
    for _ in range(3):
        wait_who(("::1", port))
        assert ask_who(("127.0.0.1", port))["listener"] == "0"
        assert ask_who(("::1", port))["listener"] == "1"
        sup.kill_worker()
    said = "\n".join(sup.said())
    assert re.search(rf"holding 0\.0\.0\.0:{port}\b", said), said
    assert re.search(rf"holding \[::\]:{port}\b", said), said


@step("three listeners that are bound in another order than that of -l")
def _(t):
    ports = [free_port() for _ in range(3)]
    listens = [word for port in reversed(ports) for word in ("-l", f"127.0.0.1:{port}")]
    arguments = [word for port in ports for word in ("127.0.0.1", port)]
    Sup(t, *listens, "--", PYTHON, server("two_listeners.py"), *arguments)
    for index, port in enumerate(ports):
        wait_until(lambda port=port, index=index: wait_who(port)["listener"] == str(index),
                   "each port has its own listener")


@step("port 0 is not captured: every start has a port of its own, the old one is closed at once")
def _(t):
    sup = Sup(t, "--", PYTHON, server("port_zero.py"))
    first = int(sup.out.wait_for(r"port (\d+)")[1])
    assert ask_who(first)["pid"] == str(sup.kill_worker())
    wait_until(lambda: is_refused(first), "the port is closed", 2)
    wait_until(lambda: len(sup.out.lines) == 2, "the next worker has a port")
    ask_who(int(sup.out.lines[1].split()[1]))
    assert not [line for line in sup.said() if "holding" in line], sup.said()


@step("-l names a port for a server that lets the kernel choose one: as=0")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port},as=0", "--", PYTHON, server("port_zero.py"))
    for starts in (1, 2):
        wait_until(lambda n=starts: len(sup.out.lines) == n, "the server has its port")
        assert wait_who(port)["pid"] == str(sup.kill_worker())
    assert set(sup.out.lines) == {f"port {port}"}, sup.out.lines


@step("a UDP socket is not captured: its address is free when the server is dead")
def _(t):
    port = free_port()
    sup = Sup(t, "--backoff-max", "30s", "--restart=never", "--",
              PYTHON, server("udp_echo.py"), port)
    sup.out.wait_for("bound")
    assert not [line for line in sup.said() if "holding" in line], sup.said()
    sup.kill_worker()
    assert sup.wait() == 128 + 9


@step("a UDP address named with -l is handed to the server that binds it, with waiting datagrams")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"udp:127.0.0.1:{port}", "--", PYTHON, server("udp_echo.py"), port)
    sup.out.wait_for("bound")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        old = sup.kill_worker()
        client.sendto(b"while it was dead", ("127.0.0.1", port))
        answer = client.recv(1000)
    assert answer == f"{sup.next_worker(old)} while it was dead".encode(), answer


run()
