"""The control socket: a host that only pretends (tests/control/host.c), and clients of all kinds."""

import functools
import json
import os
import re
import resource
import shlex
import signal
import socket
import subprocess

import procs
from harness import PATIENCE, TOP_BUILDDIR, Lines, for_everybody, sup_binary, wait_until
from supervised import AS_NOBODY, WRAPPER


@functools.cache
def host_binary():
    return for_everybody(os.path.join(TOP_BUILDDIR, "tests", "control", "host"))


def many_files():
    """Lets this process open as many files as it may, for a crowd of clients."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


class Host:
    """A running host at a path; limit: of its open files."""

    def __init__(self, t, path=None, user=False, limit=4096, expect="listening"):
        self.path = path or t.path("fake.sock")
        as_user = AS_NOBODY if user and os.geteuid() == 0 else []
        self.process = subprocess.Popen(
            [*as_user, *shlex.split(os.environ.get("HOST_WRAPPER", "")), host_binary(), self.path],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))
        self.pid = self.process.pid
        self.out = Lines(self.process.stdout)
        self.err = Lines(self.process.stderr)
        t.on_failure(lambda: [f"host {self.pid}: {line[:300]}"
                              for line in self.out.lines[-20:] + self.err.lines[-20:]])
        t.defer(self._end)
        if expect:
            self.out.wait_for(expect)

    def _end(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def end(self):
        """Stops it as it wants to be stopped: the sanitizers look for leaks at the end."""
        os.kill(self.pid, signal.SIGTERM)
        status = self.process.wait(10 * PATIENCE)
        assert status == 0, f"the host ended with {status}"
        assert not [line for line in self.err.lines if re.search("ERROR|runtime error", line)]

    def n_fds(self):
        return len(procs.fds_of(self.pid))

    def cpu(self):
        """Seconds of processor time that it has used."""
        with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as file:
            fields = file.read().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def asked(self):
        """What it was asked for, a line each."""
        return self.out.lines[1:]

    def was_asked(self, line):
        """Waits until this is the last that it was asked for."""
        wait_until(lambda: self.asked()[-1:] == [line], f"{line} is the last of {self.asked()[-3:]}")

    def was_asked_nothing(self):
        """Nothing has reached it until now."""
        with self.client() as client:
            client.ask("status")
        wait_until(self.asked, "it is asked for the status")
        assert self.asked()[0] == "status {}", self.asked()

    def client(self, deadline=10):
        return Client(self.path, deadline)


class Client:
    """A connection to a control socket that speaks JSON, or whatever it is told."""

    def __init__(self, path, deadline=10):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(deadline * PATIENCE)
        self.socket.connect(path)
        self.file = self.socket.makefile("rb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, verb, number=None, **arguments):
        self.send(request(verb, number, **arguments))

    def answer(self):
        """The next answer, or None at the end."""
        line = self.file.readline()
        return json.loads(line) if line else None

    def ask(self, verb, **arguments):
        """The result of a verb that succeeds without progress."""
        self.request(verb, 1, **arguments)
        answer = self.answer()
        assert answer and answer.get("ok") is True and answer["id"] == 1, answer
        return answer["result"]

    def at_end(self):
        """Whether the other side has hung up, with nothing more to say."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def request(verb, number=None, **arguments):
    """The line of a request."""
    return json.dumps({"version": 1, "id": number, "verb": verb,
                       "arguments": arguments}).encode() + b"\n"


def serves(host):
    """Asks for the status on a connection of its own."""
    with host.client() as client:
        assert client.ask("status")["name"] == "fake"


def verb(t, *words, status=0, env=None, user=False, deadline=30):
    """Runs `sup WORDS…` to its end; (stdout, stderr) after a look at the exit status."""
    as_user = AS_NOBODY if user and os.geteuid() == 0 else []
    environ = {key: value for key, value in os.environ.items()
               if key not in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR")}
    done = subprocess.run(
        [*as_user, *WRAPPER, sup_binary(), *map(str, words)], env=dict(environ, **(env or {})),
        cwd=t.dir, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        timeout=deadline * PATIENCE, check=False)
    out, err = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == status, f"{words}: status {done.returncode}\n{out}{err}"
    return out, err


def fds_at_rest(pid, path):
    """How many descriptors a process with the control socket `path` has open when nobody is
    connected: those who hung up before this connection are noticed before it is answered."""
    with Client(path) as client:
        client.ask("status")
        return len(procs.fds_of(pid)) - 1


def wait_for_fds(host, count):
    try:
        wait_until(lambda: host.n_fds() == count, f"{count} descriptors are open in the host")
    except AssertionError:
        raise AssertionError(f"{host.n_fds()} descriptors are open, not {count}") from None
