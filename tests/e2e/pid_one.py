#!/usr/bin/python3
"""sup as PID 1 of a container: it reaps strangers, forwards, and ends with the right status."""

import signal
import subprocess

import procs
from harness import (PYTHON, Sup, ask_who, free_port, need_root, run, server, step, wait_until,
                     wait_who)

CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--"]


class Contained(Sup):
    """sup inside; the process that the test sees first is unshare, which waits for it."""

    def __init__(self, t, *args):
        need_root("a pid namespace")
        super().__init__(t, *args, prefix=CONTAINER)
        unshare = self.pid
        self.pid = wait_until(lambda: procs.children_of(unshare), "sup runs as PID 1")[0]
        t.defer(self._end_namespace)

    def _end_namespace(self):
        """With PID 1 all its namespace ends."""
        procs.send(self.pid, signal.SIGKILL)
        self.process.wait()


@step("it ends with the worker's status, or with 128 and the signal's number")
def _(t):
    for command, expected in (("sleep 0.2; exit 42", 42), ("sleep 0.2; kill -9 $$", 137)):
        sup = Contained(t, "--restart=never", "--", "sh", "-c", command)
        assert sup.wait() == expected


@step("orphans that end are reaped, and the server serves on")
def _(t):
    port = free_port()
    sup = Contained(t, "--", "sh", "-c", "setsid -f sleep 0.5; setsid -f sleep 0.6; "
                    f"exec {PYTHON} {server('simple.py')} {port}")
    wait_who(port)
    server_pid = ask_who(port)["pid"]
    wait_until(lambda: len(procs.every_child(sup.pid)) == 1, "only the server is left, no zombie")
    assert ask_who(port)["pid"] == server_pid


@step("a stranger that came in by another door is not ended with a server, and reaped when it ends")
def _(t):
    port = free_port()
    sup = Contained(t, "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    subprocess.run(["nsenter", "-t", str(sup.pid), "-p", "-m", "--", "sh", "-c",
                    "sleep 1000 & sleep 999 &"], check=True)
    def strangers():
        return [pid for pid in procs.children_of(sup.pid) if procs.name_of(pid) == "sleep"]
    wait_until(lambda: len(strangers()) == 2, "the strangers are left to PID 1")
    kept, other = strangers()
    procs.kill_and_wait(next(pid for pid in procs.children_of(sup.pid) if pid not in (kept, other)))
    ask_who(port)
    assert strangers() == [kept, other], "a stranger was ended"
    procs.kill_and_wait(other)
    wait_until(lambda: other not in procs.every_child(sup.pid), "it was reaped")
    assert sup.stop() == 0


@step("a killed server is restarted, what it left behind is gone")
def _(t):
    port = free_port()
    sup = Contained(t, "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    sup.kill_worker()
    ask_who(port)
    assert len(procs.every_child(sup.pid)) == 1


@step("TERM stops the server and ends the container with 0")
def _(t):
    port = free_port()
    sup = Contained(t, "--", PYTHON, server("says_signals.py"), port)
    wait_who(port)
    assert sup.stop() == 0
    assert "SIGTERM" in sup.out.until_end()


run()
