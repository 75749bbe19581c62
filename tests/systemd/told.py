#!/usr/bin/python3
"""What systemd is told, and what an operator sees: states, status lines, time-outs, the watchdog."""

import os
import re
import signal
import subprocess
import time

from units import (SUP, Service, Socket, journal_of, run, server, systemctl, systemctl_fails,
                   version)
import procs
from harness import PYTHON, ask_who, connect, free_port, read_all, step, wait_until


def command(name, *args):
    """The line of the file that runs one of the servers of the stories."""
    return " ".join(["command =", PYTHON, server(name), *map(str, args)])


def wait_status(service, regexp, deadline=10):
    """The status line of the unit, when it matches."""
    return wait_until(lambda: re.search(regexp, service.show("StatusText")),
                      f"the status of {service.name} is like {regexp!r}", deadline)


@step("`systemctl start` returns when the server serves, and the status line says where")
def _(t):
    port = free_port()
    service = Service(t, "start", [command("slow_start.py", port, 0.5)])
    service.start()
    assert ask_who(port)["pid"] == str(service.worker())
    assert service.show("StatusText") == f"1 of 1 worker serves on 127.0.0.1:{port}; generation 1"


@step("with several workers, it returns when all of them serve")
def _(t):
    port = free_port()
    service = Service(t, "several", ["workers = 3", command("slow_start.py", port, 0.5)])
    service.start()
    assert service.show("StatusText").startswith("3 of 3 workers serve on "), \
        service.show("StatusText")
    service.stop()
    assert service.state() == "inactive (dead)"


@step("a server that never comes up: the start fails in time, and the status line says why")
def _(t):
    service = Service(t, "never", ["command = /bin/sh -c 'exit 3'"], "TimeoutStartSec=2")
    said = systemctl_fails("start", service.name)
    assert "timeout" in said, said
    wait_status(service, r"^0 of 1 worker serves?; .*worker 1 exited with status 3, failure \d+")


@step("a server that is slower than TimeoutStartSec comes up if start-timeout allows it")
def _(t):
    port = free_port()
    service = Service(t, "slower", ["start-timeout = 20s", command("slow_start.py", port, 4)],
                      "TimeoutStartSec=2")
    service.start()
    assert service.state() == "active (running)" and ask_who(port)["pid"] == str(service.worker())
    assert service.show("NRestarts") == "0"


@step("a slow server with a .socket unit: the start returns when it serves, not when it has lived")
def _(t):
    port = free_port()
    socket = Socket(t, "slow", f"ListenStream=127.0.0.1:{port}")
    service = Service(t, "slow", [command("slow_start.py", port, 3)])
    socket.start()
    begin = time.monotonic()
    service.start()
    assert time.monotonic() - begin > 2.5
    assert service.show("StatusText").startswith("1 of 1 worker serves")


@step("a server that comes up only after some failures: the start succeeds then")
def _(t):
    port = free_port()
    service = Service(t, "later", [command("fails_until.py", port, "/run/sup-test-flag")])
    service.do("start", "--no-block")
    wait_status(service, "exited with status 3")
    t.defer(os.remove, "/run/sup-test-flag")
    with open("/run/sup-test-flag", "w", encoding="utf-8"):
        pass
    service.wait_state("active (running)")
    ask_who(port)


@step("a program that is not there: one sentence in the journal, and tried again for ever")
def _(t):
    port = free_port()
    socket = Socket(t, "absent", f"ListenStream=127.0.0.1:{port}")
    service = Service(t, "absent", ["command = /no/such/program"])
    socket.start()
    with connect(port) as client:
        wait_until(lambda: int(service.show("NRestarts")) >= 8, "it is started again and again")
        service.wait_message("cannot run '/no/such/program': there is no such program")
        assert socket.state().startswith("active"), socket.state()
        service.replace_config([command("activated.py")])
        assert "listener=0" in read_all(client)


@step("a mistake in the file: its line is in the journal, and the port stays open until it is right")
def _(t):
    port = free_port()
    socket = Socket(t, "mistake", f"ListenStream=127.0.0.1:{port}")
    service = Service(t, "mistake", ["lsten = 80", command("activated.py")])
    socket.start()
    with connect(port) as client:
        service.wait_message(r"^/etc/sup/mistake.conf:1: there is no option 'lsten'")
        wait_status(service, "there is no option 'lsten'")
        service.replace_config([command("activated.py")])
        assert "listener=0" in read_all(client)


@step("Accept=yes: sup refuses each connection once, and nothing of it is left")
def _(t):
    port = free_port()
    socket = Socket(t, "accepting", f"ListenStream=127.0.0.1:{port}", "Accept=yes")
    socket.start()
    with connect(port) as client:
        own = client.getsockname()[1]
        assert read_all(client) == ""
    wait_until(lambda: "sup@0-" not in systemctl("list-units", "--all"), "the unit is forgotten")
    said = [str(entry["MESSAGE"])
            for entry in journal_of(f"sup@0-127.0.0.1:{port}-127.0.0.1:{own}.service")]
    assert len([line for line in said if "set Accept=no" in line]) == 1, said
    assert not any("restart" in line for line in said), said


