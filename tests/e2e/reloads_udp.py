#!/usr/bin/python3
"""An echo of datagrams that dies at SIGTERM, and --drain=connections; see reloads.py."""

from harness import PYTHON, server
from reloads import check_clients, reload_story, start

PORT = 8001

reload_story(
    "a UDP echo",
    lambda t: ("--drain=connections", "-l", f"udp:127.0.0.1:{PORT}", "--", PYTHON,
               server("udp_echo.py"), PORT),
    lambda t: [(check_clients, start(t, "clients.py", "udp", "127.0.0.1", PORT, 8))])
