#!/usr/bin/python3
"""nginx with a master and two workers, which does not wait for its clients at SIGTERM, and --drain=connections; see reloads.py."""

from reloads import check_clients, check_load, reload_story, start
from under_load import nginx

PORT = 8001

reload_story(
    "nginx with a master and two workers",
    lambda t: ("--drain=connections", *nginx(t, PORT)),
    lambda t: [(check_load, start(t, "load.py", "http", "127.0.0.1", PORT, 200)),
               (check_clients, start(t, "clients.py", "keep-alive", "127.0.0.1", PORT))])
