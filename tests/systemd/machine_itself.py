#!/usr/bin/python3
"""The machine that the stories of this directory run on: it boots, and leaves nothing behind."""

import os
import subprocess
import sys

import units
import machine
import procs
from harness import PYTHON, Skip, run, step, wait_until


def boot(*command):
    """The command line that boots a machine and runs a command beside it."""
    why_not = machine.why_not(units.ROOT)
    if why_not:
        raise Skip(why_not)
    return [PYTHON, "-c", f"import sys; sys.path[:0] = {sys.path[:2]!r}; import machine; "
            f"sys.exit(machine.boot_and_run({list(command)!r}, {units.ROOT!r}))"]


def start(t):
    """A machine that runs until something happens to it: its process and its name."""
    story = subprocess.Popen(boot("sh", "-c", "echo $SUP_TEST_MACHINE; exec sleep 1000"),
                             stdout=subprocess.PIPE, text=True)
    t.defer(story.stdout.close)
    t.defer(story.kill)
    name = story.stdout.readline().strip()
    assert os.path.isdir("/tmp/" + name), name
    return story, name


def cgroup_of(name):
    """The cgroup of a machine, where cgroup2 is mounted; None if it is gone."""
    with open("/proc/mounts", encoding="utf-8") as file:
        places = [line.split()[1] for line in file if line.split()[2] == "cgroup2"]
    found = [f"{place}/{name}" for place in places if os.path.exists(f"{place}/{name}")]
    return found[0] if found else None


def is_gone(name):
    return not os.path.exists("/tmp/" + name) and not cgroup_of(name)


def no_process_is_left():
    procs.reap_strangers()  # what was left to us holds up the end of its namespace
    return not procs.descendants_of(os.getpid())


@step("systemd runs as PID 1, everything is up, and the command's output and status come out")
def _(_):
    done = subprocess.run(boot("sh", "-c", "cat /proc/1/comm; systemctl is-system-running; exit 7"),
                          stdout=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stdout) == (7, "systemd\nrunning\n"), done


@step("the command cannot change the machine: files, kernel settings, processes are its own")
def _(t):
    path = t.path("file")
    script = (f"touch {path} /usr/bin/sup-was-here; cd /proc/sys/kernel; "
              "cat panic >panic && exit 9; kill -9 -1")
    done = subprocess.run(boot("sh", "-c", script), stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 0 and "Read-only file system" in done.stderr, done
    assert not os.path.exists(path) and not os.path.exists("/usr/bin/sup-was-here")


@step("when the command ends nothing is left: no process, directory or cgroup")
def _(_):
    script = "setsid sleep 1000 >&2 & systemd-run -q sleep 1000; echo $SUP_TEST_MACHINE"
    name = subprocess.run(boot("sh", "-c", script), stdout=subprocess.PIPE, text=True,
                          check=True).stdout.strip()
    assert name.startswith("sup-machine-") and is_gone(name), name
    wait_until(no_process_is_left, "no process is left")


@step("when the story is terminated, nothing is left either")
def _(t):
    story, name = start(t)
    story.terminate()
    assert story.wait() == 143
    assert is_gone(name), name
    wait_until(no_process_is_left, "no process is left")


@step("when it is killed no process is left, only an empty directory and an empty cgroup")
def _(t):
    story, name = start(t)
    story.kill()
    story.wait()
    wait_until(no_process_is_left, "no process is left")
    os.rmdir("/tmp/" + name)
    for directory, _, _ in os.walk(cgroup_of(name) or "/nonexistent", topdown=False):
        os.rmdir(directory)


run()
