#!/usr/bin/python3
"""What a worker is handed: listeners from 3 on, and the variables that name them."""

import os
import socket

import procs
from harness import (PYTHON, Sup, ask_who, connect, free_port, need, read_all, run, server,
                     step, wait_answer, wait_until, wait_who)
from under_load import nginx

STALE = {"LISTEN_FDS": 7, "LISTEN_PID": 1, "LISTEN_FDNAMES": "x", "LISTEN_PIDFDID": 1,
         "SERVER_STARTER_PORT": "1=3", "SERVER_STARTER_GENERATION": 9, "EINHORN_FD_COUNT": 7,
         "EINHORN_FD_0": 11, "EINHORN_FD_6": 12, "EINHORN_MASTER_PID": 1, "EINHORN_CHILD_INDEX": 9,
         "SUP_NAME": "stale", "SUP_WORKER": 9, "SUP_GENERATION": 9, "NGINX": "9;",
         "UNICORN_FD": "9"}


def environment(t, *args, **popen):
    """Starts sup with a worker that only sleeps; (pid, its environment)."""
    sup = Sup(t, *args, "--", "/bin/sleep", "1000", **popen)
    pid = sup.sleeping_worker()
    return sup, pid, procs.environment_of(pid)


@step("LISTEN_*, SERVER_STARTER_*, EINHORN_* and SUP_* name the listeners in the order of -l")
def _(t):
    port = free_port()
    path = t.path("socket")
    sup, pid, env = environment(t, "--name", "shop", "-l", f"web=127.0.0.1:{port}", "-l", path)
    expected = {"LISTEN_FDS": "2", "LISTEN_PID": str(pid), "LISTEN_FDNAMES": "web:socket",
                "SERVER_STARTER_PORT": f"127.0.0.1:{port}=3;{path}=4", "EINHORN_FD_COUNT": "2",
                "EINHORN_FD_0": "3", "EINHORN_FD_1": "4", "EINHORN_MASTER_PID": str(sup.pid),
                "SUP_NAME": "shop", "SUP_WORKER": "1"}
    seen = {name: env.get(name) for name in expected}
    assert seen == expected, seen
    assert sorted(procs.fds_of(pid)) == [0, 1, 2, 3, 4]


@step("inherited copies of all these variables are removed first, others stay")
def _(t):
    _, _, env = environment(t, env={**STALE, "KEPT": "yes"})
    stale = {name for name, value in STALE.items() if env.get(name) == str(value)}
    assert not stale, stale
    assert env["KEPT"] == "yes"


@step("--env cannot set them either: each is there once, as sup has it; others are as --env says")
def _(t):
    port = free_port()
    sup = Sup(t, "--env", "LISTEN_FDS=7", "--env", "SUP_NAME=x", "--env", "NGINX=mine", "--env",
              "KEPT=1", "--env", "KEPT=2", "-l", f"127.0.0.1:{port}", "--", "/bin/sleep", "1000",
              env={"KEPT": "0"})
    with open(f"/proc/{sup.sleeping_worker()}/environ", encoding="utf-8") as file:
        seen = sorted(word for word in file.read().split("\0")
                      if word.startswith(("LISTEN_FDS=", "SUP_NAME=", "NGINX=", "KEPT=")))
    assert seen == ["KEPT=2", "LISTEN_FDS=1", "NGINX=mine", "SUP_NAME=sleep"], seen


@step("the number of the worker, and the generation, are counted")
def _(t):
    port = free_port()
    sup = Sup(t, "-n", "2", "-l", f"127.0.0.1:{port}", "--", PYTHON, server("activated.py"))
    wait_who(port)
    wait_until(lambda: {procs.environment_of(pid).get("SUP_WORKER") for pid in sup.workers(2)} ==
               {"1", "2"}, "both run their program and know their number")


@step("--no-listen-pid leaves LISTEN_PID out, so that `sh -c` may stand between")
def _(t):
    port = free_port()
    Sup(t, "--no-listen-pid", "-l", f"127.0.0.1:{port}", "--", "sh", "-c",
        f"{PYTHON} {server('activated.py')}; echo ended")
    wait_who(port)


@step("--compat: each form as its reader wants it")
def _(t):
    port = free_port()
    path = t.path("socket")
    compat = [f"--compat={name}" for name in ("nginx", "unicorn", "puma", "php-fpm", "upstart")]
    _, _, env = environment(t, *compat, "-l", f"127.0.0.1:{port}", "-l", path)
    assert env.get("NGINX") == "3;4;", env.get("NGINX")
    assert env.get("UNICORN_FD") == "3,4", env.get("UNICORN_FD")
    assert env.get("PUMA_INHERIT_0") == f"3:tcp://127.0.0.1:{port}", env.get("PUMA_INHERIT_0")
    assert env.get("PUMA_INHERIT_1") == f"4:unix://{path}", env.get("PUMA_INHERIT_1")
    assert env.get("FPM_SOCKETS") == f"127.0.0.1:{port}=3,{path}=4", env.get("FPM_SOCKETS")
    assert env.get("UPSTART_FDS") == "3 4", env.get("UPSTART_FDS")
    assert env.get("UPSTART_EVENTS") == "socket", env.get("UPSTART_EVENTS")


