# SPDX-License-Identifier: BSD-2-Clause
"""pith bench: measure workloads on Pith beside a Linux guest and a process of this host."""

import importlib
import json
import os

import packages
from words import TOP, Failure, say, usage

HELP = "measure Pith beside a Linux guest and a process of this host: boot, size, primitives, network"
EPILOG = """NAME is one or more of: hello (size, least memory, boot by instructions), prim, start, khttp, tcp, udp, frames,
idle, redis, nginx, disk, heap; without a name all of them (nginx where its image has been built); path, short counts that a
test compares, by name alone. Sides take turns, each turn with fresh machines; beside every time stand the
guest's instructions, counted by a plugin of QEMU in turns of their own. `pith bench boot` measures the time
from letting a machine go (`xl unpause` on Xen) to main on every platform. The report: build/bench/*.json
and .html; docs/performance.md explains it."""

# In the order of a run without names; each a module below bench/.
WORKLOADS = ("hello", "prim", "start", "khttp", "tcp", "udp", "frames", "idle", "redis", "nginx", "disk", "heap")
QUICK = ("hello", "prim", "khttp", "tcp")
ON_XEN = {name: name for name in ("khttp", "tcp", "udp", "redis", "nginx")} | {"start": "xen_start", "disk": "xen_disk"}
BY_NAME = ("path", "stages")  # not in a run of all
ALONE = ("boot",)  # only by name, with a report of its own
COUNTS = os.path.join(TOP, "tests", "bench", "counts.json")
SIDES = ("pith", "linux", "native", "tcg")
MOST = 1000
QUICK_SECONDS = 1


def add_arguments(parser):
    parser.add_argument("names", metavar="NAME", nargs="*",
                        help="what to measure: " + ", ".join([*WORKLOADS, *BY_NAME, *ALONE]))
    parser.add_argument("--quick", action="store_true",
                        help="one short turn of each, fewer measures: under three minutes")
    parser.add_argument("--on", choices=("tcg", "kvm", "xen-pv", "xen-pvh"), default="tcg",
                        help="what runs the machines; xen-*: guests of a Xen with a Linux dom0 in QEMU's TCG")
    parser.add_argument("--machine", choices=("microvm", "q35", "pc"), default="pc",
                        help="QEMU's machine (default: pc)")
    parser.add_argument("--rounds", metavar="N", default="3", help="timed turns of each side (default: 3)")
    parser.add_argument("--counted", metavar="N", default="1",
                        help="turns of each side that count instructions (default: 1)")
    parser.add_argument("--seconds", metavar="S", default="4", help="of each measurement (default: 4)")
    parser.add_argument("--sides", metavar="A,B", default="",
                        help="only these of pith, linux, native, and tcg (khttp on kvm: Pith without it)")
    parser.add_argument("--card", metavar="NAME=VALUE", action="append", default=[],
                        help="for the network card, like gso=off; may be repeated")
    parser.add_argument("--boot-option", metavar="WORD", action="append", default=[],
                        help="of Pith, like net.gro=1; may be repeated")
    parser.add_argument("--profile", action="store_true", help="list where Pith's instructions go, by function")
    parser.add_argument("--against", metavar="FILE", help="tell what got worse since this older run (JSON)")
    parser.add_argument("--out", metavar="FILE", help="where the JSON goes (default: build/bench/bench-TIME.json)")
    parser.add_argument("--record", action="store_true",
                        help="hello, prim and path: write Pith's counts to tests/bench/counts.json, which a test compares")
    parser.add_argument("--linux", action="store_true", help="boot: a Linux as a guest of the same Xen, too")


def count_of(options, name, least):
    text = getattr(options, name)
    if not text.isdecimal() or not least <= int(text) <= MOST:
        raise usage(f"--{name}: '{text}' is no number from {least} to {MOST}")
    return int(text)


