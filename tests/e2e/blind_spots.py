#!/usr/bin/python3
"""What ss, netstat, lsof and fuser say of a port that cannot be bound, next to `sup why`.

With SUP_BLIND_SPOTS=FILE all that they print goes into a page (`make blind-spots` writes
doc/blind-spots.md that way).
"""

import os
import platform
import re
import signal
import subprocess

import procs
from asking import wait_stopped
from harness import NOBODY, PATIENCE, PYTHON, need, need_root, run, step, sup_binary
from supervised import Lines
from tap import for_everybody

HERE = os.path.dirname(os.path.abspath(__file__))
STAGE = os.path.join(HERE, "..", "..", "examples", "reuseaddr")
TOOLS = ("ss", "netstat", "lsof", "fuser")
PORT = 29877  # of which no other namespace is likely to have a listener
OUTGOING_PORT = 40001  # clients get such ones

cases = []


class Case:
    """One situation: the text about it, and what each tool printed."""

    def __init__(self, title, text):
        self.title, self.text, self.printed, self.cells = title, text, {}, {}

    def look(self, pid, port, reason, *options):
        """Asks all tools, and judges by what they print: the process, and the reason."""
        for tool, command in (
                ("ss", f"ss -Htanp 'sport = :{port}'"),
                ("netstat", f"netstat -tanp | grep ':{port} '"),
                ("lsof", f"lsof -nP -iTCP:{port}"),
                ("fuser", f"fuser -v {port}/tcp"),
                ("sup why", " ".join(("sup why", *options, str(port))))):
            said = shell(command)
            self.printed[tool] = (command, said)
            self.cells[tool] = judge(said, pid, reason)
        cases.append(self)


def shell(command):
    env = dict(os.environ, PATH=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    env["SUP"] = sup_binary()
    done = subprocess.run(["sh", "-c", f'sup() {{ "$SUP" "$@"; }}; {command}'], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          stdin=subprocess.DEVNULL, timeout=30 * PATIENCE)
    # fuser names every file of others that it may not stat.
    return "\n".join(line.rstrip() for line in done.stdout.splitlines()
                     if not line.startswith("Cannot stat file")).strip("\n")


def judge(said, pid, reason):
    if not said:
        return "nothing"
    if not re.search(rf"\b{pid}\b", said):
        return "a socket"
    return "process, reason" if re.search(reason, said) else "the process"


def play(t, *words, user=False):
    """Starts sock.py, and returns its pid and what it said when it was ready."""
    for tool in TOOLS:
        need(tool)
    need_root("the sockets of all users")
    process = subprocess.Popen(
        ["python3", "sock.py", *words], executable=PYTHON, cwd=for_everybody(STAGE),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, start_new_session=True,
        **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if user else {}))
    said = Lines(process.stdout)
    t.defer(process.wait)
    t.defer(process.kill)
    return process.pid, said.wait_for("^sock.py: (.*)")[1]


def check(case, *seeing_nothing):
    """What is claimed: these see nothing, and sup alone names process and reason."""
    assert case.cells["sup why"] == "process, reason", case.printed["sup why"][1]
    for tool in TOOLS:
        assert case.cells[tool] != "process, reason", case.printed[tool][1]
        if tool in seeing_nothing:
            assert case.cells[tool] == "nothing", case.printed[tool][1]


@step("bound and not listening: unseen by ss, netstat and fuser")
def _(t):
    case = Case("Bound, not listening", "A process has called bind() and not listen().")
    pid, _ = play(t, "bind", f"127.0.0.1:{PORT}")
    case.look(pid, PORT, "without listening")
    check(case, "ss", "netstat", "fuser")


@step("a stopped holder: the others name it, and not that it is stopped")
def _(t):
    case = Case("A stopped holder", "The listener's process was stopped, as by Ctrl-Z.")
    pid, _ = play(t, "listen", f"127.0.0.1:{PORT}")
    os.kill(pid, signal.SIGSTOP)
    wait_stopped(pid)
    case.look(pid, PORT, "which is stopped")
    check(case)


