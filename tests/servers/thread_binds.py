#!/usr/bin/python3
"""Habit: the listener is bound by a thread of a grandchild.

usage: thread_binds.py PORT
"""

import os
import sys
import threading

from answering import answer_forever, tcp_listener


def serve():
    answer_forever(tcp_listener(int(sys.argv[1])))


for _ in range(2):
    child = os.fork()
    if child:
        sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) & 0xFF)
thread = threading.Thread(target=serve)
thread.start()
thread.join()
