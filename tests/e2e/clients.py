#!/usr/bin/python3
"""Clients that stay: several requests on a connection, or datagrams that are echoed.

usage: clients.py keep-alive HOST PORT|unix [CLIENTS]     HTTP/1.1, five requests, then close
       clients.py udp HOST PORT [CLIENTS]                 a datagram, its echo, the next

They run until SIGTERM and print one line of JSON: how many requests went well, how many failed, and
the first failures in words.
"""

import json
import os
import signal
import socket
import sys
import threading
import time

PATIENCE = 10.0 * float(os.environ.get("SUP_TEST_PATIENCE", "1"))
REQUEST = b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"
REQUESTS = 5  # on a connection
PAUSE = 0.02  # seconds between two requests

stopping = threading.Event()


class Failure(Exception):
    """A request that did not get its answer."""


def read_answer(sock, buffer):
    """One HTTP answer; (what came behind it, whether the server closes)."""
    while b"\r\n\r\n" not in buffer:
        chunk = sock.recv(65536)
        if not chunk:
            raise Failure(f"EOF after {len(buffer)} bytes of an answer")
        buffer += chunk
    head, _, rest = buffer.partition(b"\r\n\r\n")
    if b" 200 " not in head.splitlines()[0]:
        raise Failure(head.splitlines()[0].decode())
    fields = dict(line.lower().split(b": ", 1) for line in head.splitlines()[1:])
    length = int(fields[b"content-length"])
    while len(rest) < length:
        chunk = sock.recv(65536)
        if not chunk:
            raise Failure("EOF in the body of an answer")
        rest += chunk
    return rest[length:], fields.get(b"connection") == b"close"


def keep_alive(family, address, count):
    """A connection with its requests; count() is called for each answer."""
    with socket.socket(family) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(address)
        buffer = b""
        for number in range(REQUESTS):
            if number:
                time.sleep(PAUSE)
            sock.sendall(REQUEST)
            buffer, closes = read_answer(sock, buffer)
            count()
            if closes:
                break


def udp(family, address, count):
    """A datagram and its echo, which ends as the datagram did."""
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(PATIENCE)
        sock.connect(address)
        for number in range(REQUESTS):
            data = f"{os.getpid()} {id(sock)} {number}".encode()
            sock.send(data)
            if not sock.recv(65536).endswith(data):
                raise Failure("another echo")
            count()
            time.sleep(PAUSE)


class Clients:
    """So many threads that do the same again and again."""

    def __init__(self, exchange, family, address):
        self.exchange, self.family, self.address = exchange, family, address
        self.ok, self.failures = 0, []

    def count(self):
        self.ok += 1

    def run(self):
        while not stopping.is_set():
            try:
                self.exchange(self.family, self.address, self.count)
            except (OSError, Failure) as failure:
                self.failures.append(f"{type(failure).__name__}: {failure}")


def main(kind, host, port, clients="4"):
    if port == "unix":
        family, address = socket.AF_UNIX, host
    else:
        family, address = socket.AF_INET, (host, int(port))
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    exchange = {"keep-alive": keep_alive, "udp": udp}[kind]
    all_clients = [Clients(exchange, family, address) for _ in range(int(clients))]
    threads = [threading.Thread(target=client.run) for client in all_clients]
    for thread in threads:
        thread.start()
    while not stopping.wait(0.5):
        pass
    for thread in threads:
        thread.join()
    failures = [failure for client in all_clients for failure in client.failures]
    print(json.dumps({"ok": sum(client.ok for client in all_clients),
                      "failed": len(failures), "failures": failures[:5]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
