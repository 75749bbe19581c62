#!/usr/bin/python3
"""Who waits in the queue of a version that is on its way out is served, also when its worker is gone."""

import os
import signal
import subprocess

import procs
from harness import (PYTHON, Sup, ask_who, free_port, read_all, run, server, step, wait_until,
                     wait_who)
from network import connect
from reloads import status
from supervised import WRAPPER, sup_binary


def serving(t, address, *options):
    """A sup with --drain=connections whose worker is stopped, with ten clients in its queue."""
    sup = Sup(t, "--control", t.path("control"), "--drain=connections", *options, "--", PYTHON,
              server("simple.py" if isinstance(address, int) else "unix_path.py"), address)
    wait_who(address)
    os.kill(sup.worker(), signal.SIGSTOP)
    return sup, [connect(address) for _ in range(10)]


def generations_of(clients):
    return {word for client in clients for word in read_all(client).split()
            if word.startswith("generation=")}


@step("an old worker that crashes while it drains: one of its version serves who waited")
def _(t):
    for address in (free_port(), t.path("socket")):
        sup, clients = serving(t, address)
        old = sup.worker()
        sup.send(signal.SIGHUP)
        sup.wait_for_log("generation 2 serves", 20)
        procs.kill_and_wait(old)
        assert generations_of(clients) == {"generation=1"}
        sup.wait_for_log(r"reloaded.* 0 cut", 20)
        assert ask_who(address)["generation"] == "2"
        assert sup.stop() == 0


@step("the only worker is being restarted, and a reload comes at once: who waited is served")
def _(t):
    port = free_port()
    sup = Sup(t, "--control", t.path("control"), "--drain=connections", "--stop-timeout=2s", "--",
              PYTHON, server("ignores_term.py"), port)
    wait_who(port)
    old = sup.worker()
    asked = subprocess.Popen([*WRAPPER, sup_binary(), "restart", "1", "--control",
                              t.path("control")], stdout=subprocess.DEVNULL,
                             stderr=subprocess.DEVNULL)
    wait_until(lambda: status(t)["workers"][0]["state"] == "stopping", "it is asked to stop")
    os.kill(old, signal.SIGSTOP)
    clients = [connect(port) for _ in range(10)]
    sup.send(signal.SIGHUP)
    sup.wait_for_log("generation 2 serves", 20)
    assert procs.alive(old), "it has ended before the reload"
    assert generations_of(clients) == {"generation=1"}
    asked.wait(20)
    sup.wait_for_log(r"reloaded.* 0 cut", 20)


@step("a version that cannot be started any more: who waits for it is cut, and counted")
def _(t):
    port = free_port()
    program = t.write("server.sh", f"exec {PYTHON} {server('simple.py')} {port}\n")
    sup = Sup(t, "--control", t.path("control"), "--drain=connections", "--drain-timeout=2s",
              "--", "sh", program)
    wait_who(port)
    old = sup.worker()
    os.kill(old, signal.SIGSTOP)
    clients = [connect(port) for _ in range(3)]
    sup.send(signal.SIGHUP)
    sup.wait_for_log("generation 2 serves", 20)
    os.unlink(program)
    procs.kill_and_wait(old)
    sup.wait_for_log(r"reloaded.* 3 cut", 30)
    for client in clients:
        client.close()


@step("an old worker that exits with 128 + its stop signal, as Java does, has cut what it had")
def _(t):
    port = free_port()
    program = t.write("server.py", """
import os, signal, socket, sys, time
signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
with socket.create_server(("127.0.0.1", int(sys.argv[1]))) as listener:
    while True:
        client, _ = listener.accept()
        print("accepted", flush=True)
        client.recv(1)
""")
    sup = Sup(t, "--", PYTHON, program, port)
    sup.wait_for_log("holding")
    with connect(port) as client:
        sup.out.wait_for("accepted")
        sup.send(signal.SIGHUP)
        sup.wait_for_log(r"reloaded.* 0 finished, 1 cut", 20)
        assert read_all(client) == ""


run()
