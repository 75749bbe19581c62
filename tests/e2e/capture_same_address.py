#!/usr/bin/python3
"""Capture: what the same worker binds twice, as in the kernel; other workers share it."""

import os
import signal
import socket

import procs
from harness import (PYTHON, Sup, ask_who, free_port, is_refused, run, server, step, wait_until,
                     wait_who)


@step("a second bind of the address in the same worker: EADDRINUSE, also after a restart")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("binds_twice.py"), port)
    for generation in (1, 2):
        wait_until(lambda count=2 * generation: len(sup.out.lines) >= count, "both binds ended")
        assert sup.out.lines == ["listens", "EADDRINUSE"] * generation, sup.out.lines
        ask_who(port)
        sup.kill_worker()


@step("a second bind while the first does not listen yet: EADDRINUSE as well")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("binds_twice.py"), "unheard", port)
    for start in (1, 2):
        wait_until(lambda count=2 * start: len(sup.out.lines) >= count, "both binds ended")
        assert sup.out.lines == ["listens", "EADDRINUSE"] * start, sup.out.lines
        wait_who(port)
        sup.kill_worker()


@step("a bind that fails is not what the socket is held for")
def _(t):
    ports = free_port(), free_port()
    sup = Sup(t, "--", PYTHON, server("binds_other.py"), *ports)
    for _ in range(2):
        assert wait_who(ports[0])["pid"] == str(sup.kill_worker())
    sup.wait_for_log(rf"holding .*:{ports[0]}\b")
    wait_who(ports[0])
    assert set(sup.out.lines) == {"Invalid argument"}, sup.out.lines
    with socket.create_server(("127.0.0.1", ports[0] + 1000)):
        ports = ports[0] + 1000, free_port()
        sup = Sup(t, "--", PYTHON, server("binds_other.py"), *ports)
        for _ in range(2):
            assert wait_who(ports[1])["pid"] == str(sup.kill_worker())


@step("with SO_REUSEPORT the second bind works, serves, and comes back after a restart")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("binds_twice.py"), "reuseport", port)
    for generation in range(1, 4):
        wait_until(lambda count=2 * generation: len(sup.out.lines) >= count, "both binds ended")
        assert sup.out.lines == ["listens"] * 2 * generation, sup.out.lines
        seen = set()
        wait_until(lambda: seen.add(ask_who(port)["listener"]) or len(seen) == 2,
                   "both sockets get connections")
        sup.kill_worker()


@step("a master that replaces its dead child: the new child gets the dead one's socket back")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("prefork.py"), port)
    first = int(wait_who(port)["pid"])
    master = sup.worker()
    assert first in procs.children_of(master)
    procs.kill_and_wait(first)
    second = int(ask_who(port)["pid"])
    assert second != first
    assert sup.worker() == master, "the master was restarted"


@step("the workers of -n share a captured socket, and one that dies comes back to it")
def _(t):
    port = free_port()
    sup = Sup(t, "-n", "3", "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    workers = set(map(str, sup.workers(3)))
    seen = set()
    wait_until(lambda: seen.add(ask_who(port)["pid"]) or seen == workers, "all three have answered")
    victim = sup.workers(3)[1]
    procs.kill_and_wait(victim)
    new = set(map(str, sup.workers(3)))
    wait_until(lambda: seen.add(ask_who(port)["pid"]) or new <= seen, "the new one answers too")
    assert not [line for line in sup.err.lines if "already in use" in line], sup.err.lines


@step("a worker of several shuts the shared listener down: the others serve on at once")
def _(t):
    port = free_port()
    for arguments in (["--", PYTHON, server("shuts_down.py"), port],
                      ["-l", f"127.0.0.1:{port}", "--", PYTHON, server("shuts_down.py")]):
        sup = Sup(t, "-n", "2", *arguments)
        wait_until(lambda sup=sup: sup.out.lines.count("ready") == 2, "both serve")
        first, second = sup.workers(2)
        os.kill(first, signal.SIGTERM)
        sup.out.wait_for("shut down")
        wait_until(lambda: not is_refused(port), "somebody listens", 1)
        wait_until(lambda pid=str(second): ask_who(port)["pid"] == pid, "the other one serves")
        assert procs.alive(first) and procs.alive(second)
        sup.stop(signal.SIGQUIT)


run()
