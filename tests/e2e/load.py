#!/usr/bin/python3
"""A load of new connections at a steady pace, and what became of each of them.

usage: load.py KIND HOST PORT [RATE]      KIND is http or echo; HOST an address of IPv4 or IPv6
       load.py KIND PATH unix [RATE]      a unix socket

http sends "GET / HTTP/1.0" and reads to EOF; the answer is complete with all of its Content-Length.
echo sends one line, waits for the same line, and closes. The load runs until SIGTERM (or SIGINT),
lets the open connections end, and prints one line of JSON. One thread, one epoll, no dependencies:
it shares a small machine with the servers that it measures.
"""

import errno
import heapq
import json
import os
import select
import signal
import socket
import sys
import time

# Seconds after which a connection counts as timed out
PATIENCE = 10.0 * float(os.environ.get("SUP_TEST_PATIENCE", "1"))
REQUEST = {"http": b"GET / HTTP/1.0\r\n\r\n", "echo": b"one line\n"}


def is_complete(kind, answer):
    """True when the server has said all that it had to say."""
    if kind == "echo":
        return answer == REQUEST["echo"]
    head, separator, body = answer.partition(b"\r\n\r\n")
    if not separator or b" 200 " not in head.splitlines()[0]:
        return False
    for line in head.splitlines()[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return len(body) >= int(value)
    return False


class Load:
    """Opens connections, follows each to its end, and counts the ends."""

    def __init__(self, kind, family, address, rate):
        self.kind, self.family, self.address, self.rate = kind, family, address, rate
        self.counts = dict.fromkeys(
            ("started", "ok", "refused", "reset", "early_eof", "timed_out", "other"), 0)
        self.others = {}
        self.failures = []
        self.slowest = 0.0
        self.open = {}  # fd: [socket, begin, answer]
        self.expiry = []  # heap of (deadline, fd, begin)
        self.epoll = select.epoll()
        self.stopping = False

    def start_one(self):
        self.counts["started"] += 1
        begin = time.monotonic()
        sock = socket.socket(self.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        fd = sock.fileno()
        self.open[fd] = [sock, begin, b""]
        heapq.heappush(self.expiry, (begin + PATIENCE, fd, begin))
        self.epoll.register(fd, select.EPOLLOUT)
        error = sock.connect_ex(self.address)
        if error == errno.EAGAIN:  # a unix socket whose queue is full says so; a client would wait
            sock.settimeout(PATIENCE)
            try:
                sock.connect(self.address)
            except OSError as late:
                self.end(fd, "timed_out" if isinstance(late, TimeoutError) else "other")
                return
            sock.setblocking(False)
        elif error not in (0, errno.EINPROGRESS):
            self.end_by(fd, error)

    def end(self, fd, outcome, detail=None):
        sock, begin, _ = self.open.pop(fd)
        now = time.monotonic()
        self.epoll.unregister(fd)
        sock.close()
        self.counts[outcome] += 1
        if outcome == "ok":
            self.slowest = max(self.slowest, now - begin)
        else:
            self.failures.append((outcome, begin, now))
        if detail:
            self.others[detail] = self.others.get(detail, 0) + 1

    def end_by(self, fd, error):
        if error in (errno.ECONNREFUSED, errno.ENOENT):
            self.end(fd, "refused")
        elif error in (errno.ECONNRESET, errno.EPIPE):
            self.end(fd, "reset")
        elif error == errno.ETIMEDOUT:
            self.end(fd, "timed_out")
        else:
            self.end(fd, "other", errno.errorcode.get(error, str(error)))

    def on_event(self, fd, events):
        connection = self.open[fd]
        sock = connection[0]
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self.end_by(fd, error)
            return
        try:
            if events & select.EPOLLIN or not events & select.EPOLLOUT:
                self.on_readable(fd, connection)
            else:
                sock.send(REQUEST[self.kind])
                self.epoll.modify(fd, select.EPOLLIN)
        except OSError as failure:
            self.end_by(fd, failure.errno)

    def on_readable(self, fd, connection):
        chunk = connection[0].recv(65536)
        connection[2] += chunk
        if chunk and self.kind == "http":
            return
        if is_complete(self.kind, connection[2]):
            self.end(fd, "ok")
        elif not chunk:
            self.end(fd, "early_eof")

    def expire(self, now):
        while self.expiry and self.expiry[0][0] <= now:
            _, fd, begin = heapq.heappop(self.expiry)
            if fd in self.open and self.open[fd][1] == begin:
                self.end(fd, "timed_out")

    def run(self):
        begin = time.monotonic()
        elapsed = 0.0
        while self.open or not self.stopping:
            now = time.monotonic()
            if not self.stopping:
                elapsed = now - begin
                while self.counts["started"] < elapsed * self.rate:
                    self.start_one()
            self.expire(now)
            wait = 0.5 if self.stopping else self.counts["started"] / self.rate - elapsed
            for fd, events in self.epoll.poll(max(wait, 0.001)):
                if fd in self.open:
                    self.on_event(fd, events)
        return dict(self.counts, others=self.others, failures=self.failures, seconds=elapsed,
                    rate=self.counts["started"] / elapsed, slowest_ms=self.slowest * 1000)

    def stop(self, *_):
        self.stopping = True


def main(args):
    kind, host, port = args[:3]
    rate = float(args[3]) if len(args) > 3 else 250.0
    if port == "unix":
        family, address = socket.AF_UNIX, host.replace("@", "\0", 1) if host[0] == "@" else host
    else:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        address = (host, int(port))
    load = Load(kind, family, address, rate)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, load.stop)
    print(json.dumps(load.run()))


if __name__ == "__main__":
    main(sys.argv[1:])
