#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""sock.py - a socket that does as it is told, for the tour.

usage: sock.py listen ADDRESS… [OPTION…]    bind and listen, then wait
       sock.py bind ADDRESS [OPTION…]       bind only, then wait
       sock.py udp ADDRESS [OPTION…]        bind, and print what comes
       sock.py send ADDRESS TEXT            send it by UDP
       sock.py connect ADDRESS [OWN]        connect, from the address OWN if it is given, then wait

ADDRESS is HOST:PORT or [HOST]:PORT; OPTION is reuseaddr, reuseport, v6only, or child: start `sleep`,
which inherits the listener, as happens to who opens it without SOCK_CLOEXEC.
"""

import os
import signal
import socket
import subprocess
import sys

SECONDS = 120  # then it ends by itself


def parse(address):
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def make(address, kind, options):
    host, port = parse(address)
    sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, kind)
    if "reuseaddr" in options:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if "reuseport" in options:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, "v6only" in options)
    sock.bind((host, port))
    return sock


def wait(text):
    print(f"sock.py: {text}", flush=True)
    signal.pause()


def main(verb, *words):
    addresses = [word for word in words if ":" in word]
    options = set(words) - set(addresses)
    kind = socket.SOCK_DGRAM if verb in ("udp", "send") else socket.SOCK_STREAM
    if verb == "connect":
        own = parse(addresses[1]) if len(addresses) > 1 else None
        with socket.create_connection(parse(addresses[0]), source_address=own) as sock:
            wait(f"connected, from port {sock.getsockname()[1]}")
    elif verb == "send":
        with socket.socket(type=kind) as sock:
            sock.sendto(words[1].encode(), parse(addresses[0]))
    else:
        socks = [make(address, kind, options) for address in addresses]
        if verb == "udp":
            print("sock.py: bound", flush=True)
            while True:
                print("sock.py: got", socks[0].recv(1000).decode(), flush=True)
        if verb == "bind":
            wait("bound")
        for sock in socks:
            sock.listen()
        if "child" in options:
            with subprocess.Popen(["sleep", str(SECONDS)], pass_fds=[socks[0].fileno()]) as child:
                wait(f"listening, and sleep inherited the listener as pid {child.pid}")
        wait("listening")


if len(sys.argv) < 3 or sys.argv[1] not in ("listen", "bind", "udp", "send", "connect"):
    sys.exit(__doc__)
signal.alarm(SECONDS)
try:
    main(*sys.argv[1:])
except OSError as error:
    sys.exit(f"sock.py: {os.strerror(error.errno)} (errno {error.errno})")
