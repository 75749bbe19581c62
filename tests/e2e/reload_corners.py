#!/usr/bin/python3
"""Reloads at bad moments: nothing is left over, and nothing gets stuck."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

import procs
from control import Client
from harness import (PYTHON, Sup, ask_who, is_refused, need_root, run, server, step, wait_until,
                     wait_who, without)
from network import connect, open_connections
from reloads import status, verb
from supervised import sup_binary


def starts(t, *options, start_up="0.3"):
    need_root("the network of the story is its own")
    sup = Sup(t, "--control", t.path("control"), *options, "--", PYTHON, server("slow_start.py"),
              8001, start_up)
    wait_who(8001)
    return sup


def ends_clean(sup):
    """TERM, and nothing is left."""
    sup.send(signal.SIGTERM)
    is_gone(sup)


def is_gone(sup):
    """sup has stopped, and nothing is left."""
    assert sup.wait(20) == 0
    assert not procs.descendants_of(os.getpid()), procs.descendants_of(os.getpid())
    assert is_refused(8001)


def settles(t, sup):
    """One worker of one generation serves, and nothing else is there."""
    wait_until(lambda: [each["role"] for each in status(t)["workers"]] == ["active"] and
               status(t)["state"] == "ready", "one worker serves", 30)
    assert len(procs.children_of(sup.pid)) == 1
    assert ask_who(8001)["pid"] == str(sup.worker())


@step("HUP ten times in 50 ms: merged, done, and one worker is left")
def _(t):
    sup = starts(t)
    first = sup.worker()
    for _ in range(10):
        sup.send(signal.SIGHUP)
        time.sleep(0.005)
    sup.wait_for_log("reloaded")
    settles(t, sup)
    assert 2 <= status(t)["generation"] <= 4, status(t)
    assert sup.worker() != first
    ends_clean(sup)


@step("eight commands at the same time: each gets its result")
def _(t):
    sup = starts(t)
    results = []
    threads = [threading.Thread(target=lambda: results.append(verb(t, "reload"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [code for code, _ in results] == [0] * 8, results
    settles(t, sup)
    ends_clean(sup)


@step("different commands wait for their turn: the last one is what runs in the end")
def _(t):
    sup = starts(t)
    with Client(t.path("control"), 60) as client:  # one, since the order of several is anybody's
        for n in range(1, 4):
            client.request("reload", n,
                           command=[PYTHON, server("slow_start.py"), "8001", f"0.{n}"])
        finals = []
        while len(finals) < 3:
            answer = client.answer()
            if "ok" in answer:
                finals.append((answer["id"], answer["ok"]))
    assert finals == [(1, True), (2, True), (3, True)], finals
    assert status(t)["command"][-1] == "0.3" and status(t)["generation"] == 4, status(t)
    ends_clean(sup)


@step("HUP during a crash back-off")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "--control", t.path("control"), "--ready=listen", "-l", "127.0.0.1:8001", "--",
              PYTHON, server("fails_until.py"), 8001, t.path("go"))
    sup.wait_for_log("failure 5 in a row", 20)
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reload failed", 20)
    t.write("go", "")
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reloaded", 20)
    settles(t, sup)
    ends_clean(sup)


@step("HUP while a standby is starting")
def _(t):
    sup = starts(t, "--standby", start_up="0.5")
    wait_until(lambda: "standby" in [each["role"] for each in status(t)["workers"]],
               "a standby starts", 20)
    sup.send(signal.SIGHUP)
    sup.wait_for_log("reloaded", 20)
    wait_until(lambda: sorted(each["state"] for each in status(t)["workers"]) ==
               ["parked", "ready"], "one serves, one stands by", 30)
    ends_clean(sup)


def term_at(t, regexp, *options, reload=(), start_up="0.5"):
    """A reload, and TERM as soon as the log says something."""
    sup = starts(t, *options, start_up=start_up)
    before = sup.mark()
    command = subprocess.Popen([sup_binary(), "reload", "--control", t.path("control"), *reload],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    t.defer(command.kill)
    sup.wait_for_log(regexp, 20, since=before)
    sup.send(signal.SIGTERM)
    said = command.communicate(timeout=60)[0].decode()
    assert command.returncode in (0, 1, 3), (command.returncode, said)
    if command.returncode:
        assert re.search("stopped|hung up|not running|ended|exited", said), said
    is_gone(sup)


@step("TERM while the new worker starts")
def _(t):
    term_at(t, "reloading")


@step("TERM while the new generation starts with sockets of its own")
def _(t):
    term_at(t, "reloading", "--drain=connections")


@step("TERM while it is on trial")
def _(t):
    term_at(t, "on trial", reload=("--bake", "30s", "--check", "sleep 1000"))


@step("TERM while the old one is being retired")
def _(t):
    term_at(t, "serves; generation 1", "--drain=connections")


@step("TERM while a new one that is no good is being removed")
def _(t):
    term_at(t, "exited with status 3", reload=("--", "sh", "-c", "exit 3"))


@step("TERM in a serial reload, between old and new")
def _(t):
    term_at(t, "was killed by signal 15", "--reload=serial")


@step("--reload=serial: the old one is gone before the new one starts, clients wait")
def _(t):
    sup = starts(t, "--reload=serial")
    before = sup.worker()
    seen = []
    done = threading.Event()

    def watch():
        while not done.wait(0.002):
            seen.append(tuple(procs.children_of(sup.pid)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        code, said = verb(t, "reload")
    finally:
        done.set()
        thread.join()
    assert code == 0, said
    assert before != sup.worker() == int(ask_who(8001)["pid"])
    assert seen and not any(len(pids) > 1 for pids in seen), "they ran side by side"
    ends_clean(sup)


@step("--reload=serial to a version that exits: the old command comes back, the command says why")
def _(t):
    sup = starts(t, "--reload=serial")
    code, said = verb(t, "reload", "--", "sh", "-c", "exit 3")
    assert code == 1 and "status 3" in said.splitlines()[-1], (code, said)
    settles(t, sup)
    ends_clean(sup)


@step("--max-old: a third generation waits until one of two that are served out is gone")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "--control", t.path("control"), "--drain=connections", "--drain-idle", "60s", "--",
              PYTHON, "-m", "http.server", "--directory", t.dir, "--bind", "127.0.0.1", 8001)
    wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
    clients = []
    for generation in (1, 2):
        clients.append(connect(8001))
        wait_until(lambda: open_connections(8001) & procs.socket_inodes(newest(t)),
                   "the connection is accepted")
        sup.send(signal.SIGHUP)
        sup.wait_for_log(f"generation {generation + 1} serves", 20)
    sup.send(signal.SIGHUP)
    sup.wait_for_log("2 old generations are still there")
    assert status(t)["generation"] == 3
    clients[0].close()
    sup.wait_for_log("generation 4 serves", 20)
    clients[1].close()
    settles_after_drain(t)
    ends_clean(sup)


def newest(t):
    return max(status(t)["workers"], key=lambda each: each["generation"])["pid"]


def settles_after_drain(t):
    wait_until(lambda: [each["generation"] for each in status(t)["workers"]] == [4],
               "the old generations are gone", 30)


def measured(t):
    """What became of the old connections in the last reload: (finished, cut)."""
    last = status(t)["last_reload"]
    return last["finished"], last["cut"]


def counts_cut(t, n_clients, *options):
    need_root("the network of the story is its own")
    with open(t.path("big"), "wb") as file:
        file.truncate(200 << 20)
    sup = Sup(t, "--control", t.path("control"), *options, "--", PYTHON, "-m", "http.server",
              "--directory", t.dir, "--bind", "127.0.0.1", 8001)
    wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
    seen = []
    for _ in range(8):
        clients = [connect(8001) for _ in range(n_clients)]
        for client in clients:
            client.sendall(b"GET /big HTTP/1.0\r\n\r\n")
            assert client.recv(1000)
        assert verb(t, "reload")[0] == 0
        seen.append(measured(t))
        for client in clients:
            client.close()
    assert seen == [(0, n_clients)] * 8, seen
    ends_clean(sup)


@step("a download that is cut at the stop signal is counted as cut, in each of 8 reloads")
def _(t):
    counts_cut(t, 1)


@step("so it is with several workers, which get it one after the other")
def _(t):
    counts_cut(t, 4, "-n", "2")


@step("and where the old one is stopped before the new one starts")
def _(t):
    counts_cut(t, 1, "--reload=serial")


@step("those that several workers finish after it are counted as finished")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "--control", t.path("control"), "-n", "2", "--", PYTHON,
              server("graceful_http.py"), 8001)
    wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
    clients = [connect(8001) for _ in range(4)]
    for client in clients:
        t.defer(client.close)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert client.recv(1000)
    assert verb(t, "reload")[0] == 0
    assert measured(t) == (4, 0), measured(t)
    ends_clean(sup)


@step("where connections cannot be seen, an old generation ends with --drain-timeout")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "--drain=connections", "--drain-timeout", "2s", "--", PYTHON,
              server("keeps_open.py"), 8001,
              prefix=without(f"socket/{socket.AF_NETLINK.value}=EAFNOSUPPORT"))
    wait_until(lambda: not is_refused(8001), "it listens")
    old = sup.worker()
    client = connect(8001)
    t.defer(client.close)
    assert client.recv(100) == f"pid={old}\n".encode()
    begin = time.monotonic()
    sup.send(signal.SIGHUP)
    sup.wait_for_log("generation 2 serves", 20)
    wait_until(lambda: not procs.alive(old), "the old worker has ended", 20)
    assert time.monotonic() - begin > 2
    assert client.recv(100) == b""
    with connect(8001) as client:
        assert client.recv(100) == f"pid={sup.worker()}\n".encode()
    ends_clean(sup)


run()
