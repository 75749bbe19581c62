#!/usr/bin/python3
"""nginx with a master and two workers, as root, is killed under load; see kills.py."""

from kills import kill_story
from under_load import nginx

kill_story("nginx with a master and two workers", nginx, ordinary_user=False)
