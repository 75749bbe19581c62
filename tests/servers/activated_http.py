#!/usr/bin/python3
"""Habit: an HTTP server that takes its listener by the protocol of sd_listen_fds(3).

usage: activated_http.py
"""

import http.server
import sys

from answering import passed_listeners


class Hello(http.server.BaseHTTPRequestHandler):
    """Says hello to every GET, and logs nothing."""

    def do_GET(self):  # the name that http.server wants
        body = b"hello from an activated server\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


listeners = passed_listeners()
if not listeners:
    sys.exit("activated_http.py: no listener was passed")
server = http.server.ThreadingHTTPServer(("", 0), Hello, bind_and_activate=False)
server.socket.close()
server.socket = listeners[0]
server.serve_forever()
