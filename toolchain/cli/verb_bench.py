# SPDX-License-Identifier: BSD-2-Clause
"""pith bench: measure boot, size, memory and primitives, next to the targets."""

import json
import os
import secrets
import time

import bench_boot
import bench_http
import counts
import image
import packages
import verb_size
from guest import Guest
from machine import Machine
from words import BUILD, TOP, Failure, say, usage

HELP = "measure boot, size, least memory and primitives, the time to main, or khttp against Linux"
EPILOG = """Without a name everything is counted in guest instructions under TCG, so that the figures do
not depend on the host. `pith bench khttp` compares requests per second with a Linux guest that runs the
same program on the same machine, in turns. `pith bench boot` measures the time from letting a machine go
(`xl unpause` on Xen) to main, on every platform. docs/performance.md explains the figures. Raw data:
build/bench/*.json."""

PRIM = os.path.join(TOP, "tests", "bench", "prim")
MEMORY_STEPS_MIB = (2, 3, 4, 6, 8, 12, 16, 32, 64)

# Per measure of tests/bench/prim: the best peer's instructions, and our target where there is one.
# Peers: Linux 6.1 with glibc, Unikraft 0.16.3 with musl, Nanos 2026-07 with glibc, the same way of counting.
PEERS = {
    "function_call": ("all", 11, None),
    "getpid": ("Unikraft", 20, None),
    "clock_gettime": ("Linux, Unikraft", 73, None),
    "read_devzero_1": ("Linux", 671, None),
    "write_devnull_1": ("Linux", 594, None),
    "malloc_free_64": ("Linux, Nanos", 130, None),
    "malloc_free_64_live1000": ("Linux, Nanos", 185, None),
    "malloc_free_1500_live1000": ("Unikraft", 371, None),
    "malloc_free_64k": ("Unikraft", 314, None),
    "snprintf": ("Linux, Nanos", 901, None),
    "strlen_1000": ("Linux, Nanos", 127, None),
    "yield_pair": ("Unikraft", 511, 250),
    "sem_roundtrip": ("Unikraft", 3343, None),
    "pthread_create_join": ("Nanos", 35117, 6000),
    "pipe_roundtrip": ("Unikraft", 3914, 1500),
}


def add_arguments(parser):
    parser.add_argument("name", metavar="NAME", nargs="?", choices=("quick", "boot", "khttp"), default="quick",
                        help="quick (the default), boot, or khttp")
    parser.add_argument("--on", choices=("tcg", "kvm"), default="tcg", help="khttp: what runs it")
    parser.add_argument("--machine", choices=("q35", "pc"), default="pc",
                        help="khttp: QEMU's machine (default: pc)")
    parser.add_argument("--rounds", metavar="N", default="3", help="khttp: turns of each; boot: starts of each (default: 3)")
    parser.add_argument("--linux", action="store_true",
                        help="boot: a Linux as a guest of the same Xen, too")
    parser.add_argument("--seconds", metavar="S", default="4",
                        help="khttp: of each measurement (default: 4)")
    parser.add_argument("--quick", action="store_true", required=False,
                        help="what there is: boot, size, memory, primitives (some seconds)")
    parser.add_argument("--functions", metavar="N", default="0",
                        help="list the N functions that take most of the boot")


def row(name, value, target, peer=""):
    verdict = "" if target is None else ("yes" if value <= target else "NO")
    target_text = "" if target is None else f"{target:,}"
    print(f"  {name:36} {value:>12,}  {target_text:>9}  {verdict:3}  {peer}")


def heading(title):
    print(f"\n{title}\n  {'':36} {'pith':>12}  {'target':>9}  met  best peer")


def least_memory(elf):
    """The fewest MiB of MEMORY_STEPS_MIB with which the image ends with status 0."""
    for size in MEMORY_STEPS_MIB:
        machine = Machine(elf, "tcg", memory=size << 20, nonce=secrets.token_hex(8))
        if Guest(machine, None, lambda data: None, timeout=10).run().status == 0:
            return size
    raise Failure(f"{os.path.basename(elf)} does not even run in {MEMORY_STEPS_MIB[-1]} MiB")


