#!/usr/bin/python3
"""The fd store: what sup opened or captured outlives it, whoever ends it, and nobody is refused.

50 kills of a kind, or 20, unless SUP_TEST_KILLS says otherwise; 100 new connections a second
meanwhile.
"""

import os
import signal
import time

from load_beside import Load
from units import Service, run, server
import procs
from harness import PYTHON, ask, ask_who, diag, free_port, step, wait_until
from network import is_refused, listeners
from procs import socket_inodes

N_MANY = N_SOME = int(os.environ.get("SUP_TEST_STORE", "15"))
LIFE = 1.1  # seconds of service after which the next restart is immediate
GET = b"GET / HTTP/1.0\r\n\r\n"


def command(name, *args):
    """The line of the file that runs one of the servers of the stories."""
    return " ".join(["command =", PYTHON, server(name), *map(str, args)])


def http_service(t, name, *settings):
    """(service, port) of a captured HTTP server that serves."""
    port = free_port()
    service = Service(t, name, [command("graceful_http.py", port)], *settings)
    service.start()
    assert "200 OK" in ask(port, GET)
    return service, port


def stored(service):
    """How many descriptors systemd keeps for the unit."""
    return int(service.show("NFileDescriptorStore"))


def wait_next(service, old):
    """Another main process than the old one serves."""
    wait_until(lambda: service.main_pid() != old, "sup is started again", 30)
    service.wait_state("active (running)", 30)


def rounds(t, name, n_rounds, act, *settings):
    """act(service) again and again under load; the listener is the same socket from end to end."""
    service, port = http_service(t, name, *settings)
    inode = listeners(port)
    load = Load(t, port)
    for _ in range(n_rounds):
        main = service.main_pid()
        act(service)
        if act is not kill_worker:
            wait_next(service, main)
        assert "200 OK" in ask(port, GET)
        assert listeners(port) == inode
    load.end("reset", "early_eof")  # what the killed had accepted
    assert stored(service) == 2, "one socket and the list"


def kill_worker(service):
    worker = service.worker()
    time.sleep(LIFE)
    procs.kill_and_wait(worker)
    wait_until(lambda: service.worker() != worker, "another worker runs")


def kill_sup(service):
    procs.kill_and_wait(service.main_pid())


def kill_both(service):
    worker = service.worker()
    os.kill(service.main_pid(), signal.SIGSTOP)  # or it would start another worker in between
    procs.kill_and_wait(worker)
    procs.kill_and_wait(service.main_pid())


def restart(service):
    service.do("restart")


