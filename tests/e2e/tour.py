#!/usr/bin/python3
"""The tour examples/reuseaddr: each script shows the trouble, what `sup why` says of it, and the cure."""

import os
import re
import subprocess

from harness import PATIENCE, Skip, diag, need, run, step, sup_binary

HERE = os.path.dirname(os.path.abspath(__file__))
TOUR = os.path.join(HERE, "..", "..", "examples", "reuseaddr")
IN_USE = r"Address already in use \(errno 98\)"


def play(t, script, *regexps):
    """Runs a script of the tour, which has to show all this in this order."""
    for program in ("ip", "ss", "sysctl", "unshare"):
        need(program)
    env = dict(os.environ, SUP=sup_binary(), PATH=f"/usr/bin:/bin:{os.environ['PATH']}")
    env["EXAMPLES"] = os.path.join(os.environ.get("top_builddir", os.path.join(HERE, "..", "..")),
                                   "examples")
    env.pop("SUP_TOUR_STAGE", None)
    ended = subprocess.run([os.path.join(TOUR, script)], env=env, cwd=t.dir, text=True,
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, timeout=60 * PATIENCE, check=False,
                           start_new_session=True)  # as in a terminal: ours adopts its orphans
    if ended.returncode == 77:
        raise Skip(ended.stdout.strip())
    position = 0
    for regexp in regexps:
        match = re.compile(regexp).search(ended.stdout, position)
        if not match:
            diag(ended.stdout)
        assert match, f"it does not show, or not in this order: {regexp}"
        position = match.end()
    assert ended.returncode == 0, f"{script} ended with status {ended.returncode}"


@step("a listener is named with its pid, and when it is ended the port is free")
def _(t):
    play(t, "listener.sh", IN_USE, r"echo-naive \(pid (\d+)\) listens on 0\.0\.0\.0:9877",
         r"to do: end pid", r"kill -TERM", "9877 is free", r"\$ echo-naive 9877 &")


@step("a stopped server is said to be stopped, and answers when it goes on")
def _(t):
    play(t, "stopped.sh", IN_USE, "which is stopped, listens", "kill -CONT", "It answers",
         "9877 is free")


@step("a listener that a child has inherited is traced to the child")
def _(t):
    play(t, "leaked-fd.sh", IN_USE, r"sleep \(pid \d+\) has the listener", "SOCK_CLOEXEC",
         "9877 is free")


@step("a port that is bound and not listened on is seen, where ss shows nothing")
def _(t):
    play(t, "bound-not-listening.sh", IN_USE, r"\$ ss [^\n]*\n\n", "has bound, without listening",
         "9877 is free")


@step("TIME_WAIT: how long it takes, why the option does not help at first, and that it does later")
def _(t):
    play(t, "time-wait.sh", IN_USE, r"is in TIME_WAIT; free in \d+ s", "had no SO_REUSEADDR",
         r"\$ echo-reuseaddr 9877\n +echo-reuseaddr: .*" + IN_USE, "what is left had SO_REUSEADDR",
         "It runs, and has answered", r"\$ sup -- echo-naive 9879 &", "Answered, at the first try")


@step(r"a listener on [::] is in the way of 0.0.0.0, until it sets IPV6_V6ONLY")
def _(t):
    play(t, "dual-stack.sh", IN_USE, "takes IPv4 as well", "IPV6_V6ONLY", "Both listen")


@step("an outgoing connection on the port is named, and a reserved port is given to no other")
def _(t):
    play(t, "outgoing.sh", IN_USE, "uses the port for its own connection to 127.0.0.1:7777",
         "ip_local_reserved_ports=40000", "from port 40001")


@step("use 1, a restart over old connections: refused without the option, and works with it")
def _(t):
    play(t, "use-1-restart.sh", IN_USE, "FIN_WAIT2", r"\$ echo-reuseaddr 9878 &",
         r"set SO_REUSEADDR on the server", r"\$ echo-reuseaddr 9878 &", r"127\.0\.0\.1:9878",
         "was killed by signal 9", "is listening again")


@step("use 2, servers on different local addresses: works without the option")
def _(t):
    play(t, "use-2-two-servers.sh", "sock.py: listening", "sock.py: listening", IN_USE, IN_USE,
         "1 more thing is in the way", r"127\.0\.0\.3:9877 \(tcp\) is free", "sock.py: listening")


@step("use 3, one server on several local addresses: works without the option")
def _(t):
    play(t, "use-3-several-addresses.sh", "sock.py: listening", IN_USE, IN_USE, "listens on",
         r"listen 0\.0\.0\.0:9877 &\n +sock.py: listening")


@step("use 4, the same address twice: not with TCP, and a theft with UDP")
def _(t):
    play(t, "use-4-duplicate.sh", "sock.py: bound", "sock.py: listening", IN_USE, "listens on",
         "got secret", "the first one, which is the service, has not", IN_USE,
         r"\(udp\) is not free")


run()
