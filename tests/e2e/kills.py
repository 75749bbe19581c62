"""The story of an unmodified server that is SIGKILLed again and again under load.

The files kills_SERVER_USER.py name the server and the user. 50 kills unless SUP_TEST_KILLS says
otherwise; 220 new connections a second meanwhile. Before each SIGKILL the server's processes are
stopped for the moment it takes to count the connections that they have accepted: so many clients
may lose theirs, and no other.
"""

import json
import os
import subprocess
import time

import procs
from network import open_connections
from harness import (PATIENCE, PYTHON, Sup, ask, diag, free_port, need_root, run, step,
                     take_load_slot, wait_answer)

N_KILLS = int(os.environ.get("SUP_TEST_KILLS", "50"))
LIFE = 1.1  # seconds of service after which the next restart of a server that binds is immediate
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
LOAD = os.path.join(os.path.dirname(os.path.abspath(__file__)), "load.py")


def accepted_by(tree, port):
    """The number of connections to the port that processes of the tree have open."""
    return len(open_connections(port) & set().union(*map(procs.socket_inodes, tree)))


def kill_once(sup, port):
    """SIGKILLs the server; (connections it had accepted, seconds until a client had an answer)."""
    main = sup.worker()
    tree = [main, *procs.descendants_of(main)]
    procs.stop_and_wait(tree)
    accepted = accepted_by(tree, port)
    killed = time.monotonic()
    procs.kill_and_wait(main)
    ask(port, REQUEST)
    answered = time.monotonic()
    left = [pid for pid in tree if procs.alive(pid)]
    assert not left, f"processes of the killed server still live: {left}"
    return accepted, answered - killed


def kill_story(name, arguments, ordinary_user, life=LIFE):
    """Registers and tells the story; arguments(t, port) gives what stands after `sup`."""
    whom = "an ordinary user" if ordinary_user else "root"

    @step(f"{name} as {whom} is killed {N_KILLS} times under load, and no connection is refused")
    def _(t):
        if ordinary_user and os.geteuid() != 0:
            diag("the test itself is run by the ordinary user")
        elif not ordinary_user:
            need_root("the story is told once as root and once as an ordinary user")
        take_load_slot()
        port = free_port()
        sup = Sup(t, *arguments(t, port), user=ordinary_user)
        wait_answer(port, REQUEST)
        load = subprocess.Popen([PYTHON, LOAD, "http", "127.0.0.1", str(port), "220"],
                                stdout=subprocess.PIPE)
        t.defer(load.stdout.close)
        t.defer(load.kill)
        accepted, answers = 0, []
        for _ in range(N_KILLS):
            time.sleep(life)
            more, answer = kill_once(sup, port)
            accepted += more
            answers.append(answer)
        load.terminate()
        counts = json.loads(load.communicate(timeout=30 * PATIENCE)[0])
        tell(counts, accepted, answers)
        check(counts, accepted)
        assert sup.stop() == 0, "sup did not stop cleanly"

    run()


def tell(counts, accepted, answers):
    answers.sort()
    diag("{started} connections at {rate:.0f}/s: {ok} ok, {refused} refused, {timed_out} timed "
         "out, {reset} reset, {early_eof} early EOFs, {other} other; slowest {slowest_ms:.0f} ms"
         .format(**counts))
    diag(f"the killed processes had accepted {accepted} connections")
    diag(f"answered after the kill: median {answers[len(answers) // 2] * 1000:.0f} ms, "
         f"slowest {answers[-1] * 1000:.0f} ms")


def check(counts, accepted):
    lost = counts["reset"] + counts["early_eof"]
    assert counts["rate"] >= 200, f"only {counts['rate']:.0f} connections a second"
    for outcome in ("refused", "timed_out", "other"):
        assert counts[outcome] == 0, f"{counts[outcome]} {outcome}"
    assert lost <= accepted, f"{lost} connections were lost, only {accepted} had been accepted"
