#!/usr/bin/python3
"""The house is built as ARCHITECTURE.md draws it: floors, rooms and files."""

import os
import re

from harness import TOP_SRCDIR, run, step

HOUSE = os.path.join(TOP_SRCDIR, "supervisor")


def read(*path):
    with open(os.path.join(TOP_SRCDIR, *path), encoding="utf-8") as file:
        return file.read()


def plan():
    """Of each room its floor, and the pairs of rooms of one floor between which an arrow stands."""
    floors, arrows = {}, set()
    for floor, rooms in re.findall(r"^ floor (\d)   (.+)$", read("ARCHITECTURE.md"), re.MULTILINE):
        floors.update(dict.fromkeys(re.findall(r"\w+", rooms), int(floor)))
        arrows.update(re.findall(r"(\w+) → (\w+)", rooms))
    assert len(floors) > 5, "ARCHITECTURE.md has lost its picture"
    return floors, arrows


def drawn_files():
    """The files of which ARCHITECTURE.md says what they are, as paths below supervisor/."""
    block = re.search(r"^supervisor/\n(.*?)^```", read("ARCHITECTURE.md"), re.MULTILINE | re.DOTALL)
    room, files = "", set()
    for line in block[1].splitlines():
        name = line.split()[0]
        if name.endswith("/"):
            room = name
        else:
            files.add(room + name if line.startswith(8 * " ") else name)
    return files


def built_files():
    """The sources below supervisor/."""
    return {os.path.relpath(os.path.join(folder, name), HOUSE)
            for folder, _, names in os.walk(HOUSE) for name in names if name.endswith((".c", ".h"))}


def room_of(path):
    return path.partition("/")[0].removesuffix(".c")


def includes(opening):
    """Every include line with this quote: the file it stands in, and what it names."""
    for path in sorted(built_files()):
        for name in re.findall(rf'^ *# *include *{opening}([^">]+)', read("supervisor", path),
                               re.MULTILINE):
            yield path, name


@step("a file includes only from its own room, from floors below, or where an arrow stands")
def _(_t):
    floors, arrows = plan()
    rooms = {room_of(path) for path in built_files()}
    assert rooms == set(floors), f"not in both: {rooms ^ set(floors)}"
    wrong, seen = [], 0
    for path, name in includes('"'):
        here, there = room_of(path), room_of(name)
        if name == "config.h":  # configure's
            continue
        seen += 1
        if here != there and floors[here] <= floors[there] and (here, there) not in arrows:
            wrong.append(f"{path} includes {name}")
    assert not wrong, wrong
    assert seen > 100, f"only {seen} include lines were found"


@step("only the floor of run/ knows the event loop")
def _(_t):
    floors, _ = plan()
    users = [path for path, name in includes("<") if name == "systemd/sd-event.h"]
    assert users, "who runs the loop?"
    assert all(floors[room_of(path)] == floors["run"] for path in users), users


@step("every file has its line in ARCHITECTURE.md, and every line its file")
def _(_t):
    built, drawn = built_files(), drawn_files()
    pages = {path for path in built if path.endswith(".c") or path[:-2] + ".c" not in built}
    assert pages == drawn, f"not in both: {sorted(pages ^ drawn)}"


@step("no file is longer than 500 lines, and main.c than 100")
def _(_t):
    lengths = {path: read("supervisor", path).count("\n") for path in built_files()}
    assert lengths["main.c"] <= 100, lengths["main.c"]
    long = {path: length for path, length in lengths.items() if length > 500}
    assert not long, long


run()
