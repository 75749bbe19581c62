#!/usr/bin/python3
"""a static Go server, which does not wait for its clients at SIGTERM, and --drain=connections; see reloads.py."""

from reloads import check_clients, check_load, reload_story, start
from under_load import go_http

PORT = 8001

reload_story(
    "a static Go server",
    lambda t: ("--drain=connections", *go_http(t, PORT)),
    lambda t: [(check_load, start(t, "load.py", "http", "127.0.0.1", PORT, 200)),
               (check_clients, start(t, "clients.py", "keep-alive", "127.0.0.1", PORT))])
