#!/usr/bin/python3
"""Habit: prints what it is handed, a JSON object for each listener, and does nothing.

usage: tells_listeners.py
"""

import fcntl
import json
import os
import signal
import socket
import struct

from answering import passed_listeners

IP_FREEBIND, IPV6_FREEBIND = 15, 78


def option(sock, level, name, size=None):
    try:
        return sock.getsockopt(level, name, size) if size else sock.getsockopt(level, name)
    except OSError:
        return None


def backlog(sock):
    """The limit of the queue, from TCP_INFO; None where there is none."""
    info = option(sock, socket.IPPROTO_TCP, socket.TCP_INFO, 32)
    return struct.unpack_from("I", info, 28)[0] if info else None


for listener in passed_listeners():
    v6 = listener.family == socket.AF_INET6
    print(json.dumps({
        "family": listener.family.name, "type": listener.type.name,
        "name": repr(listener.getsockname()),
        "listens": option(listener, socket.SOL_SOCKET, socket.SO_ACCEPTCONN),
        "reuseaddr": option(listener, socket.SOL_SOCKET, socket.SO_REUSEADDR),
        "reuseport": option(listener, socket.SOL_SOCKET, socket.SO_REUSEPORT),
        "v6only": option(listener, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) if v6 else None,
        "freebind": option(listener, *((socket.IPPROTO_IPV6, IPV6_FREEBIND) if v6 else
                                       (socket.IPPROTO_IP, IP_FREEBIND))),
        "device": (option(listener, socket.SOL_SOCKET, socket.SO_BINDTODEVICE, 16)
                   or b"").rstrip(b"\0").decode(),
        "backlog": backlog(listener),
        "inode": os.fstat(listener.fileno()).st_ino,
        "cloexec": fcntl.fcntl(listener, fcntl.F_GETFD)}), flush=True)
signal.pause()
