#!/usr/bin/python3
"""Habit: a unix socket whose path is removed before it is bound, as most servers do.

With --beside it binds PATH.new and renames that to PATH, as careful ones do. With --seqpacket it
serves packets.

usage: unix_path.py [--beside] [--seqpacket] PATH|@ABSTRACT [MODE]
"""

import os
import socket
import sys

from answering import answer_forever

options = [word for word in sys.argv[1:] if word.startswith("--")]
path, *mode = [word for word in sys.argv[1:] if word not in options]
bound = path + ".new" if "--beside" in options else path
listener = socket.socket(
    socket.AF_UNIX, socket.SOCK_SEQPACKET if "--seqpacket" in options else socket.SOCK_STREAM)
if path[0] == "@":
    listener.bind("\0" + path[1:])
else:
    if os.path.exists(bound):
        os.unlink(bound)
    listener.bind(bound)
    if mode:
        os.chmod(bound, int(mode[0], 8))
listener.listen()
if bound != path:
    os.rename(bound, path)
answer_forever(listener)