@step("--compat=crank: NOTIFY_FD is a descriptor of the worker")
def _(t):
    _, pid, env = environment(t, "--compat=crank", "-l", f"127.0.0.1:{free_port()}")
    assert int(env["NOTIFY_FD"]) in procs.fds_of(pid)


@step("--compat=nginx: nginx itself takes the listener and does not bind")
def _(t):
    port = free_port()
    need("nginx")
    Sup(t, "--capture=off", "--compat=nginx", "-l", f"0.0.0.0:{port}", *nginx(t, port))
    answer = wait_answer(port, b"GET / HTTP/1.0\r\n\r\n")
    assert "hello from nginx" in answer, answer


@step("{fd:NAME} in the command is the number of the listener")
def _(t):
    ports = free_port(), free_port()
    sup = Sup(t, "-l", f"first=127.0.0.1:{ports[0]}", "-l", f"second=127.0.0.1:{ports[1]}",
              "--restart=never", "--", "echo", "{fd:second}", "--fd={fd:first}", "{fd}", "{}")
    assert sup.wait() == 0
    assert sup.out.until_end() == ["4 --fd=3 {fd} {}"], sup.out.lines


@step("--stdin=NAME: the listener is descriptor 0")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"web=127.0.0.1:{port}", "--stdin=web", "--", PYTHON, "-c",
              "import socket; s = socket.socket(fileno=0)\n"
              "while True: c, _ = s.accept(); c.sendall(b'from stdin'); c.close()")
    sup.wait_for_log("listening on")
    with connect(port) as client:
        assert read_all(client) == "from stdin"


@step("fd:N: a listener that sup itself was handed")
def _(t):
    with socket.create_server(("127.0.0.1", free_port())) as listener:
        port = listener.getsockname()[1]
        fd = listener.fileno()
        sup = Sup(t, "-l", f"fd:{fd}", "--", PYTHON, server("activated.py"), pass_fds=[fd])
        assert wait_who(port)["pid"] == str(sup.kill_worker())
        ask_who(port)


@step("fd:N that is bound and does not listen yet: it does from now on; a connection is refused")
def _(t):
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", free_port()))
        fd = bound.fileno()
        sup = Sup(t, "-l", f"fd:{fd}", "--", PYTHON, server("activated.py"), pass_fds=[fd])
        assert wait_who(bound.getsockname()[1])["pid"] == str(sup.worker())
    here, there = socket.socketpair()
    with here, there:
        fd = here.fileno()
        sup = Sup(t, "-l", f"fd:{fd}", "--", "touch", t.path("started"), pass_fds=[fd])
        assert sup.wait() == 1
        assert f"descriptor {fd}" in sup.err.until_end()[0], sup.err.lines
        assert not os.path.exists(t.path("started"))


@step("a listener is blocking for a new worker, unless another one lives that wants it otherwise")
def _(t):
    program = ("import fcntl, os, socket, time; s = socket.socket(fileno=3)\n"
               "print(bool(fcntl.fcntl(3, fcntl.F_GETFL) & os.O_NONBLOCK), flush=True)\n"
               "s.setblocking(False); time.sleep(1000)")
    sup = Sup(t, "-l", f"127.0.0.1:{free_port()}", "--", PYTHON, "-c", program)
    sup.out.wait_for("False")
    sup.kill_worker()
    wait_until(lambda: sup.out.lines == ["False", "False"], "the next one has a blocking listener")
    sup = Sup(t, "-n", "2", "-l", f"127.0.0.1:{free_port()}", "--", PYTHON, "-c", program)
    wait_until(lambda: len(sup.out.lines) == 2, "both have started")
    procs.kill_and_wait(sup.workers(2)[0])
    wait_until(lambda: sup.out.lines[2:] == ["True"], "the flag was not touched under the other")


@step("an activated server has all kinds of stream listeners: IPv4, IPv6, unix and abstract")
def _(t):
    port = free_port()
    abstract = f"@sup-e2e-{os.getpid()}-{port}"
    listens = [f"127.0.0.1:{port}", f"[::1]:{port}", t.path("socket"), abstract]
    Sup(t, *[word for listen in listens for word in ("-l", listen)], "--",
        PYTHON, server("activated.py"))
    addresses = [port, ("::1", port), t.path("socket"), abstract]
    seen = [wait_who(address)["listener"] for address in addresses]
    assert seen == ["0", "1", "2", "3"], seen


@step("./PATH is a path in the directory that sup was started in, and is called by its full name")
def _(t):
    sup = Sup(t, "-l", "./socket", "-l", ".//./other", "--", PYTHON, server("activated.py"),
              cwd=t.dir)
    sup.wait_for_log(rf"listening on {t.path('socket')} ")
    sup.wait_for_log(rf"listening on {t.path('other')} ")
    assert wait_who(t.path("socket"))["pid"] == str(sup.worker())


@step("seqpacket and datagram unix sockets are handed over as what they are")
def _(t):
    paths = [t.path("seqpacket"), t.path("dgram")]
    sup, pid, env = environment(t, "-l", f"seqpacket:{paths[0]}", "-l", f"dgram:{paths[1]}")
    assert env["LISTEN_FDS"] == "2"
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.connect(paths[0])
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(paths[1])
        client.send(b"kept")
    assert sup.worker() == pid


run()
