#!/usr/bin/python3
"""Connections that are made while nobody accepts wait in the queue of the held socket."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

from harness import (PYTHON, Sup, connect, free_port, read_all, run, server, step,
                     wait_answer, wait_until, wait_who)


def make_connections(address, count):
    """Connections that exist as far as the clients can see; nobody has answered yet."""
    return [connect(address, 15) for _ in range(count)]


def all_served(clients):
    """Reads each to EOF; every one must have an answer."""
    with ThreadPoolExecutor(len(clients)) as pool:
        answers = list(pool.map(read_all, clients))
    for client in clients:
        client.close()
    assert all(answer.startswith("pid=") for answer in answers), answers
    return answers


@step("50 connections made between the death of a worker and the next one are served")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("slow_start.py"), port, "0.3")
    wait_who(port)
    sup.kill_worker()
    all_served(make_connections(port, 50))


@step("50 connections made during a back-off are served, and sup says how many were waiting")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("fails_until.py"), port,
              t.path("go"))
    sup.wait_for_log(r"failure 3 in a row")
    clients = make_connections(port, 50)
    t.write("go", "")
    all_served(clients)
    sup.wait_for_log(r"\b50 connections were waiting")


@step("those whose client has gone do not wait: sup does not count them, where that can be told")
def _(t):
    path = t.path("socket")
    script = f"test ! -e {t.path('bad')} || exit 1; exec {PYTHON} {server('unix_path.py')} {path}"
    sup = Sup(t, "--", "sh", "-c", script)
    wait_who(path)
    t.write("bad", "")
    sup.kill_worker()
    sup.wait_for_log(r"failure 2 in a row")
    clients = make_connections(path, 5)
    for client in clients[2:]:
        client.close()
    os.unlink(t.path("bad"))
    all_served(clients[:2])
    sup.wait_for_log(r"; 2 connections were waiting")


@step("those that waited before a reload are told apart: how long is not known")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    os.kill(sup.worker(), signal.SIGSTOP)
    clients = make_connections(port, 5)
    sup.send(signal.SIGHUP)
    all_served(clients)
    sup.wait_for_log(r"waited for [\d.]+ ms at most since it began \(5 had come before\), 5 at a time")


@step("connections made while the next worker needs 2 s to start are served, the last ones too")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("slow_start.py"), port, "2")
    wait_who(port)
    begin = time.monotonic()
    sup.kill_worker()
    early = make_connections(port, 20)
    wait_until(lambda: time.monotonic() > begin + 1.5, "the new worker is still starting")
    late = make_connections(port, 20)
    all_served(early + late)
    assert time.monotonic() - begin >= 1.9, "somebody answered before the slow server could"


@step("connections made while the very first worker is slow are served when -l names the address")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("slow_start.py"), port, "2")
    sup.wait_for_log(rf"listening on .*:{port}")
    all_served(make_connections(port, 50))


@step("connections half closed by their clients are served as well")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("slow_start.py"), port, "0.3")
    wait_who(port)
    sup.kill_worker()
    clients = make_connections(port, 10)
    for client in clients:
        client.shutdown(1)
    all_served(clients)


@step("connections to a unix socket and to an IPv6 address wait in the same way")
def _(t):
    port = free_port()
    path = t.path("socket")
    sup = Sup(t, "-l", path, "-l", f"[::1]:{port}", "--", PYTHON, server("activated.py"))
    for address in (path, ("::1", port)):
        wait_answer(address)
    for address in (path, ("::1", port)):
        sup.kill_worker()
        all_served(make_connections(address, 20))


run()
