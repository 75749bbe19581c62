#!/usr/bin/python3
"""Habit: connects to its unix path before it binds it, and gives up if somebody is there, like PHP-FPM.

usage: asks_first.py PATH [PORT]      with a port, it listens there before it asks, like puma
"""

import os
import socket
import sys

from answering import answer_forever, tcp_listener

listeners = [tcp_listener(int(sys.argv[2]))] if len(sys.argv) > 2 else []
with socket.socket(socket.AF_UNIX) as asking:
    if asking.connect_ex(sys.argv[1]) == 0:
        sys.exit(78)
if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
answer_forever(listener, *listeners)