@step("instances with a colon, a blank or a long name in theirs are reloaded as well")
def _(t):
    names = ["eu:west", "customer-portal-production-frontend.eu-west-1.example.com"]
    if version() < 255:  # from then on it misreads RuntimeDirectory=sup/%i itself (issue 41853)
        names.append("a\\x20b")
    for name in names:
        port = free_port()
        service = Service(t, name, [command("activated.py"), f"listen = 127.0.0.1:{port}"])
        service.start()
        before = ask_who(port)["pid"]
        service.do("reload")
        assert ask_who(port)["pid"] != before
        service.stop()


@step("an instance with DynamicUser=yes is found by root from outside")
def _(t):
    port = free_port()
    service = Service(t, "dynamic", [command("activated.py"), f"listen = 127.0.0.1:{port}"],
                      "DynamicUser=yes")
    service.start()
    said = subprocess.run([SUP, "status", "dynamic"], check=True, text=True,
                          stdout=subprocess.PIPE).stdout
    assert said.startswith("dynamic: ready"), said


@step("a server that exits with 0 at once is started again as well")
def _(t):
    service = Service(t, "zero", ["command = /bin/true"], "TimeoutStartSec=2")
    systemctl_fails("start", service.name)
    service.wait_message("exited with status 0 .*next start in")


@step("an end that takes longer than systemd would wait: more time is asked for")
def _(t):
    port = free_port()
    service = Service(t, "stubborn", ["stop-timeout = 3s", command("ignores_term.py", port)],
                      "TimeoutStopSec=1")
    service.start()
    begin = time.monotonic()
    service.stop()
    assert time.monotonic() - begin >= 3
    assert service.show("Result") == "success"
    service.wait_message("did not end in time after SIGTERM; killing it")


@step("a sup that is stuck is found out by the watchdog, and the port is never refused")
def _(t):
    port = free_port()
    socket = Socket(t, "stuck", f"ListenStream=127.0.0.1:{port}")
    service = Service(t, "stuck", [command("simple.py", port)], "WatchdogSec=1",
                      "TimeoutAbortSec=1", "LimitCORE=0")
    socket.start()
    ask_who(port)
    service.wait_state("active (running)")
    main, worker = service.main_pid(), service.worker()
    time.sleep(2)  # a life of twice the watchdog's time: it is being fed
    assert service.main_pid() == main
    os.kill(main, signal.SIGSTOP)
    wait_until(lambda: not procs.alive(main), "systemd has ended the stopped sup")
    service.wait_message("[Ww]atchdog timeout")
    assert ask_who(port)["pid"] != str(worker)
    assert not procs.alive(worker)


@step("sup is killed: systemd starts it again, and a client who comes meanwhile is served")
def _(t):
    port = free_port()
    socket = Socket(t, "killed", f"ListenStream=127.0.0.1:{port}")
    service = Service(t, "killed", [command("simple.py", port)])
    socket.start()
    ask_who(port)
    for _ in range(5):
        main, worker = service.main_pid(), service.worker()
        procs.kill_and_wait(main)
        wait_until(lambda: not procs.alive(worker), "the worker is gone with it")
        assert ask_who(port)["pid"] != str(worker)
        service.wait_state("active (running)")


@step("sup re-executes itself: for systemd it is the same service, and the watchdog is fed on")
def _(t):
    port = free_port()
    socket = Socket(t, "again", f"ListenStream=127.0.0.1:{port}")
    service = Service(t, "again", [command("simple.py", port)], "WatchdogSec=1")
    socket.start()
    worker = ask_who(port)["pid"]
    service.wait_state("active (running)")
    main = service.main_pid()
    os.kill(main, signal.SIGUSR2)
    service.wait_message("^upgraded to sup ")
    time.sleep(2)  # twice the watchdog's time
    assert service.state() == "active (running)" and service.main_pid() == main
    assert ask_who(port)["pid"] == worker
    service.stop()
    assert ask_who(port)["pid"] != worker


@step("`systemctl kill`, `stop` and `start` of both units: nothing is left, and it serves again")
def _(t):
    port = free_port()
    socket = Socket(t, "stop", f"ListenStream=127.0.0.1:{port}")
    service = Service(t, "stop", [command("prefork.py", port)])
    for _ in range(2):
        socket.start()
        ask_who(port)
        service.wait_state("active (running)")
        tree = [service.main_pid(), *procs.descendants_of(service.main_pid())]
        assert len(tree) > 2, tree
        service.do("kill")
        service.wait_state("active (running)")
        ask_who(port)
        tree += [service.main_pid(), *procs.descendants_of(service.main_pid())]
        socket.stop()
        service.stop()
        assert not any(map(procs.alive, tree)), tree
        assert service.state() == socket.state() == "inactive (dead)"


run()
