#!/usr/bin/python3
"""What --help, the man page and README.md say agrees with the program and with each other."""

import functools
import json
import os
import re
import socket
import subprocess

import procs
from harness import PYTHON, TOP_SRCDIR, Sup, free_port, need, run, run_sup, step

MAN = os.path.join(TOP_SRCDIR, "doc", "sup.1")


def read(*path):
    with open(os.path.join(TOP_SRCDIR, *path), encoding="utf-8") as file:
        return file.read()


@functools.cache
def man():
    """The text of each section and subsection of the man page, without what is for roff alone."""
    text = re.sub(r"\\-", "-", re.sub(r"\\&", "", read("doc", "sup.1")))
    parts = re.split(r"^\.S[hs] (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def items(section, macro):
    """What the man page's list items have right behind the macro: `.It MACRO WORD , WORD …`."""
    lines = re.findall(rf"^\.It {macro} (.+)$", man()[section], re.MULTILINE)
    words = {word for line in lines for word in re.findall(r"(?:^| , )([\w-]+)(?= |$)", line)}
    return words - {"No"}


def help_text(t):
    sup = Sup(t, "--help")
    assert sup.wait() == 0
    return sup.out.until_end()


def headings(t):
    """The groups of options in --help, which are subsections of the man page."""
    return [line[:-1] for line in help_text(t) if re.fullmatch(r"[A-Z][a-z ]+:", line) and
            line != "Verbs:"]


def help_options(t):
    """{long name: (short name or "", whether it takes an argument)} as --help has it."""
    matches = (re.match(r"  (?:-(\w), |    )--([\w-]+)((?: |\[=)\S.*)?$", line)
               for line in help_text(t))
    return {match[2]: (match[1] or "", bool(match[3])) for match in matches if match}


def man_options(sections):
    """The same as the man page has it."""
    lines = re.findall(r"^\.It (?:Fl (\w) , )?Fl -([\w-]+)(.*)$",
                       "".join(man()[section] for section in sections), re.MULTILINE)
    return {name: (short, bool(rest)) for short, name, rest in lines}


def verbs(t):
    """The verbs of --help."""
    return re.findall(r"^  ([a-z]+)(?: |$)", "\n".join(help_text(t)).partition("Verbs:\n")[2],
                      re.MULTILINE)


def refusal(t, *options):
    """The sentence with which sup refuses these options."""
    status, lines = run_sup(t, *options, "--", "true")
    assert status == 2 and len(lines) == 1, (status, lines)
    return lines[0]


def commands(text):
    """Of every `sup …` that stands in code, in README.md or the man page, the words before `--`."""
    code = re.findall(r"(?:^|^\.Dl |^\$ |^# |`)(sup [^`\n]+)", text, re.MULTILINE)
    return [re.split(r" --(?: |$)", re.sub(r"'[^']*'", "''", command))[0].split()
            for command in code]


def verb_options(t, verb):
    """The options of a verb, as its own --help has them."""
    sup = Sup(t, verb, "--help")
    assert sup.wait() == 0
    return set(re.findall(r"(?<=[ ,])--?[a-z-]+", "\n".join(sup.out.until_end())))


@step("the options of --help are those of the man page: names, letters, arguments")
def _(t):
    told, written = help_options(t), man_options(headings(t))
    assert len(told) > 20, told
    assert list(told) == list(written), "they stand in another order"
    assert told == written, f"not in both: {set(told.items()) ^ set(written.items())}"


@step("every option that an example of the man page or of README.md uses exists")
def _(t):
    options = help_options(t)
    known = {f"--{name}" for name in options} | {f"-{short}" for short, _ in options.values()}
    of_verbs = {verb: verb_options(t, verb) for verb in verbs(t)}
    for text in ("".join(man().values()), read("README.md")):
        seen = set()
        for words in commands(text):
            used = {word.partition("=")[0] for word in words
                    if word.startswith("-") and word != "-"}
            assert used <= of_verbs.get("".join(words[1:2]), known), words
            seen |= used
        assert {"--user", "-l", "--standby"} <= seen, f"the examples were not found: {seen}"
    spans = set(re.findall(r"`(--[\w-]+)", read("README.md")))
    known = known.union(*of_verbs.values())
    assert spans <= known, spans - known


@step("--help fits a terminal of 80 columns")
def _(t):
    wide = [line for line in help_text(t) if len(line) > 80]
    assert not wide, wide


@step("the attributes of -l, and the names of --compat")
def _(t):
    sentence = refusal(t, "-l", "1,no-such-attribute")
    there = re.search(r"there are (.*)$", sentence)[1].replace("=", "").split()
    assert set(there) == items("Attributes", "Cm"), there
    written = re.sub(r"\s", " ", man()["Sockets"])
    names = re.search(r"is none of (.*)$", refusal(t, "--compat=no-such-name"))[1].split(", ")
    told = " ".join(help_text(t))
    for name in names:
        assert re.search(rf"\b{name}\b", written), name
        assert re.search(rf"\b{name}\b", told), name


@step("the variables that a worker finds are those of the man page")
def _(t):
    compat = re.search(r"is none of (.*)$", refusal(t, "--compat=no-such-name"))[1].split(", ")
    sup = Sup(t, *[f"--compat={name}" for name in compat], "-l", f"127.0.0.1:{free_port()}",
              "-l", t.path("socket"), "--watchdog=1h", "--", "/bin/sleep", "1000")
    found = {name for name in procs.environment_of(sup.sleeping_worker())
             if name not in os.environ and not name.startswith(("LD_", "GLIBC"))}  # valgrind's
    written = items("Of the worker", "Ev")
    assert len(written) > 15, written
    assert written - found <= {"LISTEN_PIDFDID"}, f"not set: {written - found}"
    assert found <= written, f"not in the man page: {found - written}"


@step("the variables that are removed are in the man page too")
def _(_t):
    source = re.search(r"^is_handed_over\(.*?^}", read("supervisor", "worker", "environment.c"),
                       re.MULTILINE | re.DOTALL)[0]
    names = re.findall(r'"([A-Z_]+)"', source)
    assert "NOTIFY_SOCKET" in names and "EINHORN_" in names, names
    missing = [name for name in names if not re.search(rf"\b{name}", man()["Of the worker"])]
    assert not missing, missing


@step("what a worker may say by sd_notify")
def _(_t):
    known = re.findall(r'strcmp\(name, "([A-Z_]+)"\)', read("supervisor", "worker", "message.c"))
    written = set(re.findall(r"\b([A-Z_]+)=", "\n".join(
        re.findall(r"^\.It Li (.+)$", man()["What a worker may say"], re.MULTILINE))))
    assert len(known) > 5 and written == set(known), written ^ set(known)


@step("the verbs are those of the man page")
def _(t):
    told = verbs(t)
    written = set(re.findall(r"^(?:\.It )?\.?(?:Cm )([a-z]+)$", man()["VERBS"], re.MULTILINE))
    assert "reload" in told and set(told) == written, set(told) ^ written


@step("the exit statuses of the man page are those that happen")
def _(t):
    dull = t.write("dull", "#!/bin/sh\n", 0o644)
    happens = {"0": (0, ["--restart=never", "--", "true"]),
               "1": (1, ["--chdir=/no/such/directory", "--", "true"]),
               "2": (2, ["--no-such-option", "--", "true"]),
               "76": (76, ["--", "true"]),
               "126": (126, ["--", dull]),
               "127": (127, ["--", "/no/such/program"]),
               "128 + Ar n": (137, ["--restart=never", "--", "sh", "-c", "kill -9 $$"]),
               "Ar other": (42, ["--restart=never", "--", "sh", "-c", "exit 42"])}
    written = re.findall(r"^\.It (.+)$", man()["EXIT STATUS"], re.MULTILINE)
    assert set(written) == set(happens), written
    ours, theirs = socket.socketpair()
    t.defer(ours.close)
    t.defer(theirs.close)
    handed = {"prefix": [PYTHON, os.path.join(TOP_SRCDIR, "tests", "e2e", "hand_over.py"),
                         f"connection:{theirs.fileno()}", "--"], "pass_fds": [theirs.fileno()]}
    for status, arguments in happens.values():
        seen, _ = run_sup(t, *arguments, **handed if status == 76 else {})
        assert seen == status, (arguments, seen)
    told = " ".join(help_text(t)).partition("Exit status:")[2]
    for number in ("1", "2", "76", "126", "127", "128"):
        assert re.search(rf"\b{number}\b", told), number


@step("the signals that sup acts on")
def _(_t):
    handled = set(re.findall(r"\{(SIG\w+), on_\w+\}", read("supervisor", "run", "supervisor.c")))
    assert items("SIGNALS", "Dv") == handled - {"SIGCHLD"}, handled


@step("the events of the log, and the fields of its JSON form")
def _(t):
    folder = os.path.join(TOP_SRCDIR, "supervisor", "run")
    sources = "".join(read(folder, name) for name in os.listdir(folder) if name.endswith(".c"))
    events = set(re.findall(r'\.event = "([\w-]+)"', sources))
    assert events == items("LOG", "Sy"), events ^ items("LOG", "Sy")
    ids = dict(re.findall(r'\{"([\w-]+)", "([0-9a-f]{32})"\}',
                          read("supervisor", "base", "event_id.c")))
    assert set(ids) == events, set(ids) ^ events
    assert list(ids) == sorted(ids) and len(set(ids.values())) == len(ids)
    explained = re.findall(r"^# ([\w-]+)\n-- ([0-9a-f]{32})\nSubject: .+$",
                           read("systemd", "sup.catalog"), re.MULTILINE)
    assert dict(explained) == ids and len(explained) == len(ids)
    fields = set(re.findall(r'json_add_\w+\(object, "(\w+)"', read("supervisor", "base", "log.c")))
    assert fields == items("LOG", "Va"), fields ^ items("LOG", "Va")
    _, lines = run_sup(t, "--log-format=json", "--restart=never", "--", "true")
    assert set(json.loads(lines[-1])) <= fields, lines[-1]


@step("mandoc has nothing to say against the man page")
def _(_t):
    done = subprocess.run([need("mandoc"), "-T", "lint", "-W", "warning", MAN], check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    assert done.returncode == 0 and not done.stdout, done.stdout


run()
