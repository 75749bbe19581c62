#!/usr/bin/python3
"""What cannot work is refused in one clear sentence, and nothing else is disturbed."""

import os
import re
import resource
import socket

import procs
from harness import (PYTHON, Skip, Sup, free_port, is_refused, need_bare, run, run_sup, server,
                     step, wait_who, without)


def refuses(t, status, sentence, *options, command=None, **popen):
    """sup says the one sentence (a regexp), ends with the status, and has started nothing."""
    command = command or ["touch", t.path("started")]
    seen, lines = run_sup(t, *options, "--", *command, **popen)
    assert len(lines) == 1, lines
    assert lines[0].startswith("sup: "), lines
    assert re.search(sentence, lines[0]), lines
    assert seen == status, f"status {seen}"
    assert not os.path.exists(t.path("started")), "the command was started"


@step("an address that makes no sense")
def _(t):
    for address in ("", "nonsense", "127.0.0.1:", ":::80", "[::1", "300.1.1.1:80", "8080x",
                    "vsock:1", "fd:x"):
        refuses(t, 2, re.escape(address), "-l", address)


@step("port 70000")
def _(t):
    refuses(t, 2, r"70000.*65535", "-l", "70000")
    refuses(t, 2, r"70000.*65535", "-l", "127.0.0.1:70000")


@step("an attribute that is unknown, has a wrong value, or does not belong to the address")
def _(t):
    for address, sentence in (("8080,colour=red", "colour"), ("8080,backlog=many", "many"),
                              ("8080,mode=0600", "mode"), ("/tmp/x,mode=9", "9"),
                              ("/tmp/x,v6only", "v6only"), ("8080,as=70000", "70000")):
        refuses(t, 2, sentence, "-l", address)


@step("an unknown option")
def _(t):
    refuses(t, 2, "--colour", "--colour=red")
    refuses(t, 2, "-Z", "-Z")


@step("options with values that cannot be")
def _(t):
    for options in (["-n", "0"], ["-n", "x"], ["--restart=sometimes"], ["--restart-limit", "5"],
                    ["--backoff-max", "soon"], ["--stop-signal", "NOSUCH"], ["--capture=maybe"],
                    ["--compat=apache"], ["--umask", "9"], ["--limit", "NOSUCH=1"],
                    ["--env", "=x"], ["--log-format=xml"], ["--stop-timeout", "-1"]):
        refuses(t, 2, re.escape(options[-1].rpartition("=")[2] or options[-1]), *options)


@step("a user, a directory, a file of variables, or a socket's name that does not exist")
def _(t):
    refuses(t, 2, "no-such-user", "--user", "no-such-user")
    refuses(t, 2, "no-such-name", "--stdin", "no-such-name")
    refuses(t, 2, "no-such-name", command=["echo", "{fd:no-such-name}"])
    for option in ("--chdir", "--env-file"):
        seen, lines = run_sup(t, option, "/no/such/file", "--", "touch", t.path("started"))
        assert seen in (1, 2) and len(lines) == 1 and "/no/such/file" in lines[0], (seen, lines)
        assert not os.path.exists(t.path("started"))


@step("no command at all")
def _(t):
    seen, lines = run_sup(t)
    assert seen == 2 and len(lines) == 1 and "command" in lines[0].lower(), (seen, lines)


@step("a program that does not exist: 127")
def _(t):
    refuses(t, 127, "/no/such/program", command=["/no/such/program"])
    refuses(t, 127, "no-such-program", command=["no-such-program"])


@step("a program without the permission to be executed: 126")
def _(t):
    path = t.write("program", "#!/bin/sh\n", 0o644)
    refuses(t, 126, re.escape(path), command=[path])
    refuses(t, 126, re.escape(t.dir), command=[t.dir])


@step("a port that another process uses: sup names it and its pid, and leaves it alone")
def _(t):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)) as other:
        refuses(t, 1, rf"{port}.*\bpid {os.getpid()}\b", "-l", f"127.0.0.1:{port}")
        refuses(t, 1, rf"{port}.*\bpid {os.getpid()}\b", "-l", str(port))
        assert not is_refused(port)
        assert other.fileno() >= 0


@step("a unix path on which another process listens is never replaced, a stale one is")
def _(t):
    path = t.path("socket")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(path)
        other.listen()
        refuses(t, 1, rf"{re.escape(path)}.*\bpid {os.getpid()}\b", "-l", path)
        assert not is_refused(path)
    Sup(t, "-l", path, "--", PYTHON, server("activated.py"))
    wait_who(path)


@step("a unix path at which there is a file, or whose directory does not exist")
def _(t):
    path = t.write("file", "precious\n")
    refuses(t, 1, re.escape(path), "-l", path)
    with open(path, encoding="utf-8") as file:
        assert file.read() == "precious\n"
    refuses(t, 1, "/no/such/dir", "-l", "/no/such/dir/socket")