def say(*lines):
    """What speaks.py is to say from its next start on."""
    with open("/etc/sup/keeps.lines", "w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)


@step(f"the worker is killed {N_MANY} times: nobody is refused, and it is the same socket")
def _(t):
    rounds(t, "worker", N_MANY, kill_worker)


@step(f"sup is killed {N_MANY} times: nobody is refused, and it is the same socket")
def _(t):
    rounds(t, "sup", N_MANY, kill_sup)


@step(f"both are killed at once {N_SOME} times: nobody is refused, and it is the same socket")
def _(t):
    rounds(t, "both", N_SOME, kill_both)


@step(f"`systemctl restart` {N_SOME} times: nobody is refused, and it is the same socket")
def _(t):
    rounds(t, "restart", N_SOME, restart)


@step("a stopped sup is killed by the watchdog: nobody is refused, and it is the same socket")
def _(t):
    rounds(t, "watchdog", 1, lambda service: os.kill(service.main_pid(), signal.SIGSTOP),
           "WatchdogSec=1", "TimeoutAbortSec=1", "LimitCORE=0")


@step("a listener of --listen comes back under its name")
def _(t):
    port = free_port()
    service = Service(t, "named", [f"listen = web=127.0.0.1:{port}", command("activated.py")])
    service.start()
    inode, main = listeners(port), service.main_pid()
    assert "listener=0" in ask(port)
    procs.kill_and_wait(main)
    assert "listener=0" in ask(port)
    wait_next(service, main)
    assert listeners(port) == inode
    assert procs.environment_of(service.worker())["LISTEN_FDNAMES"] == "web"
    service.wait_message("^took 1 socket back from the service manager$")


@step("what a worker gave to sup to keep comes back as well, until the worker takes it back")
def _(t):
    port = free_port()
    service = Service(t, "keeps", [command("speaks.py", port, "/etc/sup/keeps.lines")])
    say("store state", "listen", "READY=1")
    service.start()
    ask(port)
    wait_until(lambda: stored(service) == 3, "systemd has the list, the listener and the pipe")
    main = service.main_pid()
    procs.kill_and_wait(main)
    wait_next(service, main)
    assert procs.environment_of(service.worker())["LISTEN_FDNAMES"] == "state"
    assert procs.fds_of(service.worker())[3].startswith("pipe:")
    say("FDSTOREREMOVE=1\\nFDNAME=state", "listen", "READY=1")
    procs.kill_and_wait(service.worker())
    ask(port)
    wait_until(lambda: stored(service) == 2, "systemd does not have the pipe any more")


@step("with KillMode=process and --orphan the worker serves on until that of the next sup does")
def _(t):
    port = free_port()
    service = Service(t, "orphan", ["orphan", command("graceful_http.py", port)],
                      "KillMode=process", "Delegate=no")
    service.start()
    inode = listeners(port)
    load = Load(t, port)
    for _ in range(4):
        main, worker = service.main_pid(), service.worker()
        procs.kill_and_wait(main)
        wait_next(service, main)
        service.wait_message(rf"^took over 1 socket of 1 process that sup {main} left behind")
        wait_until(lambda pid=worker: not procs.alive(pid), "the old worker ends")
        assert "200 OK" in ask(port, GET)
        assert listeners(port) == inode
    load.end()


@step("a unix socket comes back, with its name, when sup is killed")
def _(t):
    service = Service(t, "path", [command("unix_path.py", "/run/sup/path/socket")])
    service.start()
    for _ in range(3):
        main = service.main_pid()
        worker = ask_who("/run/sup/path/socket")["pid"]
        procs.kill_and_wait(main)
        assert not is_refused("/run/sup/path/socket")
        wait_next(service, main)
        assert ask_who("/run/sup/path/socket")["pid"] != worker
    service.wait_message("^took 1 socket back from the service manager$")
    service.stop()
    assert not os.path.exists("/run/sup/path/socket")


@step("what the next server does not want is closed, and systemd does not keep it either")
def _(t):
    service, old = http_service(t, "moved")
    new, main = free_port(), service.main_pid()
    service.replace_config([command("graceful_http.py", new)])
    procs.kill_and_wait(main)
    wait_next(service, main)
    assert "200 OK" in ask(new, GET)
    wait_until(lambda: not listeners(old), "the old port is closed", 30)
    wait_until(lambda: stored(service) == 2, "only the new one is stored")


@step("without capture what nobody has named is closed at once")
def _(t):
    port = free_port()
    line = f"command = {PYTHON} -m http.server {port}"
    service = Service(t, "off", [line])
    service.start()
    main = service.main_pid()
    service.replace_config(["capture = off", line])
    procs.kill_and_wait(main)
    wait_next(service, main)
    wait_until(lambda: listeners(port) & socket_inodes(service.worker()), "it has bound by itself")


@step("`systemctl stop` leaves nothing open, and the next start is a fresh one")
def _(t):
    service, port = http_service(t, "stopped")
    inode = listeners(port)
    service.stop()
    assert not listeners(port)
    assert stored(service) == 0
    service.start()
    assert listeners(port) and listeners(port) != inode


@step("after a self-upgrade and reloads it is still the same socket that comes back")
def _(t):
    service, port = http_service(t, "reloaded")
    inode, main = listeners(port), service.main_pid()
    os.kill(main, signal.SIGUSR2)  # it re-executes itself, and still knows what is stored
    service.wait_message("^upgraded to sup ")
    for _ in range(3):
        service.do("reload")
    assert listeners(port) == inode and stored(service) == 2
    begin = time.monotonic()
    procs.kill_and_wait(main)
    wait_next(service, main)
    diag(f"served again after {(time.monotonic() - begin) * 1000:.0f} ms")
    assert listeners(port) == inode


run()
