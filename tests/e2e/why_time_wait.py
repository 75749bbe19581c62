#!/usr/bin/python3
"""The time that `sup why` tells is true: measured by binding without SO_REUSEADDR until that works.

It takes as long as TIME_WAIT does, a minute, so it is in `make check-slow`.
"""

import errno
import re
import subprocess
import time

from asking import IS_ROOT, ask_why, connection, time_wait
from harness import bind_errno, diag, free_port, run, step, sup_binary

TOLERANCE = 2.0  # seconds
LOOKING = 0.1  # how much later it may be seen


class Leftover:
    """What a connection has left on a port, what was said about it, and when it was gone."""

    def __init__(self, name, port):
        self.name, self.port = name, port
        self.told = []  # (when, seconds that it was to take, up to so many more)
        self.free_at = None

    def ask(self, t, user):
        answer = ask_why(t, f"127.0.0.1:{self.port}", user=user)
        now = time.monotonic()
        match = re.search(r"free in (\d+) s \(up to (\d+) s more\)", answer.first_line)
        assert answer.status == 1 and match, answer.first_line
        self.told.append((now, int(match[1]), int(match[2])))

    def look(self):
        if self.free_at is None and bind_errno(self.port) != errno.EADDRINUSE:
            self.free_at = time.monotonic()


@step("what is told of TIME_WAIT and FIN_WAIT2 is within 2 s of the truth, from the first second on")
def _(t):
    leftovers = []
    for name, host in (("TIME_WAIT", "127.0.0.1"), ("another TIME_WAIT", "127.0.0.1")):
        leftovers.append(Leftover(name, free_port()))
        time_wait(leftovers[-1].port, host=host)
    leftovers.append(Leftover("FIN_WAIT2", free_port()))
    accepted, client = connection(leftovers[-1].port)
    accepted.close()
    watched = free_port()
    time_wait(watched)
    watch = subprocess.Popen([sup_binary(), "why", "--watch", f"127.0.0.1:{watched}"],
                             stdout=subprocess.DEVNULL)
    begin = time.monotonic()
    last = Leftover("watched", watched)
    end_of_watch = None
    asked = 0
    while any(left.free_at is None for left in (*leftovers, last)) or end_of_watch is None:
        now = time.monotonic() - begin
        assert now < 100, [left.name for left in leftovers if left.free_at is None]
        if now >= 20 * asked and asked < 3:
            for left in leftovers:
                left.ask(t, user=IS_ROOT and asked == 1)
            asked += 1
        for left in (*leftovers, last):
            left.look()
        if end_of_watch is None and watch.poll() is not None:
            end_of_watch = time.monotonic()
        time.sleep(0.02)
    client.close()
    for left in leftovers:
        assert len(left.told) == 3
        for when, seconds, more in left.told:
            late = left.free_at - when - seconds
            diag(f"{left.name}: after {when - begin:4.1f} s it said {seconds} s, it took "
                 f"{left.free_at - when:.1f} s")
            assert -1 - LOOKING <= late <= more + LOOKING, f"{left.name}: {late:.2f} s too late"
    assert watch.returncode == 0
    diag(f"--watch returned {end_of_watch - last.free_at:.1f} s after the port was free")
    assert end_of_watch - last.free_at <= TOLERANCE + LOOKING


run()
