#!/usr/bin/python3
"""Habit: binds its address, and a child of it listens there, like uvicorn with several workers.

usage: child_listens.py PORT
"""

import os
import socket
import sys

from answering import answer_forever

listener = socket.socket()
listener.bind(("127.0.0.1", int(sys.argv[1])))
if os.fork():
    os.wait()
else:
    listener.listen()
    answer_forever(listener)
