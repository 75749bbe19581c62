#!/usr/bin/python3
"""Habit: has SO_REUSEADDR, like most servers, so that it can be started again by itself.

usage: reuses_address.py PORT
"""

import socket
import sys

from answering import answer_forever

listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", int(sys.argv[1])))
listener.listen()
answer_forever(listener)
