"""The story of a server that is reloaded again and again under load.

The files reloads_SERVER.py name the server. 100 reloads unless SUP_TEST_RELOADS says otherwise; 200
new connections a second meanwhile, and clients that make several requests on a connection. Not one
request may fail, whatever the server does at its stop signal.
"""

import json
import os
import signal
import subprocess
import time

import procs
from harness import PATIENCE, PYTHON, Sup, diag, need_root, run, step, take_load_slot, wait_until
from supervised import sup_binary

N_RELOADS = int(os.environ.get("SUP_TEST_RELOADS", "100"))
TERM_IS_CAUGHT = 1 << signal.SIGTERM - 1
HERE = os.path.dirname(os.path.abspath(__file__))


def verb(t, *words, deadline=60):
    """Runs `sup VERB --control …`; (exit status, all that it said)."""
    done = subprocess.run([sup_binary(), words[0], "--control", t.path("control"),
                           *map(str, words[1:])], timeout=deadline * PATIENCE, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout.decode()


def status(t):
    return json.loads(verb(t, "status", "--json")[1])


def start(t, program, *arguments):
    """A process with JSON as its last word."""
    process = subprocess.Popen([PYTHON, os.path.join(HERE, program), *map(str, arguments)],
                               stdout=subprocess.PIPE)
    t.defer(process.stdout.close)
    t.defer(process.kill)
    wait_until(lambda: int(procs.status_field(process.pid, "SigCgt"), 16) & TERM_IS_CAUGHT,
               f"{program} runs")
    return process


def end(process):
    process.terminate()
    return json.loads(process.communicate(timeout=60 * PATIENCE)[0])


def check_load(counts):
    """No new connection failed."""
    diag("{started} connections at {rate:.0f}/s: {ok} ok, {refused} refused, {timed_out} timed out, "
         "{reset} reset, {early_eof} early EOFs, {other} other; slowest {slowest_ms:.0f} ms"
         .format(**counts))
    bad = {outcome: counts[outcome] for outcome in
           ("refused", "timed_out", "reset", "early_eof", "other") if counts[outcome]}
    assert not bad, f"{bad} {counts['others']}"
    assert counts["ok"] == counts["started"] > 0


def check_clients(counts):
    """No request of the clients that stay failed."""
    diag("{ok} requests of clients that stay, {failed} failed {failures}".format(**counts))
    assert counts["failed"] == 0, counts["failures"]
    assert counts["ok"] > 0


def reload_many(t, sup, n_reloads, options=()):
    """Reloads one after the other; the time that each took, in milliseconds."""
    took = []
    for _ in range(n_reloads):
        before = set(procs.children_of(sup.pid))
        begin = time.monotonic()
        code, said = verb(t, "reload", *options)
        took.append((time.monotonic() - begin) * 1000)
        assert code == 0, said
        assert not before & set(procs.children_of(sup.pid)), "an old worker is still there"
    took.sort()
    diag(f"{n_reloads} reloads: median {took[len(took) // 2]:.0f} ms, longest {took[-1]:.0f} ms")


def reload_story(name, arguments, loads, n_reloads=N_RELOADS):
    """Registers and tells it; arguments(t) is what stands after `sup`, loads(t) the processes."""

    @step(f"{name} is reloaded {n_reloads} times under load, and no request fails")
    def _(t):
        need_root("the network of the story is its own")
        take_load_slot()
        sup = Sup(t, "--control", t.path("control"), *arguments(t))
        wait_until(lambda: verb(t, "ready")[0] == 0, "it serves", 30)
        running = loads(t)
        wait_until(lambda: len(procs.children_of(sup.pid)) == 1, "one worker runs")
        fds = len(procs.fds_of(sup.pid))
        reload_many(t, sup, n_reloads)
        results = [(check, end(process)) for check, process in running]
        for check, counts in results:
            check(counts)
        last = status(t)["last_reload"]
        assert last["overflows"] == 0, last
        wait_until(lambda: len(procs.fds_of(sup.pid)) <= fds, "no fd more than before")
        assert len(status(t)["workers"]) == 1, status(t)
        assert sup.stop() == 0, "sup did not stop cleanly"

    run()
