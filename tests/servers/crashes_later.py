#!/usr/bin/python3
"""Habit: serves HTTP well, and is dead SECONDS later.

usage: crashes_later.py PORT SECONDS
"""

import os
import socketserver
import sys
import threading
from http.server import BaseHTTPRequestHandler


class Handler(BaseHTTPRequestHandler):
    """Says who answers."""

    def do_GET(self):
        body = f"pid={os.getpid()}\n".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


threading.Timer(float(sys.argv[2]), os.abort).start()
with socketserver.TCPServer(("127.0.0.1", int(sys.argv[1])), Handler) as server:
    server.serve_forever()