def wanted(options):
    """A frame.Bench of the options."""
    from bench import frame  # pylint: disable=import-outside-toplevel
    sides = tuple(word for word in options.sides.split(",") if word)
    for side in sides:
        if side not in SIDES:
            raise usage(f"--sides: there is no '{side}'; they are {', '.join(SIDES)}")
    bench = frame.Bench(options.on, options.machine, count_of(options, "rounds", 0), count_of(options, "counted", 0),
                        count_of(options, "seconds", 1), sides, options.profile, options.quick, options.card, options.boot_option)
    if options.quick:
        bench.rounds, bench.counted, bench.seconds = 1, 1, QUICK_SECONDS
    if bench.rounds + bench.counted == 0:
        raise usage("--rounds 0 and --counted 0: there is nothing to do")
    return bench


def chosen(options):
    """The workloads to run."""
    on_xen = options.on.startswith("xen-")
    for name in options.names:
        if name not in WORKLOADS and name not in BY_NAME:
            raise usage(f"there is no '{name}'; there are {', '.join([*WORKLOADS, *BY_NAME, *ALONE])}")
        if on_xen and name not in ON_XEN:
            raise usage(f"{name} is not measured on Xen; {', '.join(ON_XEN)} are")
    from bench import nginx  # pylint: disable=import-outside-toplevel
    found = [name for name in (QUICK if options.quick else WORKLOADS) if not on_xen or name in ON_XEN]
    return options.names or [name for name in found if name != "nginx" or nginx.built()]


def modules(names, on_xen):
    return {name: importlib.import_module("bench." + (ON_XEN[name] if on_xen else name)) for name in names}


def prepare(found):
    """What the workloads need is there, or can be had."""
    from bench import sides  # pylint: disable=import-outside-toplevel
    packages.ensure(packages.BUILD + packages.QEMU)
    packages.ensure(sorted({need for module in found.values() for need in module.NEEDS}))
    why = sides.bed.why_not() if any("ip" in module.NEEDS for module in found.values()) else None
    if why:
        raise Failure(why)


def older(path):
    from bench import frame  # pylint: disable=import-outside-toplevel
    try:
        return frame.load(path)[1] if path else None
    except (OSError, ValueError, KeyError, TypeError) as e:
        raise usage(f"--against {path}: {e}") from e


def record(results):
    """The exact counts become those that tests/runner/benches.py expects."""
    from bench import against  # pylint: disable=import-outside-toplevel
    with open(COUNTS, encoding="utf-8") as f:
        kept = json.load(f)
    for result in results:
        if result.name in against.KEPT:
            kept[result.name] = {measure: result.median("Pith", measure) for measure in result.measures()
                                 if measure in result.values["Pith"]}
    with open(COUNTS, "w", encoding="utf-8") as f:
        json.dump(kept, f, indent=1)
        f.write("\n")


def run(options, _args):
    from bench import against, frame, page, report  # pylint: disable=import-outside-toplevel
    bench = wanted(options)
    if "boot" in options.names:
        from bench import boot  # pylint: disable=import-outside-toplevel
        if options.names != ["boot"]:
            raise usage("boot is measured alone")
        return boot.run(max(1, bench.rounds), options.linux)
    names = chosen(options)
    before = older(options.against)
    found = modules(names, bench.on_xen)
    prepare(found)
    results = []
    path = os.path.abspath(options.out) if options.out else frame.new_path()
    for name, module in found.items():
        result = module.run(bench) if hasattr(module, "run") else frame.run(module, bench)
        report.table(module, result)
        results.append(result)
        facts = frame.save(results, bench, path)  # after each, so that an end before time loses little
    shown = os.path.splitext(path)[0] + ".html"
    page.write(shown, facts, results, found)
    say(f"{sum(r.seconds for r in results):.0f} s; {os.path.relpath(path)}, {os.path.relpath(shown)}")
    if options.record:
        record(results)
    return 1 if before is not None and against.compare(results, before) else 0
