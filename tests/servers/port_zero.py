#!/usr/bin/python3
"""Habit: listens on a port that the kernel chooses, and prints its number.

usage: port_zero.py
"""

from answering import answer_forever, tcp_listener

listener = tcp_listener(0)
print("port", listener.getsockname()[1], flush=True)
answer_forever(listener)
