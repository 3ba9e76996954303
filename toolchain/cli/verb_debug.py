# SPDX-License-Identifier: BSD-2-Clause
"""pith debug: run an application with gdb attached, stopped at main."""

import os
import signal
import subprocess
import sys
import tempfile
import threading

import packages
import verb_run
from bench import plugin
from guest import Guest
from words import CRASHED, Failure, say, usage

HELP = "run an application under gdb, stopped at its main"
EPILOG = """The image runs at a fixed address (boot option base=fixed). gdb reads $HOME/.gdbinit as always.
To look at the boot before the image has moved: add-symbol-file IMAGE, then hbreak start_pvh.

examples:
  pith debug hello
  pith debug sha256 --disk disk.img --batch 'break read' --batch continue --batch bt"""


def add_arguments(parser):
    verb_run.add_machine_options(parser)
    parser.add_argument("--batch", metavar="CMD", action="append",
                        help="give gdb this command instead of a prompt (repeatable)")
    parser.add_argument("--no-stop", action="store_true",
                        help="don't run to main first: stay at the machine's first instruction")
    parser.usage = "pith debug APP [options] [-- ARGUMENTS OF THE PROGRAM]"


def gdb_command(elf, path, options):
    """gdb's words: symbols where the image will run, the machine, main."""
    steps = ["set confirm off", "set pagination off",
             f"add-symbol-file {elf} -o {plugin.FIXED_BASE - plugin.LINK_BASE:#x}",
             f"target remote {path}"]
    if not options.no_stop:
        # A hardware breakpoint: the code is not there yet, and it will be read-only.
        steps += ["hbreak main", "continue"]
    words = ["gdb", "-q"] + (["-nx", "-batch"] if options.batch else [])
    for step in steps + (options.batch + ["disconnect"] if options.batch else []):
        words += ["-ex", step]
    return words


def run(options, program_args):
    packages.ensure(packages.GDB)
    app, machine = verb_run.describe(options, program_args)
    if machine.as_guest:
        raise usage(f"--on {machine.platform}: gdb reaches the image as Xen's dom0; use "
                    f"--on {machine.platform}-dom0")
    if machine.platform == "auto":
        machine.platform = "tcg"  # where hardware breakpoints work on every host
    verb_run.prepare(app, machine)
    machine.options.append("base=fixed")
    with tempfile.TemporaryDirectory(prefix="pith-") as folder:
        path = os.path.join(folder, "gdb")
        machine.qemu_args += ["-S", "-chardev", f"socket,id=gdb,path={path},server=on,wait=off",
                              "-gdb", "chardev:gdb"]
        guest = Guest(machine, None, verb_run.write_all, verb_run.open_log(app.name))
        thread = threading.Thread(target=guest.run, daemon=True)
        thread.start()
        for _ in range(200):
            if os.path.exists(path) or not thread.is_alive():
                break
            thread.join(0.05)
        if not os.path.exists(path):
            raise Failure("the machine did not start:\n" + guest.words.decode(errors="replace"))
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # gdb's alone
        sys.stdout.flush()
        status = subprocess.call(gdb_command(app.elf, path, options),
                                 preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
        if guest.process.poll() is None:
            guest.process.kill()
        thread.join(5)
    if status:
        say(f"gdb ended with status {status}")
    return CRASHED if status else 0
