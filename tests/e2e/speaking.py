#!/usr/bin/python3
"""What sup says, in which form, and that it lets its workers speak for themselves."""

import json
import os
import re
import subprocess
import time

import procs
from harness import (PYTHON, Skip, Sup, ask_who, free_port, run, run_sup, server, step,
                     sup_binary, wait_who)


def story(t, *options, **popen):
    """A server is started, killed and stopped; all of sup's lines."""
    port = free_port()
    sup = Sup(t, *options, "--", PYTHON, server("simple.py"), port, **popen)
    wait_who(port)
    sup.kill_worker()
    ask_who(port)
    sup.stop()
    return [line.replace(f"127.0.0.1:{port}", "127.0.0.1:PORT") for line in sup.err.until_end()]


@step("one line for each event: held, died, listening again")
def _(t):
    lines = story(t)
    assert all(line.startswith("sup: ") for line in lines), lines
    for sentence in ("holding 127.0.0.1:PORT (tcp), bound by ", "was killed by signal 9 (KILL)",
                     "is listening again"):
        assert sum(sentence in line for line in lines) == 1, (sentence, lines)


@step("a core dump is mentioned, and only when there is one")
def _(t):
    with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
        if file.read().startswith("|"):
            raise Skip("core dumps go to a program of this machine")
    for limit, dumped in (("unlimited", True), ("0", False)):
        _, lines = run_sup(t, "--restart=never", "--limit", f"core={limit}", "--",
                           "sh", "-c", "kill -ABRT $$")
        said, = [line for line in lines if "was killed by signal 6 (ABRT)" in line]
        assert ("core dumped" in said) == dumped, lines


@step("--log-format=json: every line is one JSON object")
def _(t):
    lines = story(t, "--log-format=json")
    objects = [json.loads(line) for line in lines]
    assert objects and all(isinstance(each, dict) for each in objects), lines
    assert any("killed by signal 9" in json.dumps(each) for each in objects), lines


@step("-q: only what went wrong; -v: more than usual")
def _(t):
    quiet, usual, verbose = story(t, "-q"), story(t), story(t, "-v")
    assert not [line for line in quiet if "holding" in line], quiet
    assert len(quiet) < len(usual) < len(verbose), (len(quiet), len(usual), len(verbose))


@step("<N> stands before every line when stderr is the journal's stream")
def _(t):
    set_it = ["sh", "-c", 'JOURNAL_STREAM=$(stat -L -c %d:%i /proc/self/fd/2) exec "$@"', "sh"]
    lines = story(t, prefix=set_it)
    assert lines and all(re.match("<[0-7]>", line) for line in lines), lines
    other = story(t, env={"JOURNAL_STREAM": "1:1"})
    assert all(line.startswith("sup: ") for line in other), other


@step("nobody reads what it says: the server runs and is restarted all the same")
def _(t):
    reader, writer = os.pipe()
    t.defer(os.close, reader)
    os.set_blocking(writer, False)
    while True:
        try:
            os.write(writer, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(writer, True)
    for options in ([], ["--log-format=json"]):
        port = free_port()
        command = f"exec 2>/dev/null; exec {PYTHON} {server('simple.py')} {port}"
        process = subprocess.Popen([sup_binary(), "-v", *options, "--", "sh", "-c", command],
                                   stdin=subprocess.DEVNULL, stderr=writer)
        t.defer(process.kill)
        pid = wait_who(port)["pid"]
        procs.kill_and_wait(int(pid))
        assert ask_who(port)["pid"] != pid
        process.terminate()
        assert process.wait(10) == 0
    os.close(writer)


@step("what a worker writes to stdout and stderr passes through untouched")
def _(t):
    sup = Sup(t, "--restart=never", "--", "sh", "-c", "echo sup: err >&2; echo out; read _ || true",
              stdin=subprocess.PIPE)
    sup.out.wait_for("out")  # before that, the shell has its stderr in the place of its stdout
    assert procs.fds_of(sup.worker())[1] == procs.fds_of(sup.pid)[1]
    sup.process.stdin.close()
    assert sup.wait() == 0
    assert sup.out.until_end() == ["out"]
    assert "sup: err" in sup.err.until_end()


@step("no colour when stderr is not a terminal")
def _(t):
    assert not [line for line in story(t) if "\033" in line]


@step("--version and --help: on stdout, status 0, nothing on stderr")
def _(t):
    for option, word in (("--version", "sup"), ("-V", "sup"), ("--help", "--listen"),
                         ("-h", "--listen")):
        sup = Sup(t, option)
        assert sup.wait() == 0
        assert word in "\n".join(sup.out.until_end()), sup.out.lines
        assert sup.err.until_end() == []


@step("every option of --help has a long name and stands there once")
def _(t):
    sup = Sup(t, "--help")
    sup.wait()
    text = "\n".join(sup.out.until_end())
    for name in ("listen", "workers", "capture", "compat", "stdin", "no-listen-pid", "restart",
                 "restart-limit", "backoff-max", "stop-signal", "stop-timeout", "user", "group",
                 "chdir", "umask", "env", "env-file", "pid-file", "limit", "name", "log-format"):
        assert f"--{name}" in text, name


@step("an idle sup says nothing")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("simple.py"), port)
    wait_who(port)
    sup.wait_for_log("holding")
    mark = sup.mark()
    time.sleep(2)
    assert sup.mark() == mark, sup.err.lines


run()
