#!/usr/bin/python3
"""Habit: connects to its unix path before it binds it, and gives up if somebody is there, like PHP-FPM.

usage: asks_first.py [--looks] [--aborts] PATH [PORT]

with a port, it listens there before it asks, like puma
--looks   it gives up if its path is there at all, and removes it at SIGTERM, like socat
--aborts  it gives up by abort(3)
"""

import os
import signal
import socket
import sys

from answering import answer_forever, tcp_listener

words = [word for word in sys.argv[1:] if not word.startswith("--")]
PATH = words[0]
LOOKS = "--looks" in sys.argv


def is_there():
    if LOOKS:
        return os.path.exists(PATH)
    with socket.socket(socket.AF_UNIX) as asking:
        return asking.connect_ex(PATH) == 0


def stop(*_):
    os.unlink(PATH)
    sys.exit(0)


listeners = [tcp_listener(int(words[1]))] if len(words) > 1 else []
if is_there():
    if "--aborts" in sys.argv:
        os.abort()
    sys.exit(78)
if os.path.exists(PATH):
    os.unlink(PATH)
listener = socket.socket(socket.AF_UNIX)
listener.bind(PATH)
if LOOKS:
    signal.signal(signal.SIGTERM, stop)
listener.listen()
answer_forever(listener, *listeners)