@step("a leaked fd: the others name the child, and not that it only inherited the listener")
def _(t):
    case = Case("A leaked descriptor", "The server is dead; `sleep`, which it had started, has "
                "inherited its listener.")
    server, said = play(t, "listen", f"127.0.0.1:{PORT}", "child")
    pid = int(said.split()[-1])
    procs.kill_and_wait(server)
    case.look(pid, PORT, "has the listener .* does not take connections")
    check(case)


@step("an outgoing connection: the others show a connection, and not what it means")
def _(t):
    case = Case("An outgoing connection", "A client was given the port for a connection to another "
                "server.")
    play(t, "listen", f"127.0.0.1:{PORT}")
    pid, _ = play(t, "connect", f"127.0.0.1:{PORT}", f"127.0.0.1:{OUTGOING_PORT}")
    case.look(pid, OUTGOING_PORT, "uses the port for its own connection")
    check(case)


@step("a self-connect: the others show a connection, and not what it means")
def _(t):
    case = Case("A self-connect", "A client that tried to reach the port got that port as its own.")
    pid, _ = play(t, "connect", f"127.0.0.1:{OUTGOING_PORT}", f"127.0.0.1:{OUTGOING_PORT}")
    case.look(pid, OUTGOING_PORT, "is connected to itself")
    check(case)


@step("another user's SO_REUSEPORT group: the others name the process, and not the group")
def _(t):
    case = Case("Another user's SO_REUSEPORT group", "The new server has SO_REUSEPORT, as the one "
                "that listens, but runs as another user.")
    pid, _ = play(t, "listen", f"127.0.0.1:{PORT}", "reuseport", user=True)
    case.look(pid, PORT, f"group belongs to uid {NOBODY}", "--reuseport", "--as-user", "daemon")
    check(case)


def version(command):
    return re.search(r"\d+(\.\d+)+", shell(command))[0]


def page():
    """All cases as Markdown."""
    columns = (*TOOLS, "sup why")
    yield "# Blind spots"
    yield ""
    yield ("What the usual tools print of a port that cannot be bound, next to what `sup why` "
           "prints, all as\nroot. `make blind-spots` made this page with tests/e2e/blind_spots.py, "
           "which `make check` runs too;\nnothing in it was written by hand. \"Reason\": the output "
           "says why the port cannot be bound, also to\na reader who does not know it yet. What "
           "fuser says of files that it may not look at is left out.")
    yield ""
    yield "| | " + " | ".join(columns) + " |"
    yield "|---" * (len(columns) + 1) + "|"
    for case in cases:
        cells = (case.cells[column] for column in columns)
        anchor = re.sub(r"[^a-z0-9 _-]", "", case.title.lower()).replace(" ", "-")
        yield f"| [{case.title}](#{anchor}) | " + " | ".join(cells) + " |"
    yield ""
    yield (f"iproute2 {version('ss -V')}, net-tools {version('netstat --version')}, "
           f"lsof {version('lsof -v')}, psmisc {version('fuser -V')}, Linux "
           f"{re.match('[0-9]+[.][0-9]+', platform.release())[0]}.")
    for case in cases:
        yield from ("", f"## {case.title}", "", case.text, "", "```")
        for column in columns:
            command, said = case.printed[column]
            yield f"$ {command}"
            yield from said.splitlines() or ["(nothing)"]
            if column != columns[-1]:
                yield ""
        yield "```"


@step("all six of them in a table")
def _(t):
    play(t, "bind", f"127.0.0.1:{PORT}")  # skips where the others were skipped
    assert len(cases) == 6, "not all of them were produced"
    text = "\n".join(page()) + "\n"
    assert text.count("process, reason") == 6
    output = os.environ.get("SUP_BLIND_SPOTS")
    if output:
        with open(output, "w", encoding="utf-8") as file:
            file.write(text)


run()
