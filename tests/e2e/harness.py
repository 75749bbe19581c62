"""All that a story needs, in one import."""

import os
import sys

sys.dont_write_bytecode = True  # the source tree stays as it was, also below the servers
os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
os.environ.pop("PYTHONUNBUFFERED", None)  # print() would write a line and its end one by one

# pylint: disable=unused-import,wrong-import-position
from network import (REUSEADDR, ask, ask_who, bind_errno, connect, free_port, is_listening,
                     is_refused, read_all, tcp_sockets, unix_paths, wait_answer, wait_who)
from supervised import Lines, Sup, run_sup, sup_binary
from tap import (NOBODY, PATIENCE, TOP_BUILDDIR, TOP_SRCDIR, Skip, diag, for_everybody, need,
                 need_bare, need_root, required, run, server, step, take_load_slot, wait_until,
                 without)

PYTHON = "/usr/bin/python3"
