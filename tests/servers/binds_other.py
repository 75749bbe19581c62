#!/usr/bin/python3
"""Habit: binds its socket once more, to another port, and takes no notice that this fails.

usage: binds_other.py PORT PORT
"""

import socket
import sys

from answering import answer_forever

listener = socket.socket()
for port in sys.argv[1:]:
    try:
        listener.bind(("127.0.0.1", int(port)))
    except OSError as error:
        print(error.strerror, flush=True)
listener.listen()
answer_forever(listener)
