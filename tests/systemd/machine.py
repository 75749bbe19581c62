"""A systemd of one's own: it runs as PID 1 of private namespaces, and a command runs beside it.

How it works. A keeper process makes a mount namespace and puts a tmpfs over the file system with
overlayfs, so that nothing which is written reaches the machine. It then starts PID 1 in new pid,
network, uts and ipc namespaces and in a cgroup of its own; systemd believes to be in a container.
When PID 1 says READY=1 (it does so to a container manager, by $NOTIFY_SOCKET), the command is sent
into the same namespaces. Each process dies with its parent, and all others with PID 1, so that
nothing is left, however it ends; the story's process takes away the empty cgroup and directory.

Only the units that a small machine needs are there, and none of the machine's own configuration. No
D-Bus, no logind, no generators. What belongs to the whole machine (/sys, /proc/sys but for its
net) is read-only.

root: the directory of a Debian that has systemd; "/" is the machine's own.
"""

import ctypes
import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback

from network import PATIENCE
from procs import libc

INSIDE = "SUP_TEST_MACHINE"  # set beside a machine, to its name
BOOT_DEADLINE = 30 * PATIENCE

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC, MS_PRIVATE = (
    1, 2, 4, 8, 32, 4096, 8192, 16384, 1 << 18)
MNT_DETACH = 2
CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWPID, CLONE_NEWNET = (
    0x20000, 0x2000000, 0x4000000, 0x8000000, 0x20000000, 0x40000000)
SYS_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}[os.uname().machine]
PR_SET_PDEATHSIG, PR_CAPBSET_DROP = 1, 24

# Those that reach beyond a container: kernel modules, clocks, raw I/O, the kernel's log, …
DROPPED_CAPABILITIES = {"SYS_MODULE": 16, "SYS_RAWIO": 17, "SYS_TIME": 25, "MAC_OVERRIDE": 32,
                        "MAC_ADMIN": 33, "SYSLOG": 34, "WAKE_ALARM": 35, "BLOCK_SUSPEND": 36}

UNIT_DIR = "/etc/systemd/system"
UNITS = """sysinit.target basic.target sockets.target timers.target paths.target slices.target
    local-fs.target local-fs-pre.target network.target network-pre.target network-online.target
    multi-user.target shutdown.target umount.target final.target exit.target poweroff.target
    reboot.target systemd-exit.service systemd-poweroff.service systemd-reboot.service
    systemd-journald.service systemd-journald.socket systemd-journald-dev-log.socket""".split()
WANTED = {"sysinit.target": ["systemd-journald.service"],
          "sockets.target": ["systemd-journald.socket", "systemd-journald-dev-log.socket"]}

FILES = {
    "etc/fstab": "",
    "etc/hostname": "sup-test\n",
    "etc/systemd/system/machine.target":
        "[Unit]\nDescription=The machine of a test\nRequires=basic.target\nAfter=basic.target\n",
    "etc/systemd/journald.conf":
        "[Journal]\nStorage=volatile\nReadKMsg=no\nForwardToWall=no\nAudit=no\n"
        "RateLimitIntervalSec=0\n",
    "etc/systemd/system.conf":
        "[Manager]\nShowStatus=no\nDefaultTimeoutStartSec=30s\nDefaultTimeoutStopSec=30s\n",
}

ENVIRONMENT = {
    "container": "sup-test",
    "LANG": "C.UTF-8",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "NOTIFY_SOCKET": "/run/host/notify",
    "SYSTEMD_UNIT_PATH": ":".join(
        ["/etc/systemd/system.control", "/run/systemd/system.control", "/run/systemd/transient",
         UNIT_DIR, "/run/systemd/system"]),
    # no generators: they would turn the machine's fstab and init scripts into units
    "SYSTEMD_GENERATOR_PATH": "/nonexistent",
    "SYSTEMD_ENVIRONMENT_GENERATOR_PATH": "/nonexistent",
}


def call(function, *args):
    """Calls into libc; a failure is an OSError."""
    args = [arg.encode() if isinstance(arg, str) else arg for arg in args]
    result = function(*args)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{function.__name__}{args}: {os.strerror(error)}")
    return result


def mount(source, target, kind=None, flags=0, data=None):
    call(libc.mount, source, target, kind, ctypes.c_ulong(flags), data)


