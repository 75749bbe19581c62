#!/usr/bin/python3
"""Habit: listens on a path and a port that no start had before it, and crashes.

While FILE is not there, it listens on PORT instead, and crashes when FILE appears; once FILE says
"nothing", it crashes before it binds anything.

usage: other_each_time.py DIRECTORY FILE PORT
"""

import os
import socket
import sys
import time

directory, file, port = sys.argv[1:]


def listen(sock, address):
    sock.bind(address)
    sock.listen()
    return sock


if not os.path.exists(file):
    only = listen(socket.socket(), ("127.0.0.1", int(port)))
    while not os.path.exists(file):
        time.sleep(0.01)
    sys.exit(1)
with open(file, encoding="ascii") as text:
    if text.read() == "nothing":
        sys.exit(1)
number = 1 + len(os.listdir(directory))
with open(f"{directory}/{number}", "x", encoding="ascii"):
    sockets = [listen(socket.socket(socket.AF_UNIX), f"{directory}.{number}"),
               listen(socket.socket(), ("127.0.0.1", int(port) + number))]
sys.exit(1)
