#!/usr/bin/python3
"""The options that shape a worker: user, directory, umask, variables, limits, pid file."""

import os
import resource

import procs
from harness import NOBODY, Sup, need_bare, need_root, run, run_sup, step


def sleeper(t, *options):
    """The pid of a worker that only sleeps."""
    sup = Sup(t, *options, "--", "/bin/sleep", "1000")
    pid = sup.sleeping_worker()
    return sup, pid


def max_open_files(pid):
    """The soft and the hard limit; prlimit(2) tells only who may set them."""
    with open(f"/proc/{pid}/limits", encoding="ascii") as file:
        return next(line.split()[3:5] for line in file if line.startswith("Max open files"))


@step("--user and --group, by name and by number; supplementary groups are the user's")
def _(t):
    need_root("another user's processes")
    for options in (["--user", "nobody"], ["--user", NOBODY, "--group", NOBODY]):
        _, pid = sleeper(t, *options)
        assert procs.status_field(pid, "Uid").split() == [str(NOBODY)] * 4
        assert procs.status_field(pid, "Gid").split() == [str(NOBODY)] * 4
        assert "0" not in procs.status_field(pid, "Groups").split()


@step("--chdir and --umask")
def _(t):
    os.mkdir(t.path("there"))
    _, pid = sleeper(t, "--chdir", t.path("there"), "--umask", "027")
    assert os.readlink(f"/proc/{pid}/cwd") == t.path("there")
    assert procs.status_field(pid, "Umask") == "0027"


@step("--env and --env-file: the later one wins, and both over what sup inherited")
def _(t):
    path = t.write("env", '# a comment\n\nA=file\nB=file\nC="two words"\n')
    sup = Sup(t, "--env-file", path, "--env", "A=line", "--", "/bin/sleep", "1000",
              env={"A": "inherited", "B": "inherited", "D": "inherited"})
    pid = sup.sleeping_worker()
    env = procs.environment_of(pid)
    assert [env.get(name) for name in "ABD"] == ["line", "file", "inherited"], env
    assert env["C"] in ("two words", '"two words"')


@step("--limit sets a resource limit of the worker and not of sup")
def _(t):
    sup, pid = sleeper(t, "--limit", "memlock=4096", "--limit", "core=0")
    assert resource.prlimit(pid, resource.RLIMIT_MEMLOCK) == (4096, 4096)
    assert resource.prlimit(pid, resource.RLIMIT_CORE) == (0, 0)
    assert resource.prlimit(sup.pid, resource.RLIMIT_MEMLOCK) != (4096, 4096)


@step("--limit of open files: instead of the limit that sup came with, also for another user's worker")
def _(t):
    need_root("another user's process")
    need_bare("valgrind has open files of its own")
    sup = Sup(t, "--user", "nobody", "--limit", "nofile=80", "--", "/bin/sleep", "1000",
              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (60, 100)))
    assert max_open_files(sup.sleeping_worker()) == ["80", "80"]
    assert max_open_files(sup.pid) == ["100", "100"]


@step("--pid-file has sup's pid while it runs, and is removed at the end")
def _(t):
    path = t.path("pid")
    sup, _ = sleeper(t, "--pid-file", path)
    with open(path, encoding="utf-8") as file:
        assert int(file.read()) == sup.pid
    assert sup.stop() == 0
    assert not os.path.exists(path)


@step("the first word that is not an option is the command, whatever its own options")
def _(t):
    status, _ = run_sup(t, "--restart=never", "sh", "-c", "exit 5")
    assert status == 5


run()
