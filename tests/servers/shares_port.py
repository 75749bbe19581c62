#!/usr/bin/python3
"""Habit: children that each bind the port with SO_REUSEPORT, below a master that replaces none.

USR1: the first child closes its socket and lives on. USR2: two more children are started.

usage: shares_port.py PORT
"""

import os
import signal
import socket
import sys

from answering import answer_forever

kids = []


def serve():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen()

    def close(*_):
        listener.close()
        print("closed", flush=True)
        while True:
            signal.pause()
    signal.signal(signal.SIGUSR1, close)
    print("listens", flush=True)
    answer_forever(listener)


def start(*_):
    for _ in range(2):
        kids.append(os.fork())
        if not kids[-1]:
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)
            serve()


signal.signal(signal.SIGUSR1, lambda *_: os.kill(kids[0], signal.SIGUSR1))
signal.signal(signal.SIGUSR2, start)
start()
while True:
    signal.pause()
