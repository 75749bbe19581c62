"""Asking `sup why`, and the processes and sockets that it is asked about."""

import array
import json
import os
import socket
import subprocess

import procs
from network import PATIENCE, tcp_sockets
from supervised import AS_NOBODY, Lines, sup_binary
from tap import wait_until

PYTHON = "/usr/bin/python3"
REUSEPORT = (socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
IS_ROOT = os.geteuid() == 0

# What a holder runs before the code of its step; it says what it has with ready().
PRELUDE = """
import os, signal, socket, sys, time
def ready(*words):
    print("ready", *words, flush=True)
def forever():
    while True:
        time.sleep(1000)
"""


class Answer:
    """What `sup why` said, once on the screen and once in JSON."""

    def __init__(self, status, screen, errors, data):
        self.status, self.screen, self.errors, self.data = status, screen, errors, data

    @property
    def first_line(self):
        return self.screen.splitlines()[0]

    def part(self, protocol):
        """The part about one protocol; without it, about the first that was asked for."""
        parts = self.data["answers"]
        return next(part for part in parts if protocol in (None, part["protocol"]))

    def causes(self, protocol=None):
        return [cause["cause"] for cause in self.part(protocol)["causes"]]

    def pids(self, protocol=None):
        """All processes that are named as having a socket."""
        return [holder["pid"] for sock in self.part(protocol)["sockets"]
                for holder in sock["holders"]]

    def remedies(self, protocol=None):
        return self.part(protocol)["remedies"]

    def told(self, what, protocol=None):
        """The sentences of one kind (inferred, unseen, remedies) in one text."""
        return "\n".join(self.part(protocol)[what])


def run_why(*args, user=False, prefix=()):
    as_user = AS_NOBODY if user and IS_ROOT else []
    return subprocess.run([*prefix, *as_user, sup_binary(), "why", *map(str, args)], check=False,
                          capture_output=True, text=True, timeout=30 * PATIENCE)


def ask_why(t, *args, user=False, prefix=()):
    """Asks, on the screen and in JSON, and checks what holds for every answer."""
    screen = run_why(*args, user=user, prefix=prefix)
    parsed = run_why("--json", *args, user=user, prefix=prefix)
    t.on_failure(lambda: [f"$ sup why {' '.join(map(str, args))}    ({screen.returncode})",
                          *screen.stdout.splitlines(), *screen.stderr.splitlines()])
    assert parsed.returncode == screen.returncode, (screen.returncode, parsed)
    assert screen.returncode in (0, 1), screen
    assert not screen.stderr and not parsed.stderr, screen.stderr
    answer = Answer(screen.returncode, screen.stdout, screen.stderr, json.loads(parsed.stdout))
    assert answer.data["free"] == (screen.returncode == 0)
    for part in answer.data["answers"]:
        assert part["free"] or part["remedies"], "no remedy"
        assert part["free"] == ("error" not in part)
    return answer


class Holder:
    """A process that has sockets: Python code, which says when it is ready."""

    def __init__(self, t, code, *args, user=False, prefix=(), **popen):
        popen.setdefault("cwd", t.dir)
        self.process = subprocess.Popen(
            [*prefix, *(AS_NOBODY if user and IS_ROOT else []), PYTHON, "-c", PRELUDE + code,
             *map(str, args)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            start_new_session=True, **popen)
        self.pid = self.process.pid
        self.out = Lines(self.process.stdout)
        self.words = self.out.wait_for("^ready(.*)", 15)[1].split()

    def end(self):
        """SIGKILLs it and waits for its end."""
        self.process.kill()
        self.process.wait()


def options(sock, *more):
    for option in more:
        sock.setsockopt(*option)


def listener(port, *more, host="127.0.0.1"):
    """A listening socket without any option, unless given."""
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    options(sock, *more)
    sock.bind((host, port))
    sock.listen()
    return sock


def connection(port, *more, host="127.0.0.1"):
    """(the server's end, the client's end) of a connection; the listener is closed already."""
    with listener(port, *more, host=host) as server:
        client = socket.create_connection((host, port))
        accepted, _ = server.accept()
    return accepted, client


def wait_for_state(port, state):
    wait_until(lambda: any(seen == state for seen, _, _ in tcp_sockets(port)),
               f"a socket on port {port} is in state {state}")


def time_wait(port, *more, host="127.0.0.1"):
    """Leaves a connection in TIME_WAIT on the port, as a server that ended does."""
    accepted, client = connection(port, *more, host=host)
    accepted.close()
    client.close()
    wait_for_state(port, 6)


def in_flight(sock):
    """Sends a socket as a message that nobody reads, and closes it; returns what keeps it alive."""
    ours, theirs = socket.socketpair()
    ours.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [sock.fileno()]))])
    sock.close()
    return ours, theirs


def wait_stopped(pid):
    wait_until(lambda: (procs.stat(pid) or "Z")[0] == "T", "the process is stopped")
