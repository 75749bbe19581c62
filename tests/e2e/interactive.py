#!/usr/bin/python3
"""sup at a terminal: Ctrl-C, what the terminal is like afterwards, and who reads from it."""

import os
import pty
import select
import signal
import termios

import procs
from harness import (PYTHON, Lines, Sup, free_port, is_refused, run, server, step, sup_binary,
                     wait_until, wait_who)


class Terminal:
    """A program at a terminal of its own, in the foreground."""

    def __init__(self, t, *command):
        pid, self.fd = pty.fork()
        if pid == 0:
            os.execv(command[0], [str(word) for word in command])
        self.pid = pid
        self.hung_up = False
        t.on_failure(lambda: [f"terminal: {line}" for line in self.screen.lines])
        t.defer(self._end)
        self.screen = Lines(self._stream())

    def _stream(self):
        """The lines on the screen; reading from a terminal that nobody has open any more is EIO."""
        rest = b""
        while not self.hung_up:
            if not select.select([self.fd], [], [], 0.05)[0]:
                continue
            try:
                rest += os.read(self.fd, 65536)
            except OSError:
                return
            *lines, rest = rest.split(b"\n")
            yield from (line + b"\n" for line in lines)
        os.close(self.fd)

    def _end(self):
        procs.send(self.pid, signal.SIGKILL)

    def settings(self):
        return termios.tcgetattr(self.fd)

    def press(self, keys):
        os.write(self.fd, keys)

    def hang_up(self):
        self.hung_up = True
        self.screen.until_end()

    def wait(self, deadline=10):
        """The exit status as a shell shows it."""
        wait_until(lambda: not procs.alive(self.pid), "the program has ended", deadline)
        status = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return status if status >= 0 else 128 - status


def only_worker(pid):
    return wait_until(lambda: procs.children_of(pid), "a worker runs")[0]


@step("Ctrl-C stops the server and sup cleanly; no process and no port stay")
def _(t):
    port = free_port()
    terminal = Terminal(t, sup_binary(), "--", PYTHON, server("says_signals.py"), port)
    wait_who(port)
    worker = only_worker(terminal.pid)
    terminal.press(b"\x03")
    assert terminal.wait() == 0
    assert not procs.alive(worker)
    assert is_refused(port)


@step("the terminal's settings are afterwards what they were, also when the server changed them")
def _(t):
    port = free_port()
    terminal = Terminal(t, sup_binary(), "--", "sh", "-c", "read go; stty raw -echo; "
                        f"exec {PYTHON} {server('simple.py')} {port}")
    before = terminal.settings()
    terminal.press(b"\r")
    wait_who(port)
    assert not terminal.settings()[3] & termios.ICANON, "the server should have made it raw"
    os.kill(terminal.pid, signal.SIGTERM)
    assert terminal.wait() == 0
    assert terminal.settings() == before


@step("in the foreground a worker reads from the terminal")
def _(t):
    terminal = Terminal(t, sup_binary(), "--restart=never", "--", "sh", "-c", "read x; echo got $x")
    worker = only_worker(terminal.pid)
    assert procs.fds_of(worker)[0].startswith("/dev/pts/"), procs.fds_of(worker)
    terminal.press(b"hello\r")
    terminal.screen.wait_for("got hello")
    assert terminal.wait() == 0


@step("in the background its stdin is /dev/null, and it is not stopped")
def _(t):
    port = free_port()
    terminal = Terminal(t, "/bin/bash", "-c", f"set -m; {sup_binary()} -- {PYTHON} "
                        f"{server('simple.py')} {port} & wait")
    wait_who(port)
    sup = only_worker(terminal.pid)
    assert procs.fds_of(only_worker(sup))[0] == "/dev/null"


@step("without a terminal its stdin is what sup's is, or /dev/null, never a closed descriptor")
def _(t):
    sup = Sup(t, "--", "/bin/sleep", "1000")
    worker = sup.worker()
    assert 0 in procs.fds_of(worker)


@step("when the terminal hangs up, the server goes on: no reload, in the foreground or background")
def _(t):
    for how in ("{} & wait", "{}; true"):
        port = free_port()
        sup_command = (f"{sup_binary()} -- sh -c \"trap '' HUP; "
                       f"exec {PYTHON} {server('simple.py')} {port}\"")
        terminal = Terminal(t, "/bin/bash", "--norc", "-ic", how.format(sup_command))
        worker = int(wait_who(port)["pid"])
        sup = only_worker(terminal.pid)
        terminal.hang_up()
        wait_until(lambda pid=terminal.pid: not procs.alive(pid), "the shell has ended")
        os.kill(sup, signal.SIGTTIN)  # not before that has been dealt with, signals come in order
        wait_until(lambda sup=sup: len(procs.children_of(sup)) == 2, "sup takes signals")
        assert worker in procs.children_of(sup), "the server was reloaded"
        assert procs.alive(worker)
        os.kill(sup, signal.SIGQUIT)


@step("Ctrl-Z stops the server and sup, fg lets them go on")
def _(t):
    port = free_port()
    terminal = Terminal(t, "/bin/bash", "-c",
                        f"set -m; {sup_binary()} -- {PYTHON} {server('simple.py')} {port}; "
                        "echo stopped; fg; echo ended")
    worker = int(wait_who(port)["pid"])
    terminal.press(b"\x1a")
    terminal.screen.wait_for("^stopped")
    assert wait_who(port)["pid"] == str(worker)
    terminal.press(b"\x03")
    terminal.screen.wait_for("^ended")


@step("a restart at the terminal: the new worker has the foreground again")
def _(t):
    port = free_port()
    terminal = Terminal(t, sup_binary(), "--", PYTHON, server("says_signals.py"), port)
    wait_who(port)
    procs.kill_and_wait(only_worker(terminal.pid))
    wait_who(port)
    terminal.press(b"\x03")
    assert terminal.wait() == 0


run()
