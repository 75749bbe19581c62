#!/usr/bin/python3
"""The real `sup` under a crowd on its control socket: its server is looked after as ever."""

import json
import os
import random
import resource
import socket

import procs
from control import Client, fds_at_rest, many_files, request, verb
from harness import (PATIENCE, PYTHON, Sup, ask_who, free_port, need_root, run, server, step,
                     wait_until, wait_who)


def supervised(t, *options, **popen):
    """sup with a server and a control socket; (sup, port, path)."""
    port, path = free_port(), t.path("shop.sock")
    sup = Sup(t, "--control", path, *options, "-l", str(port), "--", PYTHON,
              server("activated.py"), **popen)
    wait_who(port)
    wait_until(lambda: os.path.exists(path), "the control socket is there")
    return sup, port, path


def rests(sup, n_fds):
    wait_until(lambda: len(procs.fds_of(sup.pid)) == n_fds, f"sup has {n_fds} files open")


def survives_a_kill(sup, port):
    """The worker is killed, and the next one answers."""
    old = sup.kill_worker()
    assert int(ask_who(port)["pid"]) == sup.next_worker(old)


@step("1000 idle and half-spoken connections: a killed worker is replaced, a reload goes well")
def _(t):
    many_files()
    sup, port, path = supervised(t, preexec_fn=many_files)
    survives_a_kill(sup, port)
    n_fds = fds_at_rest(sup.pid, path)
    clients = [Client(path) for _ in range(1000)]
    for client in clients[:500]:
        client.send(request("stop")[:30])
    rests(sup, n_fds + 1000)
    survives_a_kill(sup, port)
    verb(t, "reload", "--control", path)
    assert clients[999].ask("ready") == {"ready": True}
    for client in clients:
        client.close()
    rests(sup, n_fds)
    assert sup.stop() == 0


@step("more connections than there may be open files: there is room for workers all the same")
def _(t):
    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))

    many_files()
    sup, port, path = supervised(t, preexec_fn=few_files)
    clients = [Client(path) for _ in range(600)]
    survives_a_kill(sup, port)
    verb(t, "scale", "+3", "--control", path)
    sup.workers(4)
    verb(t, "reload", "--control", path)
    out, _ = verb(t, "status", "--json", "--control", path)
    assert len([worker for worker in json.loads(out)["workers"]
                if worker["role"] == "active"]) == 4, out
    for client in clients:
        client.close()
    assert sup.stop() == 0


@step("20000 lines of nonsense: every one is refused, and the server notices nothing")
def _(t):
    dice = random.Random(7)
    sup, port, path = supervised(t)
    worker, n_fds, mark = sup.worker(), fds_at_rest(sup.pid, path), sup.mark()
    whole = [request(name, 1, **arguments)[:-1] for name, arguments in (
        ("scale", {"workers": 4}), ("signal", {"signal": "KILL"}), ("restart", {"worker": 1}),
        ("reload", {"command": ["false"]}), ("status", {}), ("stop", {}))]
    for _ in range(200):
        with Client(path) as client:
            lines = []
            for _ in range(100):
                line = bytearray(dice.choice(whole))
                line[dice.randrange(len(line))] = dice.choice(b"\x00\x01{}[]\"\\\xff\x80")
                lines.append(bytes(line) + b"]\n")
            client.send(b"".join(lines))
            client.socket.shutdown(socket.SHUT_WR)
            answers = [json.loads(line) for line in client.file]
            assert len(answers) == 100, len(answers)
            assert all(answer["ok"] is False for answer in answers)
    rests(sup, n_fds)
    assert sup.worker() == worker and ask_who(port)["pid"] == str(worker)
    assert sup.mark() == mark, sup.err.lines
    assert sup.stop() == 0


@step("clients that go while what they asked for is under way leave nothing behind")
def _(t):
    sup, port, path = supervised(t)
    verb(t, "reload", "--control", path)
    n_fds = fds_at_rest(sup.pid, path)
    for name, arguments in (("reload", {}), ("restart", {}), ("restart", {"worker": 1}),
                            ("drain", {"worker": 1}), ("scale", {"workers": 1})):
        with Client(path) as client:
            client.request(name, 1, **arguments)
        ask_who(port)
        with Client(path) as client:
            wait_until(lambda c=client: is_quiet(c.ask("status")), "it is done")
    rests(sup, n_fds)
    assert sup.stop() == 0


def is_quiet(status):
    return status["state"] == "ready" and \
        [worker["state"] for worker in status["workers"]] == ["ready"]


@step("a user who is neither root nor its own is refused; a status is for the user's eyes only")
def _(t):
    need_root("speaks as another user")
    sup, _, path = supervised(t)
    _, err = verb(t, "status", "--control", path, user=True, status=1)
    assert "another user" in err, err
    os.chmod(path, 0o666)
    _, err = verb(t, "stop", "--control", path, user=True, status=1)
    assert "root" in err, err
    assert sup.process.poll() is None


@step("a hundred status requests a second cost sup next to nothing")
def _(t):
    sup, _, path = supervised(t)
    tick = os.sysconf("SC_CLK_TCK")

    def cpu():
        with open(f"/proc/{sup.pid}/stat", encoding="ascii") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / tick

    before = cpu()
    with Client(path) as client:
        for _ in range(1000):
            client.ask("status")
    used = cpu() - before
    assert used < 1 * PATIENCE, f"{used} s of processor time for 1000 of them"


run()
