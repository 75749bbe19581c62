#!/usr/bin/python3
"""Habit: listens only if its socket does not yet, as HAProxy does, which may inherit it.

usage: skips_listen.py PORT
"""

import socket
import sys

from answering import answer_forever

listener = socket.socket()
listener.bind(("127.0.0.1", int(sys.argv[1])))
if not listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
    listener.listen()
answer_forever(listener)
