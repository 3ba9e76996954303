# SPDX-License-Identifier: BSD-2-Clause
"""The frame of every workload: sides take turns with fresh machines, and what they reach is kept.

A measure is named by what was done and its unit: "c32 requests/s". A turn either is timed, or counts
instructions under the plugin, which makes the machine slower; each keeps only the measures of its kind.
"""

import json
import os
import platform
import statistics
import subprocess
import time
from dataclasses import dataclass, field

import linux_guest
from words import BUILD, TOP, say

# More of these is better; of all other units less.
MORE = ("requests/s", "Mbit/s", "datagrams/s", "answers/s", "frames/s", "MB/s", "IOPS")
COUNTED = ("instructions", "notifications", "interrupts")  # how the unit of a counted measure begins


@dataclass
class Bench:
    """What the user asked for."""

    platform: str = "tcg"
    machine: str = "pc"
    rounds: int = 3          # timed turns of each side
    counted: int = 1         # counted turns of each side
    seconds: float = 4
    sides: tuple = ()        # names; empty for all
    profile: bool = False    # keep instructions per function of Pith's counted turns
    quick: bool = False
    card: list = field(default_factory=list)  # NAME=VALUE for the network card's device
    boot_options: list = field(default_factory=list)  # Pith's own, like net.gro=1

    @property
    def on_xen(self):
        return self.platform.startswith("xen-")


@dataclass
class Result:
    """Of one workload."""

    name: str
    title: str
    values: dict = field(default_factory=dict)    # side -> measure -> [values]
    commands: dict = field(default_factory=dict)  # side -> words that started it
    profiles: dict = field(default_factory=dict)  # measure -> {function: instructions per unit}
    raw: dict = field(default_factory=dict)       # whatever else is to be kept
    seconds: float = 0.0
    platform: str = "tcg"

    def add(self, side, values):
        kept = self.values.setdefault(side, {})
        for measure, value in values.items():
            kept.setdefault(measure, []).append(value)

    def measures(self):
        found = {}
        for kept in self.values.values():
            found.update(dict.fromkeys(kept))
        return list(found)

    def median(self, side, measure):
        """None when it was not measured."""
        values = self.values.get(side, {}).get(measure)
        return statistics.median(values) if values else None


def unit(measure):
    return measure.rsplit(" ", 1)[1]


def more_is_better(measure):
    return unit(measure) in MORE


def is_counted(measure):
    return unit(measure).startswith(COUNTED)


def better(measure, ours, theirs):
    """How many times better ours is; None when that makes no sense."""
    if not ours or not theirs:
        return None
    return ours / theirs if more_is_better(measure) else theirs / ours


def turn(workload, side, bench, counted, result):
    began = time.monotonic()
    started = side.start(bench, counted)
    try:
        result.commands.setdefault(side.name, started.words)
        values, profiles = workload.measure(started, bench, side)
    finally:
        started.close()
    # An exact count of operations, like failed requests, counts whichever turn it was.
    result.add(side.name, {m: v for m, v in values.items() if is_counted(m) == counted or unit(m) == "failed"})
    result.profiles.update(profiles)
    result.seconds += time.monotonic() - began


def run(workload, bench):
    """Let the sides of a workload take turns. Result."""
    result = Result(workload.NAME, workload.TITLE, platform=bench.platform)
    chosen = [side for side in workload.sides(bench) if not bench.sides or side.name.lower() in bench.sides]
    if bench.on_xen:
        chosen = [side for side in chosen if side.guest]
    for number in range(max(bench.rounds, bench.counted)):
        for counted in (False, True):
            for side in chosen:
                if number >= (bench.counted if counted else bench.rounds):
                    continue
                if counted and (bench.platform == "kvm" or not side.counts):
                    continue
                say(f"{workload.NAME}, round {number + 1}: {side.name}{', counted' if counted else ''}")
                turn(workload, side, bench, counted, result)
    return result


# ---- what is kept ----

def first_line(*words):
    try:
        done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False, cwd=TOP)
        return (done.stdout.splitlines() or [""])[0]
    except FileNotFoundError:
        return ""


def cpu_name():
    with open("/proc/cpuinfo", encoding="utf-8") as f:
        for line in f:
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return ""


def circumstances(bench):
    """What somebody needs who wants to repeat it."""
    return {
        "commit": first_line("git", "rev-parse", "HEAD"),
        "changed": bool(first_line("git", "status", "--porcelain", "--untracked-files=no")),
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": cpu_name(), "cpus": os.cpu_count(), "load": os.getloadavg(),
        "host": platform.release(),
        "qemu": first_line("qemu-system-x86_64", "--version"),
        "gcc": first_line("gcc", "--version"),
        "linux": linux_guest.version(),
        "options": vars(bench),
    }


def save(results, bench, path):
    data = dict(circumstances(bench), results={r.name: vars(r) for r in results})
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(data, f, indent=1)
    return data


def load(path):
    """(circumstances, [Result]) of a file that save() wrote."""
    with open(path, encoding="utf-8") as f:
        data = json.load(f)
    return data, [Result(**fields) for fields in data["results"].values()]


def new_path():
    return os.path.join(BUILD, "bench", time.strftime("bench-%Y%m%d-%H%M%S.json"))
