#!/usr/bin/python3
"""Capture: off, require, and doing without when a container or a kernel forbids it."""

import os
import re
import shutil
import socket

import procs
from harness import (NOBODY, PYTHON, Sup, ask_who, free_port, is_refused, need_root, run, server,
                     step, sup_binary, wait_until, wait_who, without)


def said_of_capture(sup):
    return [line for line in sup.said() if re.search(r"captur|filter|pidfd_getfd|PTRACE|looked into", line)]


@step("--capture=off: no filter is installed, and the port closes with the server")
def _(t):
    port = free_port()
    sup = Sup(t, "--capture=off", "--restart=never", "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    assert procs.status_field(sup.worker(), "Seccomp") == "0"
    assert not [line for line in sup.said() if "holding" in line], sup.said()
    sup.kill_worker()
    wait_until(lambda: is_refused(port), "the port is closed")


@step("--capture=off with -l: the listener is handed over, a bind of the server's own fails")
def _(t):
    port = free_port()
    sup = Sup(t, "--capture=off", "-l", f"127.0.0.1:{port}", "--",
              PYTHON, server("simple.py"), port)
    sup.wait_for_log("Address already in use")


@step("--capture=require: works where it can, as root and as an ordinary user")
def _(t):
    for user in (False, True):
        port = free_port()
        sup = Sup(t, "--capture=require", "--", PYTHON, server("simple.py"), port, user=user)
        wait_who(port)
        assert procs.status_field(sup.worker(), "Seccomp") == "2"
        sup.kill_worker()
        ask_who(port)


@step("a sup under another one: the inner one cannot capture, says so once, and the server runs")
def _(t):
    port = free_port()
    sup = Sup(t, "--", sup_binary(), "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    assert len(said_of_capture(sup)) == 1, sup.said()


@step("on a kernel that cannot hand descriptors over nothing is held, with a word; the server runs")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("reuses_address.py"), port, prefix=without("ioctl//1075323139"))
    pid = wait_who(port)["pid"]
    assert len(said_of_capture(sup)) == 1, sup.said()
    assert not [line for line in sup.said() if "holding" in line], sup.said()
    procs.kill_and_wait(int(pid))
    assert wait_who(port)["pid"] != pid


@step("without pidfd_getfd, as in docker: it says what was lost and what helps, the server runs")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("simple.py"), port, prefix=without("pidfd_getfd=EPERM"))
    wait_who(port)
    said = said_of_capture(sup)
    assert len(said) == 1, sup.said()
    assert "SYS_PTRACE" in said[0] or "-l" in said[0], said


@step("without pidfd_getfd, a listener named with -l is still handed to a server that binds")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("simple.py"), port,
              prefix=without("pidfd_getfd=EPERM"))
    assert wait_who(port)["pid"] == str(sup.kill_worker())
    ask_who(port)


@step("without pidfd_getfd, a UDP socket is not taken for the TCP listener that was named")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("two_protocols.py"), port,
              prefix=without("pidfd_getfd=EPERM"))
    pid = wait_who(port)["pid"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(10)
        client.sendto(b"", ("127.0.0.1", port))
        assert client.recv(100).decode() == pid == str(sup.worker())


@step("a server that nobody may look into runs under an ordinary user's sup, which says what is lost")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("hides.py"), port, user=True)
    assert wait_who(port)["pid"] == str(sup.worker())
    said = said_of_capture(sup)
    assert len(said) == 1 and "undumpable" in said[0], sup.said()


@step("root's sup captures that of a server that has become another user, or hides")
def _(t):
    need_root("a change of user")
    for arguments in (["becomes_user.py", NOBODY], ["hides.py"]):
        port = free_port()
        name, *options = arguments
        sup = Sup(t, "--", PYTHON, server(name), *options, port)
        assert wait_who(port)["pid"] == str(sup.kill_worker())
        ask_who(port)
        assert not said_of_capture(sup), sup.said()


@step("root's sup lends a server no right: a port that it may not bind stays refused")
def _(t):
    need_root("another user")
    for _ in range(2):
        sup = Sup(t, "--user", "nobody", "--", PYTHON, server("simple.py"), 81)
        sup.wait_for_log("Permission denied")
        sup.stop()
    sup = Sup(t, "--user", "nobody", "-l", "127.0.0.1:82", "--", PYTHON, server("simple.py"), 82)
    assert wait_who(82)["pid"] == str(sup.worker()), "what -l names may be handed to anybody"


@step("a set-user-ID program keeps its rights under an ordinary user's sup, which says what is lost")
def _(t):
    need_root("a program with other rights")
    program = t.path("id")
    shutil.copy("/usr/bin/id", program)
    os.chmod(program, 0o4755)
    for options, uid, n_said in ((["--capture=auto"], 0, 1), (["--capture=off"], 0, 0)):
        sup = Sup(t, *options, "--restart=never", "--", program, "-u", user=True)
        assert sup.wait() == 0
        assert sup.out.until_end() == [str(uid)], sup.out.lines
        assert len(said_of_capture(sup)) == n_said, sup.said()


@step("without clone3 and pidfd_open, as on old kernels: it starts and restarts")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", f"127.0.0.1:{port}", "--", PYTHON, server("activated.py"),
              prefix=without("clone3,pidfd_open"))
    assert wait_who(port)["pid"] == str(sup.kill_worker())
    ask_who(port)


@step("without close_range, as in an old sandbox: what it binds is held all the same, silently")
def _(t):
    for error in "ENOSYS", "EPERM":
        port = free_port()
        sup = Sup(t, "--", PYTHON, server("simple.py"), port, prefix=without(f"close_range={error}"))
        for _ in range(3):
            assert wait_who(port)["pid"] == str(sup.kill_worker())
        assert not said_of_capture(sup), sup.said()
        assert wait_who(port)["pid"] == str(sup.worker())
        assert sup.stop() == 0


run()
