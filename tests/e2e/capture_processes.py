#!/usr/bin/python3
"""Capture: calls from any thread of any descendant; and what is left to the kernel."""

import re
import resource

import procs
from harness import (PYTHON, Sup, ask_who, free_port, need_bare, run, run_sup, server, step,
                     wait_until, wait_who)


def restarts_on_its_socket(sup, port):
    """The server answers, is killed with all it has, and its successor answers at once."""
    before = wait_who(port)["pid"]
    sup.wait_for_log(rf"holding .*:{port}\b")
    sup.kill_worker()
    wait_until(lambda: not procs.alive(int(before)), "what the worker left behind is gone")
    assert ask_who(port)["pid"] != before


@step("a thread of a grandchild binds")
def _(t):
    port = free_port()
    restarts_on_its_socket(Sup(t, "--", PYTHON, server("thread_binds.py"), port), port)


@step("the server stands behind `sh -c` without exec")
def _(t):
    port = free_port()
    command = f"{PYTHON} {server('simple.py')} {port}; echo ended"
    restarts_on_its_socket(Sup(t, "--", "sh", "-c", command), port)


@step("a child listens on what its parent bound, and it is said who bound it")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("child_listens.py"), port)
    assert wait_who(port)["pid"] != str(sup.worker())
    bound = sup.wait_for_log(rf":{port} .*, bound by (\S+) \(pid (\d+)\)")
    assert int(bound[2]) == sup.worker(), bound[0]


@step("the server stands behind `sh -c`, so that LISTEN_PID is wrong: capture helps")
def _(t):
    port = free_port()
    command = f"{PYTHON} {server('simple.py')} {port}; echo ended"
    Sup(t, "-l", f"127.0.0.1:{port}", "--", "sh", "-c", command)
    wait_who(port)


@step("a socket that is in an epoll set before its bind is left to the kernel, with a warning")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("epoll_first.py"), port)
    wait_who(port)
    second = sup.next_worker(sup.kill_worker())
    sup.wait_for_log("epoll")
    sup.wait_for_log("is listening again")
    assert ask_who(port)["pid"] == str(second)


@step("a server that is shaken by signals while it binds gets its socket each time")
def _(t):
    port = free_port()
    sup = Sup(t, "--restart-limit", "100/60", "--backoff-max", "100ms", "--",
              PYTHON, server("signal_storm.py"), port)
    pids = set()
    for _ in range(10):
        pids.add(wait_who(port)["pid"])
        sup.kill_worker()
    assert len(pids) == 10, pids
    assert not [line for line in sup.err.lines if "Traceback" in line], sup.err.lines


@step("a server that dies while its call is answered does no harm")
def _(t):
    port = free_port()
    command = f"{PYTHON} {server('simple.py')} {port}"
    sup = Sup(t, "--", "sh", "-c", f"{command} & sleep 0.05; kill -9 $!; exec {command}")
    wait_who(port)
    restarts_on_its_socket(sup, port)


@step("20 processes of one worker that bind ports of their own at the same time")
def _(t):
    ports = [free_port() for _ in range(20)]
    command = " ".join(f"{server('simple.py')} {port} &" for port in ports) + " wait"
    sup = Sup(t, "--", "sh", "-c", command)
    for port in ports:
        wait_who(port)
    sup.kill_worker()
    for port in ports:
        ask_who(port)


@step("more sockets than sup may have open files: the servers run, and it says what is lost, once")
def _(t):
    need_bare("valgrind has open files of its own")
    def files(limit):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))

    needed, = run_sup(t, "--", "true", preexec_fn=files(12))[1]
    enough = int(re.search(r"sup needs (\d+)", needed)[1]) + 12
    ports = [free_port() for _ in range(20)]
    command = " ".join(f"{server('simple.py')} {port} &" for port in ports) + " wait"
    sup = Sup(t, "--", "sh", "-c", command, preexec_fn=files(enough))
    for port in ports:
        wait_who(port)
    said = [line for line in sup.said() if "open files" in line]
    assert len(said) == 1, sup.said()
    assert 3 < len([line for line in sup.said() if "holding" in line]) < 20
    held = int(sup.wait_for_log(r"holding .*:(\d+) ")[1])
    sup.kill_worker()
    wait_who(held)


@step("more workers than one of them may have open files: all are captured, and have their limit")
def _(t):
    need_bare("valgrind has open files of its own")
    count, limits = 40, (48, 4096)
    port = free_port()
    sup = Sup(t, "-n", str(count), "--", PYTHON, server("simple.py"), port,
              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, limits))

    def all_share_one():
        pids = procs.children_of(sup.pid)
        sockets = [procs.socket_inodes(pid) for pid in pids]
        return len(pids) == count and all(len(each) == 1 and each == sockets[0] for each in sockets)

    wait_until(all_share_one, "all have the same socket", 30)
    for pid in sup.workers(count)[-2:]:
        procs.kill_and_wait(pid)
    wait_until(all_share_one, "the next ones have it as well", 30)
    for pid in sup.workers(count):
        assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == limits
    assert not [line for line in sup.said() if "capture" in line], sup.said()


run()
