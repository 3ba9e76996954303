# SPDX-License-Identifier: BSD-2-Clause
"""Runs a document's worked example: its files are written, its commands typed, what they print compared.

A fenced block ```c NAME (or cmake, make, sh, cfg) is a file. A block ```console holds commands after `$ ` and
behind each what it prints; ```console TOOL is left out where there is no such tool. All blocks run in
one shell after the other, in a scratch folder with a link to `pith`; ports are replaced by free ones.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

from results import log_path
from words import TOP

FILE = re.compile(r"^```(?:c|cmake|make|sh|cfg) (\S+/\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
CONSOLE = re.compile(r"^```console(?: (\S+))?\n(.*?)^```", re.MULTILINE | re.DOTALL)
PORTS = re.compile(r"\b808[0-9]\b")
SECONDS = 600

# Ends the shell's group when the runner does, however that ends: fd 3 is a pipe that it holds open.
# Twice in parentheses, so that it is no child that `wait` waits for.
GUARD = "((read -r _ <&3; kill -KILL 0) > /dev/null 2>&1 &) 3<&{fd}"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def steps(block):
    """[(command, lines that it prints)]"""
    found = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def host_ports(command, ports):
    """The command with the host's ports replaced; the guest's own, behind a colon, stay."""
    def replace(match):
        before = command[:match.start()]
        return match[0] if re.search(r"-p \d+:$", before) else ports.setdefault(match[0], free_port())
    return PORTS.sub(replace, command)


def script(block, ports, guard):
    """A shell script that says `@N` before the N-th command's output."""
    lines = ["exec 2> /dev/null", GUARD.format(fd=guard)]
    for number, (command, _) in enumerate(steps(block)):
        lines += [f"echo @{number}", host_ports(command, ports)]
    return "\n".join(lines) + "\n"


def run_block(folder, block, log):
    """Words about the first command that printed something else, or None."""
    there, held = os.pipe()
    process = subprocess.Popen(["bash", "-c", script(block, {}, there)], cwd=folder,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, pass_fds=[there],
                               env=dict(os.environ, TOP=TOP), start_new_session=True)
    os.close(there)
    try:
        output = process.communicate(timeout=SECONDS)[0].decode(errors="replace")
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)  # the group is the shell's own
        output = process.communicate()[0].decode(errors="replace") + "\n(time is over)"
    finally:
        os.close(held)  # what the block has left behind ends too
    log.write(output)
    printed = re.split(r"^@\d+\n", output, flags=re.MULTILINE)[1:]
    for number, (command, wanted) in enumerate(steps(block)):
        have = printed[number].splitlines() if number < len(printed) else ["(it was not reached)"]
        if have != wanted:
            return f"`{command}` prints {have}, not {wanted}"
    return None


def job(name):
    """A job that runs docs/NAME.md."""
    def run(results):
        began = time.monotonic()
        with open(os.path.join(TOP, "docs", name + ".md"), encoding="utf-8") as f:
            text = f.read()
        folder = os.path.join(os.path.dirname(log_path("docs", "x")), name)
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        os.symlink(os.path.join(TOP, "pith"), os.path.join(folder, "pith"))
        for path, content in FILE.findall(text):
            os.makedirs(os.path.dirname(os.path.join(folder, path)), exist_ok=True)
            with open(os.path.join(folder, path), "w", encoding="utf-8") as f:
                f.write(content)
        problem = None if CONSOLE.search(text) else "it has no ```console block"
        with open(log_path("docs", name + ".log"), "w", encoding="utf-8") as log:
            for tool, block in CONSOLE.findall(text):
                if not problem and (not tool or shutil.which(tool)):
                    problem = run_block(folder, block, log)
        results.check(f"docs/{name}", time.monotonic() - began, problem)
    return run
