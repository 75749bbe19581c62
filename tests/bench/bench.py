#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""bench.py - what sup costs, side by side with a floor that does almost nothing.

Usage: [SUP=./sup] tests/bench/bench.py [--output FILE] [--only NAME,…] [--quick] [--strict]

Everything is a ratio to something measured in the same run, or a count; the samples of those that
are compared are interleaved, so that a busy machine burdens all of them alike. The report, a
Markdown table, goes to stdout and, with --output, to a file as well. The helpers floor, worker and
load are expected in tests/bench beside the program SUP, or in the folder BENCH_DIR.

Exit status: 0; with --strict 1 when a target was not met; 2 when something could not be measured.
"""

import argparse
import contextlib
import datetime
import os
import platform
import random
import select
import shutil
import signal
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time

SUP = os.path.abspath(os.environ.get("SUP", "./sup"))
HELPERS = os.path.abspath(os.environ.get("BENCH_DIR",
                                         os.path.join(os.path.dirname(SUP), "tests", "bench")))
LIFE = 2.4  # seconds: a worker that binds nothing is ready after 1 s, and has to stay so for 1 s
RECORD = struct.Struct("=qq")  # what tests/bench/worker.c writes: CLOCK_MONOTONIC ns, pid
PATIENCE = 30.0


class Failure(Exception):
    """Something could not be measured; the text says what."""


def helper(name):
    path = os.path.join(HELPERS, name)
    if not os.access(path, os.X_OK):
        raise Failure(f"there is no {path}: make builds it")
    return path


def free_port():
    """A port below the ephemeral range, so that no client of this machine takes it meanwhile."""
    for port in random.sample(range(10000, 30000), 100):
        with socket.socket() as probe:
            with contextlib.suppress(OSError):
                probe.bind(("127.0.0.1", port))
                return port
    raise Failure("no free port found")


def children(pid):
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
            return [int(word) for word in file.read().split()]
    return []


class Process:
    """A supervisor or server that is ended, with its children, at the end of the block."""

    def __init__(self, command):
        self.command, self.log, self.pid, self.ended = command, tempfile.TemporaryFile(), -1, False

    def __enter__(self):
        null = os.open(os.devnull, os.O_RDWR)
        actions = [(os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 1),
                   (os.POSIX_SPAWN_DUP2, self.log.fileno(), 2)]
        self.started = time.monotonic_ns()
        self.pid = os.posix_spawn(self.command[0], self.command, os.environ, file_actions=actions)
        os.close(null)
        return self

    def __exit__(self, *_):
        orphans = children(self.pid)
        deadline = time.monotonic() + PATIENCE
        os.kill(self.pid, signal.SIGTERM)
        while os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                deadline += PATIENCE
            time.sleep(0.005)
        for orphan in orphans:  # the floor cleans up nothing
            with contextlib.suppress(OSError):
                with open(f"/proc/{orphan}/cmdline", "rb") as file:
                    ours = HELPERS.encode() in file.read()
                if ours:
                    os.kill(orphan, signal.SIGKILL)
        self.log.close()

    def said(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace").strip()[-2000:]


class Workers(Process):
    """N workers (tests/bench/worker.c) under a supervisor, and what they report."""

    def __init__(self, name, supervisor, folder, port=None):
        self.name = name
        self.fifo = os.path.join(folder, f"fifo-{name.replace(' ', '')}-{random.random()}")
        os.mkfifo(self.fifo)
        self.reports = os.open(self.fifo, os.O_RDWR | os.O_CLOEXEC)
        super().__init__([*supervisor, helper("worker"), self.fifo, *([str(port)] if port else [])])

    def __exit__(self, *exception):
        super().__exit__(*exception)
        os.close(self.reports)
        os.unlink(self.fifo)

    def next_report(self):
        """Wait for the next worker; returns its (ns, pid)."""
        if not select.select([self.reports], [], [], PATIENCE)[0]:
            raise Failure(f"{self.name}: a worker was not started within {PATIENCE:.0f} s; "
                          f"it said: {self.said()}")
        return RECORD.unpack(os.read(self.reports, RECORD.size))

    def settle(self):
        """Let them live until a restart is immediate; returns the pids, the oldest first."""
        time.sleep(LIFE)
        while select.select([self.reports], [], [], 0)[0]:
            os.read(self.reports, RECORD.size)
        return children(self.pid)

    def next_reports(self, n):
        return [self.next_report() for _ in range(n)]


class Report:
    """The table."""

    def __init__(self):
        self.rows, self.all_met = [], True

    def add(self, what, figure, floor, ratio, target, met):
        self.all_met = self.all_met and met is not False
        verdict = {True: "met", False: "**not met**", None: "–"}[met]
        self.rows.append((what, figure, floor, ratio, target, verdict))
        print(f"  {what}: {figure} ({target}: {verdict})", file=sys.stderr, flush=True)

    def markdown(self, command):
        head = ("what", "figure", "compared with", "ratio", "target", "")
        rows = [head, *self.rows]
        widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
        lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths)) + " |"
                 for row in rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join(["# What `sup` costs", "",
                          f"Written by `{command}` on {datetime.date.today()}: {machine()}.", "",
                          *lines, ""])


def machine():
    model = platform.machine()
    with contextlib.suppress(OSError, StopIteration):
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            model = next(line.split(":")[1].strip() for line in file if "model name" in line)
    return f"Linux {platform.release()}, {os.cpu_count()} × {model}"


def ms(seconds):
    return f"{seconds * 1e3:.2f} ms"


def kill_and_time(workers, pid):
    """Kill one of the workers; returns the seconds until main() of the next."""
    start = time.monotonic_ns()
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        raise Failure(f"{workers.name}: worker {pid} has ended by itself; it said: "
                      f"{workers.said()}") from None
    reached, _ = workers.next_report()
    return (reached - start) / 1e9


def variants(count, folder):
    """The floor, and sup in its three ways, each with that many workers."""
    listener = f"127.0.0.1:{free_port()}"
    sup = [SUP, "-n", str(count)]
    return [Workers("floor", [helper("floor"), str(count)], folder),
            Workers("sup -l --capture=off", [*sup, "-l", listener, "--capture=off", "--"], folder),
            Workers("sup -l", [*sup, "-l", f"127.0.0.1:{free_port()}", "--"], folder),
            Workers("sup with capture", [*sup, "--"], folder, port=free_port())]


def bench_restart(report, folder, quick):
    """(a) From the SIGKILL of a worker to main() of the next."""
    count, rounds = 20, 2 if quick else 10
    targets = {"sup -l --capture=off": 1.3, "sup -l": 1.3, "sup with capture": 1.8}
    with contextlib.ExitStack() as stack:
        runs = []
        for workers in variants(count, folder):
            stack.enter_context(workers)
            workers.next_reports(count)
            runs.append((workers, []))
        for _ in range(rounds):
            alive = {workers.name: workers.settle() for workers, _ in runs}
            for _ in range(count):
                random.shuffle(runs)
                for workers, samples in runs:
                    samples.append(kill_and_time(workers, alive[workers.name].pop(0)))
                    time.sleep(0.003)
    medians = {workers.name: statistics.median(samples) for workers, samples in runs}
    floor = medians["floor"]
    for name, target in targets.items():
        ratio = medians[name] / floor
        report.add(f"death of a worker to main() of the next, {name}, median of {count * rounds}",
                   ms(medians[name]), f"floor {ms(floor)}", f"{ratio:.2f}", f"≤ {target}",
                   ratio <= target)


def bench_thousand(report, folder, quick):
    """(f) Very many workers under one supervisor."""
    count = 100 if quick else 1000
    rounds = 1 if quick else 3
    results, lost = {}, {}
    for _ in range(rounds):
        for workers in variants(count, folder):
            if workers.name in lost:
                continue
            with workers:
                begin = max(at for at, _ in workers.next_reports(count)) - workers.started
                pids = workers.settle()
                pss = memory(workers.pid, "Pss")
                start = time.monotonic_ns()
                for pid in pids:
                    os.kill(pid, signal.SIGKILL)
                back = max(at for at, _ in workers.next_reports(len(pids))) - start
                time.sleep(0.5)
                alive = len(children(workers.pid))
                if (len(pids), alive) != (count, count):
                    lost[workers.name] = f"{len(pids)} there, {alive} back"
                    continue
                results.setdefault(workers.name, []).append((begin / 1e9, back / 1e9, pss))
    medians = {name: [statistics.median(column) for column in zip(*rows)]
               for name, rows in results.items()}
    if "floor" not in medians:
        raise Failure(f"floor: {lost['floor']} of {count} workers")
    begin_floor, back_floor, _ = medians.pop("floor")
    for name, figure in lost.items():
        medians.pop(name, None)
        report.add(f"{count} workers, {name}", figure, "", "", f"{count} there and back", False)
    for name, (begin, back, pss) in medians.items():
        report.add(f"{count} workers, {name}: all started", ms(begin),
                   f"floor {ms(begin_floor)}", f"{begin / begin_floor:.2f}", "≤ 1.5",
                   begin <= 1.5 * begin_floor)
        report.add(f"{count} workers, {name}: all back after all were killed", ms(back),
                   f"floor {ms(back_floor)}", f"{back / back_floor:.2f}", "≤ 1.5",
                   back <= 1.5 * back_floor)
        report.add(f"{count} workers, {name}: PSS of sup", f"{pss} KiB", "", "", "≤ 3000 KiB",
                   pss <= 3000)


def bench_start(report, folder, quick):
    """(e) From the start of sup to main() of its worker."""
    rounds = 5 if quick else 21
    samples = {"bare": [], "sup": []}
    for _ in range(rounds):
        for name, supervisor in (("bare", []), ("sup", [SUP, "--"])):
            workers = Workers(name, supervisor, folder, port=free_port())
            with workers:
                reached, _ = workers.next_report()
                samples[name].append((reached - workers.started) / 1e9)
    bare, sup = (statistics.median(samples[name]) for name in ("bare", "sup"))
    report.add(f"start of sup to main() of its worker, median of {rounds}", ms(sup),
               f"worker alone {ms(bare)}", "", "≤ 10 ms", sup <= 0.010)


def memory(pid, field):
    """A field of smaps_rollup, in KiB."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        for line in file:
            if line.startswith(field + ":"):
                return int(line.split()[1])
    raise Failure(f"no {field} in smaps_rollup")


