#!/usr/bin/python3
"""Habit: an HTTP server that takes its listener by the protocol of sd_listen_fds(3).

It serves one client after the other.

usage: activated_http.py
"""

import sys

from answering import passed_listeners

BODY = b"hello from an activated server\n"
ANSWER = b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)

listeners = passed_listeners()
if not listeners:
    sys.exit("activated_http.py: no listener was passed")
while True:
    connection, _ = listeners[0].accept()
    with connection:
        try:
            connection.settimeout(5)
            request = b""
            while b"\r\n\r\n" not in request:
                chunk = connection.recv(4096)
                if not chunk:
                    break
                request += chunk
            connection.sendall(ANSWER)
        except OSError:
            pass  # the client is gone
