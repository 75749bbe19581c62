#!/usr/bin/python3
"""A cgroup for each worker: whatever it started is ended with it, and no empty one stays."""

import os
import signal
import subprocess

from units import Service, run, server
import procs
from harness import PYTHON, ask, free_port, step, wait_until

GET = b"GET / HTTP/1.0\r\n\r\n"
ROOT = "/sys/fs/cgroup"
LEAVER = """
import os, sys, time
with open(sys.argv[2], "a") as file:
    for _ in range(3):  # a session, a parent and an environment of its own
        if os.fork() == 0:
            os.setsid()
            if os.fork():
                os._exit(0)
            os.execve("/bin/sleep", ["sleep", "1000"], {})
os.execv(sys.executable, [sys.executable, sys.argv[3], sys.argv[1]])
"""


def cgroup_of(pid):
    """Its path in cgroup2."""
    with open(f"/proc/{pid}/cgroup", encoding="ascii") as file:
        return next(line.strip()[3:] for line in file if line.startswith("0::"))


def groups(service):
    """The names of the cgroups in that of the unit."""
    path = ROOT + service.show("ControlGroup")
    return {entry.name for entry in os.scandir(path) if entry.is_dir()}


def members(cgroup):
    with open(f"{ROOT}{cgroup}/cgroup.procs", encoding="ascii") as file:
        return list(map(int, file.read().split()))


def wait_only(service, *pids):
    """No cgroup is there but those of sup and of these workers."""
    def are_only():
        theirs = [os.path.basename(cgroup_of(pid)) for pid in pids]  # at first, that of sup
        return ("supervisor" not in theirs and
                groups(service) - {".control"} == {"supervisor", *theirs})

    wait_until(are_only, f"the cgroups are those of sup and of {pids}")


def workers(service, count):
    return wait_until(lambda: len(procs.children_of(service.main_pid())) == count and
                      procs.children_of(service.main_pid()), f"{count} workers run")


def kill_sup(service):
    """Returns when the next one serves."""
    main = service.main_pid()
    procs.kill_and_wait(main)
    wait_until(lambda: service.main_pid() != main, "sup is started again", 30)
    service.wait_state("active (running)", 30)


def start(t, name, *lines, settings=()):
    port = free_port()
    service = Service(t, name, [f"command = {PYTHON} {server('graceful_http.py')} {port}", *lines],
                      *settings)
    service.start()
    return service, port


def start_leaver(t, name, *lines):
    """A service whose worker leaves three processes in sessions of their own, and its port."""
    port, path = free_port(), server(f"{name}.leaver")
    with open(path, "w", encoding="utf-8") as file:
        file.write(LEAVER)
    command = f"command = {PYTHON} {path} {port} /dev/null {server('graceful_http.py')}"
    service = Service(t, name, [command, *lines])
    service.start()
    return service, port


@step("each worker is in a cgroup of its own, and sup in another")
def _(t):
    service, _ = start(t, "cg-own", "workers = 3")
    unit = service.show("ControlGroup")
    pids = workers(service, 3)
    assert cgroup_of(service.main_pid()) == unit + "/supervisor"
    paths = {cgroup_of(pid) for pid in pids}
    assert len(paths) == 3 and all(path.startswith(unit + "/worker-") for path in paths), paths
    wait_only(service, *pids)
    service.stop()
    assert not os.path.exists(ROOT + unit), "the cgroup of the unit is gone"


@step("what a killed worker left in other sessions is ended, with many workers; its cgroup is gone")
def _(t):
    service, _ = start_leaver(t, "cg-left", "workers = 2")
    mains = wait_mains(service, 2)
    victim, other = mains
    cgroup, kept = cgroup_of(victim), members(cgroup_of(other))
    left = wait_until(lambda: len(members(cgroup)) == 4 and members(cgroup), "it has three more")
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: not os.path.exists(ROOT + cgroup), "its cgroup is gone")
    assert not any(map(procs.alive, left)), "all of it have ended"
    wait_until(lambda: len(wait_mains(service, 2)) == 2, "another worker runs")
    assert members(cgroup_of(other)) == kept, "the other worker has lost nobody"


