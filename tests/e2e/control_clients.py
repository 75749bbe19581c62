#!/usr/bin/python3
"""Clients that are slow, half-spoken, idle, foreign, too many or gone: the others are served on."""

import os
import socket
import subprocess
import time

from control import Client, Host, many_files, request, serves, wait_for_fds
from harness import NOBODY, PATIENCE, PYTHON, need, need_root, run, step, wait_until

FOREIGN = """
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.settimeout(30)
s.connect(sys.argv[1])
try:
    s.sendall(b'{"version":1,"verb":"stop"}\\n')
except BrokenPipeError:
    pass  # already told, and closed
while data := s.recv(65536):
    sys.stdout.write(data.decode())
"""


def slowest_answer(host, times=20):
    """The longest time, in seconds, that one of several requests takes, each on its own connection."""
    slowest = 0
    for _ in range(times):
        begin = time.monotonic()
        serves(host)
        slowest = max(slowest, time.monotonic() - begin)
    return slowest


def does_not_spin(host):
    """A host that waits for timers of 20 ms, hundreds of them, uses next to no processor time."""
    with host.client() as client:
        before = host.cpu()
        for _ in range(5):
            client.request("reload", 1)
            while "ok" not in client.answer():
                pass
        used = host.cpu() - before
    assert used < 0.3, f"{used} s of processor time for 0.7 s of waiting"


@step("1000 idle connections: the next one is served as quickly as ever, and nothing spins")
def _(t):
    many_files()
    host = Host(t)
    before = host.n_fds()
    idle = [host.client() for _ in range(1000)]
    wait_for_fds(host, before + 1000)
    assert slowest_answer(host) < 0.5 * PATIENCE
    does_not_spin(host)
    for client in idle[::100]:
        assert client.ask("status")["name"] == "fake"
    for client in idle:
        client.close()
    wait_for_fds(host, before)
    host.end()


@step("1000 half lines are no burden either, and are requests when the rest has come")
def _(t):
    many_files()
    host = Host(t)
    before = host.n_fds()
    half, rest = request("status", 1)[:20], request("status", 1)[20:]
    clients = [host.client() for _ in range(1000)]
    for client in clients:
        client.send(half)
    assert slowest_answer(host) < 0.5 * PATIENCE
    does_not_spin(host)
    for client in clients[:500]:
        client.send(rest)
        assert client.answer()["ok"] is True
    for client in clients:
        client.close()
    wait_for_fds(host, before)
    host.end()


@step("more than 1024 connections: the one that was silent longest goes, the newest is served")
def _(t):
    many_files()
    host = Host(t)
    before = host.n_fds()
    idle = [host.client() for _ in range(1024)]
    wait_for_fds(host, before + 1024)
    idle[0].ask("status")
    serves(host)
    assert idle[1].at_end(), "the one that was silent longest is still there"
    idle[0].ask("status")
    idle[2].ask("status")
    for client in idle:
        client.close()
    wait_for_fds(host, before)


@step("few files may be open: idle connections make room, and busy ones make the others wait")
def _(t):
    host = Host(t, limit=40)
    before = host.n_fds()
    clients = [host.client() for _ in range(100)]
    serves(host)
    assert clients[0].at_end()
    for client in clients:
        client.close()
    wait_for_fds(host, before)
    busy = []
    for number in range(50):
        busy.append(host.client())
        busy[-1].request("reload", number, command=["never"])
    wait_until(lambda: host.n_fds() >= 30, "as many are served as there is room for")
    does_not_spin_while_full(host)
    assert host.n_fds() <= 31, "a quarter of the files is for others"
    for client in busy[:40]:
        client.close()
    serves(host)
    for client in busy[40:]:
        client.close()
    wait_for_fds(host, before)
    host.end()


def does_not_spin_while_full(host):
    """Accepting is paused: the time that passes is that of a pipe that nobody writes to."""
    before = host.cpu()
    with socket.socket(socket.AF_UNIX) as other:
        other.settimeout(1)
        other.connect(host.path)
        try:
            other.recv(1)
            raise AssertionError("it was served")
        except TimeoutError:
            pass
    assert host.cpu() - before < 0.2


