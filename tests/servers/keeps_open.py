#!/usr/bin/python3
"""Habit: says its pid to everybody who connects and keeps the connection.

usage: keeps_open.py PORT
"""

import os
import sys

from answering import tcp_listener

listener = tcp_listener(int(sys.argv[1]))
connections = []
while True:
    connections.append(listener.accept()[0])
    connections[-1].sendall(f"pid={os.getpid()}\n".encode())
