"""The real `sup`, started by a step: its log, its workers, its signals and its end."""

import functools
import os
import re
import shlex
import signal
import subprocess
import threading

import procs
from tap import NOBODY, PATIENCE, TOP_BUILDDIR, diag, for_everybody, wait_until

WRAPPER = shlex.split(os.environ.get("SUP_WRAPPER", ""))
AS_NOBODY = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--"]


@functools.cache
def sup_binary():
    path = os.environ.get("SUP") or os.path.join(TOP_BUILDDIR, "sup")
    return for_everybody(os.path.abspath(path))


class Lines:
    """The lines of a stream, collected by a thread while somebody may wait for one of them."""

    def __init__(self, stream):
        self.lines = []
        self.ended = False
        self._stream = stream
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self):
        for line in self._stream:
            with self._changed:
                self.lines.append(line.decode(errors="replace").rstrip("\n"))
                self._changed.notify_all()
        with self._changed:
            self.ended = True
            self._changed.notify_all()

    def find(self, regexp, since=0):
        return next(filter(None, (re.search(regexp, line) for line in self.lines[since:])), None)

    def wait_for(self, regexp, deadline=10, since=0):
        """The match of the first line, from number `since` on, in which the regexp is found."""
        with self._changed:
            self._changed.wait_for(lambda: self.find(regexp, since) or self.ended,
                                   deadline * PATIENCE)
            match = self.find(regexp, since)
        if not match:
            raise AssertionError(f"no line matches {regexp!r}" +
                                 ("; the stream has ended" if self.ended else ""))
        return match

    def until_end(self, deadline=10):
        self._thread.join(deadline * PATIENCE)
        return list(self.lines)


class Sup:
    """A running `sup ARGS…`; with user=True as an ordinary user also when the test is root."""

    def __init__(self, t, *args, user=False, env=None, prefix=(), binary=None, **popen):
        self.args = [str(arg) for arg in args]
        as_user = AS_NOBODY if user and os.geteuid() == 0 else []
        environ = dict(os.environ, **{key: str(value) for key, value in (env or {}).items()})
        popen.setdefault("stdin", subprocess.DEVNULL)
        popen.setdefault("cwd", t.dir)
        self.process = subprocess.Popen(
            [*prefix, *as_user, *WRAPPER, binary or sup_binary(), *self.args], env=environ,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **popen)
        self.pid = self.process.pid
        self.err = Lines(self.process.stderr)
        self.out = Lines(self.process.stdout)
        t.on_failure(self._report)
        t.defer(self._end)

    def _report(self):
        yield f"$ sup {shlex.join(self.args)}    (pid {self.pid}, status {self.process.poll()})"
        for name, stream in (("stderr", self.err), ("stdout", self.out)):
            yield from (f"  {name}: {line}" for line in stream.lines[-40:])

    def _end(self):
        if self.process.poll() is None:
            self.send(signal.SIGQUIT)
            try:
                self.process.wait(5 * PATIENCE)
            except subprocess.TimeoutExpired:
                diag(f"sup {self.pid} had to be killed at the end of the step")
                self.process.kill()
                self.process.wait()

    def send(self, number):
        os.kill(self.pid, number)

    def wait_for_log(self, regexp, deadline=10, since=0):
        return self.err.wait_for(regexp, deadline, since)

    def mark(self):
        """The number of the next line of stderr, for wait_for_log(since=…)."""
        return len(self.err.lines)

    def said(self):
        """What sup itself said so far, without what its workers said."""
        return [line for line in self.err.lines if line.startswith("sup: ")]

    def worker(self, deadline=10):
        """The pid of the only worker; waits for one."""
        return wait_until(lambda: procs.children_of(self.pid), "a worker runs", deadline)[0]

    def sleeping_worker(self):
        """The pid of the only worker, which is sleep(1), when it has begun to sleep."""
        pid = self.worker()
        wait_until(lambda: procs.name_of(pid) == "sleep" and
                   "SUP_WORKER" in procs.environment_of(pid) and
                   procs.waits_in(pid, "nanosleep"), "the worker sleeps")
        return pid

    def workers(self, count, deadline=10):
        """The pids of the workers, as soon as there are so many."""
        return wait_until(lambda: self._exactly(count), f"{count} workers run", deadline)

    def _exactly(self, count):
        pids = procs.children_of(self.pid)
        return pids if len(pids) == count else None

    def next_worker(self, than, deadline=10):
        """The pid of a worker that is not the one given."""
        return wait_until(lambda: [pid for pid in procs.children_of(self.pid) if pid != than],
                          "the next worker runs", deadline)[0]

    def kill_worker(self):
        """SIGKILLs the only worker, waits for its end, and returns the pid it had."""
        pid = self.worker()
        procs.kill_and_wait(pid)
        return pid

    def wait(self, deadline=10):
        """The exit status of sup, as a shell shows it."""
        try:
            status = self.process.wait(deadline * PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"sup still runs after {deadline * PATIENCE:.0f} s") from None
        return status if status >= 0 else 128 - status

    def stop(self, number=signal.SIGTERM, deadline=10):
        """Sends the signal and returns the exit status."""
        self.send(number)
        return self.wait(deadline)


def run_sup(t, *args, deadline=10, **popen):
    """Runs sup to its end; (exit status, lines of stderr)."""
    sup = Sup(t, *args, **popen)
    status = sup.wait(deadline)
    return status, sup.err.until_end()