@step("a client that does not read its reports is closed at a megabyte; the others notice nothing")
def _(t):
    host = Host(t)
    before = host.n_fds()
    with host.client() as slow:
        slow.request("reload", 1, command=["flood", "100000"])
        serves(host)
        wait_for_fds(host, before)
        received = sum(map(len, iter(lambda: slow.socket.recv(1 << 16), b"")))
        assert received < 2 << 20, received
    host.end()


@step("a client that asks without end, and never reads, is not read from any more")
def _(t):
    host = Host(t)
    with host.client() as client:
        client.socket.setblocking(False)
        sent = 0
        try:
            while sent < 50 << 20:
                sent += client.socket.send(request("status", sent) * 100)
        except BlockingIOError:
            pass
        wait_until(lambda: len(host.asked()) > 20, "it asks")
        serves(host)
        does_not_spin(host)
        assert sent < 5 << 20, f"{sent} bytes were taken in"
    host.end()


@step("clients that hammer it share it with the one who wants to know something")
def _(t):
    host = Host(t)
    loads = [subprocess.Popen(
        [PYTHON, "-c", "import socket, sys\ns = socket.socket(socket.AF_UNIX)\n"
         "s.connect(sys.argv[1])\nprint(flush=True)\n"
         "while True: s.sendall(b'{\"version\":1,\"verb\":\"ready\"}\\n' * 64); s.recv(1 << 16)",
         host.path], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(4)]
    for load in loads:
        load.stdout.read(1)
    slowest = slowest_answer(host)
    for load in loads:
        load.kill()
        load.wait()
    assert slowest < 2 * PATIENCE, f"an answer took {slowest:.2f} s"
    host.end()


@step("a client that goes in the middle: its request is carried out, unheard")
def _(t):
    host = Host(t)
    before = host.n_fds()
    for _ in range(20):
        client = host.client()
        client.request("reload", 1)
        client.answer()
        client.close()
    host.out.wait_for("unheard")
    wait_for_fds(host, before)
    with host.client() as client:
        client.send(b'{"version":1,"verb":"re')
    wait_until(lambda: host.out.lines.count("unheard ") == 20, "all were carried out")
    wait_for_fds(host, before)
    serves(host)
    host.end()


@step("a client that sends its request and goes at once is heard all the same")
def _(t):
    host = Host(t)
    before = host.n_fds()
    with host.client() as client:
        client.send(b"".join(request("scale", n, workers=n + 1) for n in range(30)))
    wait_until(lambda: len(host.asked()) == 30, "all thirty are carried out")
    wait_for_fds(host, before)
    host.end()


@step("500 clients that come and go, some with a word and some without, leave nothing open")
def _(t):
    host = Host(t)
    before = host.n_fds()
    words = (b"", b"x", b"\n", request("status"), request("status")[:-1], b"x" * 70000,
             request("reload", command=["long", "300000"]))
    for number in range(500):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(host.path)
            client.setblocking(False)
            try:
                client.send(words[number % len(words)])
            except BlockingIOError:
                pass
    wait_for_fds(host, before)
    serves(host)
    host.end()


@step("a foreign user is told so in one line, and not heard; the mode of the socket is 0600")
def _(t):
    need_root("speaks as another user")
    setpriv = need("setpriv")
    host = Host(t)
    foreign = [setpriv, f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", PYTHON,
               "-c", FOREIGN, host.path]
    assert os.stat(host.path).st_mode & 0o777 == 0o600
    done = subprocess.run(foreign, capture_output=True, check=False, timeout=30 * PATIENCE)
    assert b"Permission denied" in done.stderr, done.stderr
    os.chmod(host.path, 0o666)
    before = host.n_fds()
    done = subprocess.run(foreign, capture_output=True, check=False, timeout=30 * PATIENCE)
    lines = done.stdout.decode().splitlines()
    assert len(lines) == 1 and '"ok":false' in lines[0] and "root" in lines[0], done
    host.was_asked_nothing()
    wait_for_fds(host, before)
    host.end()


@step("root is heard by the instance of any user, and the user by its own")
def _(t):
    need_root("speaks as two users")
    host = Host(t, user=True)
    with Client(host.path) as client:
        client.ask("status")
    done = subprocess.run(
        [need("setpriv"), f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--", PYTHON,
         "-c", FOREIGN, host.path], capture_output=True, check=False, timeout=30 * PATIENCE)
    assert b'"ok":true' in done.stdout, done
    assert host.process.wait(10 * PATIENCE) == 0


run()
