#!/usr/bin/python3
"""--config FILE: the same options, one a line."""

import re

import procs
from harness import PYTHON, Sup, free_port, run, run_sup, server, step, wait_who


def config(t, *lines):
    return t.write("sup.conf", "".join(f"{line}\n" for line in lines))


def refuses(t, sentence, *lines):
    """sup says the one sentence (a regexp), after the file and the number of its last line."""
    path = config(t, *lines)
    status, said = run_sup(t, "--config", path, "--", "true")
    assert status == 2 and len(said) == 1, (status, said)
    assert re.search(rf"^sup: {re.escape(path)}:{len(lines)}: .*{sentence}", said[0]), said


@step("options, comments, empty lines and blanks; the command as well")
def _(t):
    port = free_port()
    path = config(t, "# what it serves", "", f"  listen=web=127.0.0.1:{port}  ", "name = shop",
                  "\tenv = A=b # c ", "no-listen-pid",
                  f"command = {PYTHON} '{server('activated.py')}'")
    sup = Sup(t, "--config", path)
    wait_who(port)
    env = procs.environment_of(sup.worker())
    assert env["LISTEN_FDNAMES"] == "web" and env["SUP_NAME"] == "shop"
    assert env["A"] == "b # c" and "LISTEN_PID" not in env


@step("a file without a newline at its end, and one from Windows")
def _(t):
    for text in ("name = shop\ncommand = echo x", "name = shop\r\n\r\ncommand = echo x\r\n"):
        sup = Sup(t, "--restart=never", "--config", t.write("sup.conf", text))
        assert sup.wait() == 0
        assert sup.out.until_end() == ["x"]


@step("the command line has the last word, wherever --config stands; lists are joined")
def _(t):
    ports = free_port(), free_port()
    path = config(t, f"listen = a=127.0.0.1:{ports[0]}", "name = file", "env = A=file",
                  "env = B=file", "command = /bin/false")
    sup = Sup(t, "--name", "line", "--env", "A=line", "-l", f"b=127.0.0.1:{ports[1]}",
              "--config", path, "--", "/bin/sleep", "1000")
    env = procs.environment_of(sup.sleeping_worker())
    assert [env[name] for name in ("SUP_NAME", "A", "B")] == ["line", "line", "file"], env
    assert env["LISTEN_FDNAMES"] == "a:b"


@step("two files: the second one has the last word")
def _(t):
    second = t.write("second.conf", "name = second\n")
    sup = Sup(t, "--config", config(t, "name = first", "command = /bin/sleep 1000"),
              "--config", second)
    assert procs.environment_of(sup.sleeping_worker())["SUP_NAME"] == "second"


@step("an option without argument takes yes and no")
def _(t):
    sup = Sup(t, "--config", config(t, "no-listen-pid = no", "verbose = yes",
                                    f"listen = 127.0.0.1:{free_port()}",
                                    "command = /bin/sleep 1000"))
    pid = sup.sleeping_worker()
    assert procs.environment_of(pid)["LISTEN_PID"] == str(pid)
    sup.wait_for_log("worker 1 started")


@step("the words of a command are quoted as in a shell, and nothing is expanded")
def _(t):
    words = r"""printf '%s\n' 'a  b' "c \"d\" \x" e\ f '' "$HOME" *  g'h'"i" | >x"""
    sup = Sup(t, "--restart=never", "--command", words)
    assert sup.wait() == 0
    seen = sup.out.until_end()
    assert seen == ["a  b", r'c "d" \x', "e f", "", "$HOME", "*", "ghi", "|", ">x"], seen


@step("what is wrong is told with the file and the line")
def _(t):
    refuses(t, "no option 'colour'", "name = x", "", "colour = red")
    refuses(t, "'8080x' is not", "listen = 8080x")
    refuses(t, "listen needs a value", "listen")
    refuses(t, "standby", "standby = many")
    refuses(t, "workers 0 is not a number", "workers = 0")
    refuses(t, "without dashes", "--listen = 8080")
    refuses(t, "no option 'l'", "l = 8080")
    refuses(t, "yes or no", "quiet = perhaps")
    refuses(t, "command line only", "config = other")
    refuses(t, "command line only", "help")
    refuses(t, "quote", "command = 'x")
    refuses(t, "no word", "command =")
    refuses(t, "not a text file", "name = x\0y")


@step("a file that cannot be read, and one that lacks the command")
def _(t):
    for path, sentence in (("/no/such/file", "/no/such/file"), (t.dir, re.escape(t.dir)),
                           (config(t, "name = x"), "command = ")):
        status, said = run_sup(t, "--config", path)
        assert status == 2 and len(said) == 1 and re.search(sentence, said[0]), (status, said)


run()
