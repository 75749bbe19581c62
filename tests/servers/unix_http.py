#!/usr/bin/python3
"""Habit: HTTP over a unix socket, whose path it removes before it binds; dies at SIGTERM.

usage: unix_http.py PATH
"""

import os
import socketserver
import sys
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    """Says who answers."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"pid={os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self):
        return "unix"

    def log_message(self, *_):
        pass


class Server(socketserver.ThreadingUnixStreamServer):
    """One thread for each connection."""

    daemon_threads = True
    request_queue_size = 128


if os.path.exists(sys.argv[1]):
    os.unlink(sys.argv[1])
Server(sys.argv[1], Handler).serve_forever()