@step("groups that a worker made in its own are emptied and removed with it")
def _(t):
    service, _ = start_leaver(t, "cg-below", "workers = 2")
    victim = wait_mains(service, 2)[0]
    cgroup = cgroup_of(victim)
    left = wait_until(lambda: len(members(cgroup)) == 4 and members(cgroup), "it has three more")
    user = os.stat(ROOT + cgroup).st_uid
    for below in ("a", "a/b"):  # as the worker could do it, which is no root
        os.mkdir(f"{ROOT}{cgroup}/{below}")
        os.chown(f"{ROOT}{cgroup}/{below}", user, -1)
    for pid, below in zip(set(left) - {victim}, ("a", "a", "a/b")):
        with open(f"{ROOT}{cgroup}/{below}/cgroup.procs", "w", encoding="ascii") as file:
            file.write(str(pid))
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: not os.path.exists(ROOT + cgroup), "its cgroup is gone")
    assert not any(map(procs.alive, left)), "all of it have ended"


def wait_mains(service, count):
    """The main processes of workers: python; what they leave is a sleep."""
    def look():
        pids = [pid for pid in procs.children_of(service.main_pid())
                if procs.name_of(pid) != "sleep"]
        return len(pids) == count and pids
    return wait_until(look, f"{count} workers run")


@step("a standby has a cgroup of its own, and keeps it when it is promoted")
def _(t):
    service, _ = start(t, "cg-standby", "standby = 1")
    active, standby = workers(service, 2)
    cgroup = cgroup_of(standby)
    wait_only(service, active, standby)
    procs.kill_and_wait(active)
    pids = wait_until(lambda: active not in workers(service, 2) and workers(service, 2),
                      "another stands by")
    assert standby in pids and cgroup_of(standby) == cgroup
    wait_only(service, *pids)


@step("a reload, an upgrade and a SIGKILL of sup leave no empty cgroups behind")
def _(t):
    service, port = start(t, "cg-change")
    service.do("reload")
    wait_only(service, *workers(service, 1))
    before = cgroup_of(service.worker())
    subprocess.run(["/usr/bin/sup", "upgrade", "cg-change"], check=True, timeout=30)
    assert cgroup_of(service.worker()) == before
    assert cgroup_of(service.main_pid()).endswith("/supervisor")
    procs.kill_and_wait(service.worker())
    wait_until(lambda: not os.path.exists(ROOT + before), "the cgroup from before is gone")
    wait_only(service, *workers(service, 1))
    kill_sup(service)
    wait_only(service, *workers(service, 1))
    assert "200 OK" in ask(port, GET)


@step("after a SIGKILL of sup, systemd makes the cgroup of the unit anew: it hands on no controllers")
def _(t):
    service, _ = start(t, "cg-anew")
    path = ROOT + service.show("ControlGroup")
    for _ in range(3):
        inode = os.stat(path).st_ino
        kill_sup(service)
        assert os.stat(path).st_ino != inode
        wait_only(service, *workers(service, 1))


@step("where no cgroup can be made, one warning says so, and workers run in that of sup")
def _(t):
    service, _ = start(t, "cg-limit", "workers = 2")
    mains = workers(service, 2)
    path = ROOT + service.show("ControlGroup")
    with open(path + "/cgroup.max.descendants", "w", encoding="ascii") as file:
        file.write("1")
    for pid in mains:
        procs.kill_and_wait(pid)
    wait_until(lambda: len(set(workers(service, 2)) - set(mains)) == 2, "two others run")
    assert {cgroup_of(pid) for pid in workers(service, 2)} == {cgroup_of(service.main_pid())}
    service.wait_message("cannot give a worker a cgroup of its own")
    told = [entry for entry in service.journal() if "cgroup of its own" in str(entry["MESSAGE"])]
    assert len(told) == 1, told
    for pid in workers(service, 2):
        procs.kill_and_wait(pid)
    wait_until(lambda: len(workers(service, 2)) == 2, "and they are restarted as well")
    service.stop()


@step("a second sup in the same unit leaves the cgroups to the first")
def _(t):
    service, _ = start(t, "cg-second")
    path = f"{ROOT}{service.show('ControlGroup')}"
    before = groups(service)
    second = subprocess.Popen(
        ["sh", "-c", f"echo $$ >{path}/supervisor/cgroup.procs; exec /usr/bin/sup sleep 1000"])
    t.defer(lambda: (second.terminate(), second.wait()))
    worker = wait_until(lambda: procs.children_of(second.pid), "it has a worker")[0]
    assert cgroup_of(worker) == cgroup_of(second.pid) == cgroup_of(service.main_pid())
    assert groups(service) == before
    procs.kill_and_wait(service.worker())
    wait_only(service, *workers(service, 1))
    assert procs.alive(worker)


@step("without delegation, workers are in the cgroup of sup")
def _(t):
    service, _ = start(t, "cg-none", settings=["Delegate=no"])
    assert cgroup_of(service.worker()) == service.show("ControlGroup")
    assert groups(service) == set()


if __name__ == "__main__":
    run()