def primitives(elf):
    """{measure: instructions} of tests/bench/prim, one tick of the clock per instruction."""
    output = bytearray()
    machine = Machine(elf, "tcg", memory=64 << 20, nonce=secrets.token_hex(8),
                      qemu_args=["-icount", "shift=0,sleep=off"])
    result = Guest(machine, None, output.extend, timeout=300).run()
    if result.status != 0:
        raise Failure(f"prim: status {result.status}; {result.problem}\n{output.decode()[-500:]}")
    found = {}
    for line in output.decode(errors="replace").splitlines():
        words = line.split()
        if len(words) == 3 and words[0] == "prim":
            found[words[1]] = float(words[2])
    return found


def measure_boot(elf):
    boots = {}
    for kind in ("microvm", "q35", "pc"):
        boots[kind] = counts.count(elf, kind)
    return boots


def print_boot(boots, prim, functions):
    heading("boot of hello, entry of the image to main, guest instructions")
    row("microvm, all", boots["microvm"].total, 60000, "90,000 and a wait of 100 ms (Unikraft)")
    row("microvm, at CPL 0", boots["microvm"].cpl0, 3000)
    for kind in ("q35", "pc"):
        row(f"{kind}, all", boots[kind].total, None)
    if "reset_to_main_ns" in prim:
        row("microvm, reset to main, virtual ns", int(prim["reset_to_main_ns"]), 1000000,
            "firmware included")
    for name, size in boots["microvm"].functions.most_common(functions):
        print(f"    {size:9,}  {name}")


def print_primitives(prim):
    heading("primitives, guest instructions per operation")
    for name, value in prim.items():
        if name in PEERS:
            who, instructions, target = PEERS[name]
            row(name, round(value), target, f"{instructions:,} ({who})")
        elif name != "reset_to_main_ns":
            row(name, round(value), None)


def run(options, _args):
    for name in ("functions", "rounds", "seconds"):
        if not getattr(options, name).isdecimal():
            raise usage(f"--{name}: '{getattr(options, name)}' is no number")
    if options.name == "boot":
        if int(options.rounds) < 1:
            raise usage("--rounds: at least 1")
        return bench_boot.run(int(options.rounds), options.linux)
    if options.name == "khttp":
        if int(options.rounds) < 1 or int(options.seconds) < 1:
            raise usage("--rounds and --seconds: at least 1")
        return bench_http.run(options.on, options.machine, int(options.rounds), int(options.seconds))
    packages.ensure(packages.BUILD + packages.QEMU)
    hello, prim = image.find("hello"), image.find(PRIM)
    image.build([hello, prim])
    began = time.monotonic()
    stripped, packed = verb_size.stripped_size(hello.elf)
    boots = measure_boot(hello.elf)
    memory = least_memory(hello.elf)
    measures = primitives(prim.elf)

    heading("image of hello, bytes")
    row("stripped", stripped, 65536, "79,120 (Solo5, without libc)")
    row("stripped, gzip -9", packed, None)
    heading("least memory of hello on microvm, MiB")
    row("runs with", memory, 2, "2 (Unikraft)")
    print_boot(boots, measures, int(options.functions))
    print_primitives(measures)

    data = {"stripped": stripped, "gzip": packed, "least_memory_mib": memory, "primitives": measures,
            "boot": {kind: {"total": b.total, "cpl0": b.cpl0, "before": b.before,
                            "until_end": b.until_end, "functions": dict(b.functions)}
                     for kind, b in boots.items()}}
    path = os.path.join(BUILD, "bench", "quick.json")
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        json.dump(data, f, indent=1)
    say(f"{time.monotonic() - began:.0f} s; raw data: {os.path.relpath(path)}")
    return 0
