#!/usr/bin/python3
"""A canary gets its share of the new connections, and after the commit all of them."""

import os
import subprocess

from harness import PYTHON, Sup, ask_who, diag, need_root, run, server, step, wait_until
from reloads import status, verb
from supervised import sup_binary

N_CONNECTIONS = int(os.environ.get("SUP_TEST_CANARY", "10000"))


@step(f"5 %: of {N_CONNECTIONS} connections 3 to 7 % reach the new generation; then all")
def _(t):
    need_root("the network of the story is its own")
    sup = Sup(t, "--control", t.path("control"), "--", PYTHON, server("simple.py"), 8001)
    wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
    go = t.path("go")
    reload = subprocess.Popen(
        [sup_binary(), "reload", "--control", t.path("control"), "--canary", "5%", "--bake", "1s",
         "--check", f"while ! test -e {go}; do sleep 0.1; done"], stdout=subprocess.DEVNULL)
    t.defer(reload.wait)
    t.defer(reload.kill)
    wait_until(lambda: status(t)["state"] == "baking", "the canary is there", 30)
    reached = sum(ask_who(8001)["generation"] == "2" for _ in range(N_CONNECTIONS))
    diag(f"{reached} of {N_CONNECTIONS} connections: {100 * reached / N_CONNECTIONS:.1f} %")
    assert 0.03 <= reached / N_CONNECTIONS <= 0.07
    t.write("go", "")
    assert reload.wait(60) == 0
    assert all(ask_who(8001)["generation"] == "2" for _ in range(500))
    assert sup.stop() == 0


@step("a canary that is taken back leaves all connections to the old generation")
def _(t):
    need_root("the network of the story is its own")
    Sup(t, "--control", t.path("control"), "-n", "2", "--", PYTHON, server("simple.py"), 8001)
    wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
    code, said = verb(t, "reload", "--canary", "50%", "--bake", "30s", "--check",
                      "sleep 1; exit 4")
    assert code == 1 and "status 4" in said, said
    assert all(ask_who(8001)["generation"] == "1" for _ in range(200))


run()
