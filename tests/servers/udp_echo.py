#!/usr/bin/python3
"""Habit: UDP; echoes every datagram with its pid in front.

usage: udp_echo.py PORT [HOST]
"""

import os
import socket
import sys

host = sys.argv[2] if len(sys.argv) > 2 else "127.0.0.1"
sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM)
sock.bind((host, int(sys.argv[1])))
print("bound", flush=True)
while True:
    data, sender = sock.recvfrom(65536)
    sock.sendto(str(os.getpid()).encode() + b" " + data, sender)
