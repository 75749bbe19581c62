#!/usr/bin/python3
"""Habit: says each time that it is asked to stop; then it takes 0.3 or 1.3 s to end.

usage: says_stop.py
"""

import os
import signal
import time

signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
os.write(1, b"ready\n")
signal.sigwait([signal.SIGTERM])
os.write(1, b"asked\n")
end = time.monotonic() + 0.3 + os.getpid() % 2
while (left := end - time.monotonic()) > 0:
    if signal.sigtimedwait([signal.SIGTERM], left):
        os.write(1, b"asked\n")
os.write(1, b"ended\n")
