#!/usr/bin/python3
"""Node's http server, as an ordinary user, is killed under load; see kills.py."""

from kills import kill_story
from under_load import node_http

kill_story("Node's http server", node_http, ordinary_user=True)
