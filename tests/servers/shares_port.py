#!/usr/bin/python3
"""Habit: children that each bind the port with SO_REUSEPORT, below a master that replaces none.

USR1: the first child closes its socket and lives on. USR2: another child is started. TERM: all
children close their sockets and live on; the master ends two seconds later, and they with it.

usage: shares_port.py PORT [CHILDREN]
"""

import contextlib
import os
import signal
import socket
import sys
import threading
import time

from answering import answer_forever

ORDERS = {signal.SIGUSR1, signal.SIGUSR2, signal.SIGTERM}


def answer_until_closed(listener):
    with contextlib.suppress(OSError):
        answer_forever(listener)


def serve():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    listener.bind(("127.0.0.1", int(sys.argv[1])))
    listener.listen()
    threading.Thread(target=answer_until_closed, args=[listener], daemon=True).start()
    print("listens", flush=True)
    signal.sigwait({signal.SIGUSR1})
    listener.close()
    print("closed", flush=True)
    while True:
        signal.pause()


def start():
    kid = os.fork()
    if not kid:
        serve()
    return kid


# Blocked, and so none is lost that comes just before it is waited for.
signal.pthread_sigmask(signal.SIG_BLOCK, ORDERS)
kids = [start() for _ in range(int(sys.argv[2]) if len(sys.argv) > 2 else 2)]
while True:
    order = signal.sigwait(ORDERS)
    if order == signal.SIGUSR2:
        kids.append(start())
        continue
    for kid in kids[:1] if order == signal.SIGUSR1 else kids:
        os.kill(kid, signal.SIGUSR1)
    if order == signal.SIGTERM:
        time.sleep(2)
        for kid in kids:
            os.kill(kid, signal.SIGKILL)
        sys.exit()