def die_with_parent():
    call(libc.prctl, PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def fork(function, *args):
    """The pid of a child that does nothing else, ends with its result, and dies with us."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    status = 125
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        die_with_parent()
        status = function(*args)
    except Exception:  # whatever it was, the caller of fork() goes on in one process only
        for line in traceback.format_exc(limit=-3).splitlines():
            print("#", line, flush=True)
    finally:
        os._exit(status)


def wait(pid):
    """The exit status of a child, as a shell has it."""
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return status if status >= 0 else 128 - status


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)


def why_not(root="/"):
    """Why no systemd can be started here, as the end of a sentence; None if it can."""
    if os.geteuid() != 0:
        return "a systemd of one's own needs root"
    if not os.path.exists(os.path.join(root, "lib/systemd/systemd")):
        return f"there is no systemd in {root}"
    with open("/proc/filesystems", encoding="ascii") as file:
        known = file.read().split()
    for kind in ("overlay", "cgroup2"):
        if kind not in known:
            return f"the kernel has no {kind} file system"
    return None


class Keeper:
    """The process that furnishes the machine, starts its PID 1, and sends the command in."""

    def __init__(self, place, lower, shared):
        self.place, self.lower, self.shared = place, lower, shared
        self.root = place.path + "/root"
        self.log = place.path + "/log"

    def keep(self, command):
        """The exit status of the command, as a shell has it."""
        self.furnish()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.bind(self.root + "/run/host/notify")
            init = self.start_init()
            self.wait_ready(notify, init)
        return self.run_beside(init, command)

    def furnish(self):
        """All of the root file system that needs no other namespace than ours."""
        for name in ("root", "upper", "overlay"):
            os.mkdir(f"{self.place.path}/{name}")
        write(self.log, "")
        mount("overlay", self.root, "overlay", 0, f"lowerdir={self.lower},"
              f"upperdir={self.place.path}/upper,workdir={self.place.path}/overlay")
        for place, options in (("dev", "mode=755"), ("run", "mode=755")):
            mount("sup-test", f"{self.root}/{place}", "tmpfs", MS_NOSUID, options)
        for name in ("null", "zero", "full", "random", "urandom", "tty"):
            status = os.stat("/dev/" + name)
            os.mknod(f"{self.root}/dev/{name}", status.st_mode, status.st_rdev)
            os.chmod(f"{self.root}/dev/{name}", 0o666)
        for name in ("dev/pts", "dev/shm", "run/host", "run/lock", "run/old-root"):
            os.mkdir(f"{self.root}/{name}")
        mount("devpts", self.root + "/dev/pts", "devpts", 0,
              "newinstance,ptmxmode=0666,mode=620,gid=5")
        mount("sup-test", self.root + "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
        for name, target in (("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "fd/0"),
                             ("stdout", "fd/1"), ("stderr", "fd/2")):
            os.symlink(target, f"{self.root}/dev/{name}")
        write(self.root + "/dev/kmsg", "")  # systemd's own log until the journal is up
        mount(self.log, self.root + "/dev/kmsg", None, MS_BIND)
        self.configure()
        for directory in self.shared:
            os.makedirs(self.root + directory, exist_ok=True)
            mount(directory, self.root + directory, None, MS_BIND | MS_REC)

    def configure(self):
        """None of the machine's own configuration, and only the units that are needed."""
        for name in ("etc/systemd", "var/log/journal", "var/lib/systemd"):
            shutil.rmtree(f"{self.root}/{name}", ignore_errors=True)
            os.makedirs(f"{self.root}/{name}")
        os.rmdir(self.root + "/var/log/journal")
        os.mkdir(self.root + UNIT_DIR)
        for unit in UNITS:
            shutil.copy(f"{self.root}/lib/systemd/system/{unit}", self.root + UNIT_DIR)
        for target, units in WANTED.items():
            os.mkdir(f"{self.root}{UNIT_DIR}/{target}.wants")
            for unit in units:
                os.symlink("../" + unit, f"{self.root}{UNIT_DIR}/{target}.wants/{unit}")
        for name, text in FILES.items():
            write(f"{self.root}/{name}", text)
        with open("/proc/sys/kernel/random/uuid", encoding="ascii") as file:
            write(self.root + "/etc/machine-id", file.read().replace("-", ""))

    def start_init(self):
        """Returns the pid of PID 1."""
        call(libc.unshare, CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWNET)
        return fork(self.become_init)

    def become_init(self):
        # It joins the cgroup itself: were its parent in there, systemd would see a pid 0 in it.
        write(self.place.cgroup + "/cgroup.procs", "0")
        call(libc.unshare, CLONE_NEWCGROUP | CLONE_NEWNS)
        self.mount_kernel()
        os.chdir(self.root)
        call(libc.syscall, SYS_PIVOT_ROOT, ".", "run/old-root")
        os.chdir("/")
        call(libc.umount2, "/run/old-root", MNT_DETACH)
        os.rmdir("/run/old-root")
        for number in DROPPED_CAPABILITIES.values():
            call(libc.prctl, PR_CAPBSET_DROP, number, 0, 0, 0)
        null = os.open("/dev/null", os.O_RDWR)
        for fd in range(3):
            os.dup2(null, fd)
        os.closerange(3, 1 << 16)
        os.execve("/lib/systemd/systemd",
                  ["/lib/systemd/systemd", "--system", "--unit=machine.target",
                   "--log-target=journal-or-kmsg"], ENVIRONMENT)

    def mount_kernel(self):
        """/proc, /sys and the cgroups, as the new namespaces see them."""
        proc, net = self.root + "/proc", self.place.path + "/net"
        safe = MS_NOSUID | MS_NODEV | MS_NOEXEC
        mount("proc", proc, "proc", safe)
        os.mkdir(net)
        mount(proc + "/sys/net", net, None, MS_BIND)
        for name in ("sys", "sysrq-trigger", "irq", "bus", "fs"):
            if os.path.exists(f"{proc}/{name}"):
                mount(f"{proc}/{name}", f"{proc}/{name}", None, MS_BIND)
                mount("none", f"{proc}/{name}", None, MS_REMOUNT | MS_BIND | MS_RDONLY | safe)
        mount(net, proc + "/sys/net", None, MS_MOVE)
        mount("sysfs", self.root + "/sys", "sysfs", MS_RDONLY | safe)
        mount("cgroup2", self.root + "/sys/fs/cgroup", "cgroup2", safe)

    def wait_ready(self, notify, init):
        """Returns when systemd has started everything; raises with its log if it does not."""
        end = time.monotonic() + BOOT_DEADLINE
        notify.settimeout(0.2)
        while True:
            try:
                if "READY=1" in notify.recv(4096).decode().split("\n"):
                    return
            except TimeoutError:
                if os.waitpid(init, os.WNOHANG)[0] or time.monotonic() > end:
                    with open(self.log, encoding="utf-8", errors="replace") as file:
                        raise AssertionError("systemd did not come up: " + file.read()) from None

    def run_beside(self, init, command):
        """Runs the command in the namespaces of PID 1."""
        status = wait(fork(enter, self.place.name, command))
        os.kill(init, signal.SIGKILL)
        wait(init)
        return status


def enter(name, command):
    """Becomes the command, in the mount and cgroup namespaces of PID 1; we are in the others."""
    cwd = os.getcwd()
    call(libc.setns, os.pidfd_open(1), CLONE_NEWNS | CLONE_NEWCGROUP)
    os.chdir(cwd if os.path.isdir(cwd) else "/")
    os.execvpe(command[0], command, {**os.environ, INSIDE: name})


class Place:
    """Where a machine is built, in a mount namespace of our own: a tmpfs, and an empty cgroup."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="sup-machine-", dir="/tmp")
        self.name = os.path.basename(self.path)
        call(libc.unshare, CLONE_NEWNS)
        mount("none", "/", None, MS_REC | MS_PRIVATE)
        mount("sup-test", self.path, "tmpfs", 0, "mode=755")
        os.mkdir(self.path + "/cgroup")
        mount("cgroup2", self.path + "/cgroup", "cgroup2")
        self.cgroup = f"{self.path}/cgroup/{self.name}"
        os.mkdir(self.cgroup)
        return self

    def __exit__(self, *_):
        end = time.monotonic() + 10 * PATIENCE
        while not self.remove_cgroup() and time.monotonic() < end:
            time.sleep(0.01)  # its last processes are on their way out
        call(libc.umount2, self.path, MNT_DETACH)
        os.rmdir(self.path)

    def remove_cgroup(self):
        try:
            for directory, _, _ in os.walk(self.cgroup, topdown=False):
                os.rmdir(directory)
        except OSError:
            return False
        return True


def boot_and_run(command, root="/", shared=()):
    """Boots, runs the command beside it, and ends everything. shared: directories that are seen
    inside, also for writing. Returns the command's exit status, or 125 when it could not boot.
    """
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with Place() as place:
        keeper = fork(Keeper(place, root, shared).keep, command)
        try:
            status, keeper = wait(keeper), 0
        finally:
            if keeper:
                os.kill(keeper, signal.SIGKILL)
                wait(keeper)
    return status