@step("a privileged port without the right to it")
def _(t):
    with open("/proc/sys/net/ipv4/ip_unprivileged_port_start", encoding="utf-8") as file:
        if int(file.read()) <= 80:
            raise Skip("every user may bind port 80 here")
    refuses(t, 1, r"\b80\b.*(privileg|CAP_NET_BIND_SERVICE)", "-l", "127.0.0.1:80", user=True)


@step("an address that is not one of this machine")
def _(t):
    refuses(t, 1, r"192\.0\.2\.1", "-l", "192.0.2.1:8080")


@step("a unix path that is too long")
def _(t):
    refuses(t, 2, r"\b10[78]\b", "-l", "/tmp/" + "x" * 200)
    refuses(t, 2, r"\b10[78]\b", "-l", "@" + "x" * 200)


@step("the same address twice")
def _(t):
    port = free_port()
    refuses(t, 2, rf"{port}", "-l", f"127.0.0.1:{port}", "-l", f"127.0.0.1:{port}")


@step("1025 listeners")
def _(t):
    listens = [word for n in range(1025) for word in ("-l", f"@{t.dir}/{n}")]
    refuses(t, 2, r"\b1024\b", *listens)


@step("more listeners than there may be open files: the limit is named, and all sockets are gone")
def _(t):
    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))

    paths = [t.path(f"socket{n}") for n in range(40)]
    listens = [word for path in paths for word in ("-l", path)]
    refuses(t, 1, r"open files", *listens, preexec_fn=few_files)
    assert not any(map(os.path.exists, paths)), "unix paths stayed behind"


# what a server needs at least: without a listener, and with one
LEAST_FILES = ([], 5), (["-l", "127.0.0.1:{port}"], 6)


@step("too few open files for the server: it says how many it needs")
def _(t):
    for listen, least in LEAST_FILES:
        refuses(t, 1, rf"--limit nofile={least - 1} is too few.* at least {least}", "--limit",
                f"nofile={least - 1}", *(word.format(port=free_port()) for word in listen))


@step("just as many open files as the server needs: it runs")
def _(t):
    need_bare("valgrind lets nobody change the hard limit of open files")
    for listen, least in LEAST_FILES:
        listen = [word.format(port=free_port()) for word in listen]
        status, _ = run_sup(t, "--limit", f"nofile={least}", *listen, "--restart=never", "--",
                            "/bin/true")
        assert status == 0


@step("too few open files for sup itself: it says how many it needs")
def _(t):
    need_bare("valgrind has open files of its own")
    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (12, 12))

    refuses(t, 1, r"open files.* 12\b.*ulimit -n", preexec_fn=few_files)


@step("a filter that cannot be installed: --capture=require refuses")
def _(t):
    refuses(t, 1, r"capture|filter", "--capture=require", prefix=without("seccomp"))
    refuses(t, 1, r"capture|filter", "--capture=require", prefix=without("seccomp=EPERM"))


@step("a filter that cannot be installed: auto says so in one line, the server runs")
def _(t):
    port = free_port()
    sup = Sup(t, "--", PYTHON, server("simple.py"), port, prefix=without("seccomp"))
    assert wait_who(port)["pid"] == str(sup.worker())
    sup.wait_for_log("capture|filter")
    said = [line for line in sup.said() if re.search("capture|filter", line)]
    assert len(said) == 1, sup.said()


@step("a worker that exits at once for ever: the port stays open, the starts become rare")
def _(t):
    port = free_port()
    sup = Sup(t, "-l", str(port), "--", "false")
    sup.wait_for_log("exited with status 1 .*failure 4 in a row")
    assert len(sup.said()) < 10, sup.said()
    assert not is_refused(port)
    assert sup.stop() == 0


@step("a worker that exits at once, with a limit of restarts: sup ends with its status")
def _(t):
    begin = sorted(procs.descendants_of(os.getpid()))
    status, lines = run_sup(t, "--restart-limit", "3/60", "--backoff-max", "100ms", "--",
                            "sh", "-c", "exit 3")
    assert status == 3, status
    assert all(line.startswith("sup: ") for line in lines), lines
    assert sorted(procs.descendants_of(os.getpid())) == begin


@step("a server that cannot bind since another one has its port fails as it would without sup")
def _(t):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        sup = Sup(t, "--", PYTHON, server("simple.py"), port)
        sup.wait_for_log("Address already in use")
    assert wait_who(port)["pid"] == str(sup.worker())


@step("and sup says who has the port")
def _(t):
    port = free_port()
    with socket.create_server(("127.0.0.1", port)):
        sup = Sup(t, "--", PYTHON, server("simple.py"), port)
        sup.wait_for_log(rf"^sup: .*{port}.*\bpid {os.getpid()}\b", 3)


run()