def wakeups(pid):
    """How often its threads went to sleep: one that sleeps on does not."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/status", encoding="utf-8") as file:
            total += sum(int(line.split()[1]) for line in file
                         if line.startswith("voluntary_ctxt_switches"))
    return total


class Idle:
    """(c), (d) Two idle sups, watched while the requests are counted."""

    def __init__(self, stack, folder, quick):
        self.seconds, self.before, self.after, self.timer = 5 if quick else 30, [], [], None
        nothing = [SUP, "-l", f"127.0.0.1:{free_port()}", "--capture=off", "--"]
        self.runs = []
        for name, workers, target in (
                ("nothing captured", Workers("idle -l", nothing, folder), 0),
                ("with capture", Workers("idle", [SUP, "--"], folder, port=free_port()), 3)):
            stack.enter_context(workers)
            workers.next_report()
            self.runs.append((name, workers, target))
        self.settled = time.monotonic() + 12  # start-up, and what is looked at in the first 10 s

    def begin(self):
        time.sleep(max(0, self.settled - time.monotonic()))
        self.before = self.count()
        self.timer = threading.Timer(self.seconds, self.finish)
        self.timer.start()

    def count(self):
        return [wakeups(workers.pid) for _, workers, _ in self.runs]

    def finish(self):
        self.after = self.count()

    def end(self, report):
        self.timer.join()
        for (name, workers, target), before, after in zip(self.runs, self.before, self.after):
            woken, dirty = after - before, memory(workers.pid, "Private_Dirty")
            report.add(f"idle sup, {name}: wake-ups in {self.seconds} s", f"{woken}", "", "",
                       f"≤ {target}", woken <= target)
            report.add(f"idle sup, {name}: private dirty memory", f"{dirty} KiB", "", "",
                       "≤ 500 KiB", dirty <= 500)


NGINX = """daemon off; worker_processes 1; pid {folder}/nginx-{port}.pid; error_log stderr crit;
events {{ worker_connections 512; }}
http {{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p;
fastcgi_temp_path {folder}/f; uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
server {{ listen 127.0.0.1:{port}; location / {{ return 200 "hello, world\\n"; }} }} }}
"""


def web_server(folder, port):
    """The command of a real server on this port, and its name."""
    nginx = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if nginx:
        path = os.path.join(folder, f"nginx-{port}.conf")
        with open(path, "w", encoding="ascii") as file:
            file.write(NGINX.format(folder=folder, port=port))
        return "nginx", [nginx, "-p", folder, "-e", "stderr", "-c", path]
    with open(os.path.join(folder, "index.html"), "w", encoding="ascii") as file:
        file.write("hello, world\n")
    return "python3 -m http.server", [sys.executable, "-m", "http.server", str(port), "--bind",
                                      "127.0.0.1", "--directory", folder]


def wait_for_server(process, port):
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    raise Failure(f"{' '.join(process.command)} did not answer; it said: {process.said()}")


def count_requests(port, seconds):
    result = subprocess.run([helper("load"), str(port), str(seconds), "8", "50"], check=False,
                            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    if result.returncode != 0:
        raise Failure("the server answered no request")
    rate, errors = result.stdout.split()
    if int(errors):
        raise Failure(f"{int(errors)} requests failed")
    return float(rate)


def bench_requests(report, folder, quick):
    """(b) Requests per second of a real server, bare and under sup: A B B A, several times."""
    rounds, turns = (1, 2) if quick else (5, 8)
    rates, ratios = {"bare": [], "sup": []}, []
    for _ in range(rounds):
        with contextlib.ExitStack() as stack:
            ports = {}
            for name, supervisor in (("bare", []), ("sup", [SUP, "--"])):
                ports[name] = free_port()
                server, command = web_server(folder, ports[name])
                process = stack.enter_context(Process([*supervisor, *command]))
                wait_for_server(process, ports[name])
            for _ in range(turns):
                sums = {"bare": 0.0, "sup": 0.0}
                for name in ("bare", "sup", "sup", "bare"):
                    rate = count_requests(ports[name], 0.25)
                    sums[name] += rate
                    rates[name].append(rate)
                ratios.append(sums["sup"] / sums["bare"])
    bare, sup = (statistics.median(rates[name]) for name in ("bare", "sup"))
    ratio = statistics.median(ratios)
    report.add(f"requests per second, {server}, sup with capture", f"{sup:.0f}",
               f"bare {bare:.0f}", f"{ratio:.3f}", "≥ 0.97", ratio >= 0.97)


def timed(command):
    start = time.monotonic_ns()
    subprocess.run(command, check=False, stdout=subprocess.DEVNULL)
    return (time.monotonic_ns() - start) / 1e9


def bench_why(report, quick):
    """(g) sup why beside ss, on a machine with 50,000 open and 50,000 TIME_WAIT sockets."""
    if os.geteuid() != 0 or not shutil.which("ss"):
        print("  sup why: needs root, nsenter and ss", file=sys.stderr)
        return
    count = 5000 if quick else 50000
    ports = {"a free port": 7001, "a listened port": 8001, "a TIME_WAIT port": 9001}
    samples = {(name, tool): [] for name in ports for tool in ("sup", "ss")}
    with subprocess.Popen([helper("crowd"), str(count // 2), str(count)], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as crowd:
        if crowd.stdout.readline() != b"ready\n":
            raise Failure("crowd: the sockets could not be made")
        inside = ["nsenter", f"--net=/proc/{crowd.pid}/ns/net"]
        end = time.monotonic() + 45  # TIME_WAIT takes 60 s
        while time.monotonic() < end and len(samples["a free port", "ss"]) < (1 if quick else 9):
            for name, port in ports.items():
                samples[name, "sup"].append(timed([*inside, SUP, "why", str(port)]))
                samples[name, "ss"].append(timed([*inside, "ss", "-Htanp", f"sport = :{port}"]))
        if subprocess.run([*inside, SUP, "why", "9001"], check=False,
                          stdout=subprocess.DEVNULL).returncode != 1:
            raise Failure("crowd: TIME_WAIT is over already")
        crowd.stdin.close()
    for name in ports:
        ours, theirs = (statistics.median(samples[name, tool]) for tool in ("sup", "ss"))
        report.add(f"sup why, {name} of a machine with {count} open and {count} TIME_WAIT sockets",
                   ms(ours), f"ss -Htanp {ms(theirs)}", f"{ours / theirs:.2f}", "≤ 0.2, ≤ 60 ms",
                   ours <= 0.2 * theirs and ours <= 0.060)


def main():
    benches = ("restart", "start", "thousand", "idle", "requests", "why")
    parser = argparse.ArgumentParser(description="Measure what sup costs.")
    parser.add_argument("--output", metavar="FILE", help="write the report to FILE, too")
    parser.add_argument("--only", default=",".join(benches), help=f"some of: {', '.join(benches)}")
    parser.add_argument("--quick", action="store_true", help="few samples: does it work at all?")
    parser.add_argument("--strict", action="store_true", help="exit 1 when a target is not met")
    options = parser.parse_args()
    only, report = options.only.split(","), Report()
    if unknown := set(only) - set(benches):
        parser.error(f"there is no {', '.join(unknown)}; there is {', '.join(benches)}")
    if not os.access(SUP, os.X_OK):
        raise Failure(f"there is no program {SUP}: build it first (make), or set SUP")

    # A directory that other users can enter: nginx started by root serves as nobody.
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        os.chmod(folder, 0o755)
        if "restart" in only:
            bench_restart(report, folder, options.quick)
        if "start" in only:
            bench_start(report, folder, options.quick)
        if "thousand" in only:
            bench_thousand(report, folder, options.quick)
        if "idle" in only:
            idle = Idle(stack, folder, options.quick)
            idle.begin()
        if "requests" in only:
            bench_requests(report, folder, options.quick)
        if "idle" in only:
            idle.end(report)
        if "why" in only:
            bench_why(report, options.quick)

    text = report.markdown("make bench")
    print(text)
    if options.output:
        with open(options.output, "w", encoding="utf-8") as file:
            file.write(text)
    return 1 if options.strict and not report.all_met else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Failure as failure:
        print(f"bench.py: {failure}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
