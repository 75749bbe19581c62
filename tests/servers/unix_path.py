#!/usr/bin/python3
"""Habit: a unix socket whose path is removed before it is bound, as most servers do.

usage: unix_path.py PATH|@ABSTRACT [MODE]
"""

import os
import socket
import sys

from answering import answer_forever

path = sys.argv[1]
listener = socket.socket(socket.AF_UNIX)
if path[0] == "@":
    listener.bind("\0" + path[1:])
else:
    if os.path.exists(path):
        os.unlink(path)
    listener.bind(path)
    if len(sys.argv) > 2:
        os.chmod(path, int(sys.argv[2], 8))
listener.listen()
answer_forever(listener)
