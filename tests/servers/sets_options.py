#!/usr/bin/python3
"""Habit: sets socket options before it binds; the values come from a file, one per start.

It prints what getsockopt() says of the listening socket, its flags of fcntl() included.

usage: sets_options.py PORT FILE

FILE has one line, "RCVBUF KEEPALIVE NODELAY DEFER TOS NONBLOCK CLOEXEC".
"""

import fcntl
import os
import socket
import sys

from answering import answer_forever

with open(sys.argv[2], encoding="utf-8") as file:
    rcvbuf, keepalive, nodelay, defer, tos, nonblock, cloexec = map(int, file.read().split())

OPTIONS = [(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf),
           (socket.SOL_SOCKET, socket.SO_KEEPALIVE, keepalive),
           (socket.IPPROTO_TCP, socket.TCP_NODELAY, nodelay),
           (socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, defer),
           (socket.IPPROTO_IP, socket.IP_TOS, tos)]

listener = socket.socket()
for level, name, value in OPTIONS:
    listener.setsockopt(level, name, value)
listener.setblocking(not nonblock)
listener.set_inheritable(not cloexec)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
values = [listener.getsockopt(level, name) for level, name, _ in OPTIONS]
values.append(int(bool(fcntl.fcntl(listener, fcntl.F_GETFL) & os.O_NONBLOCK)))
values.append(fcntl.fcntl(listener, fcntl.F_GETFD))
print(*values, flush=True)
answer_forever(listener)
