# SPDX-License-Identifier: BSD-2-Clause
"""Checks what the documents claim: the boot chains of docs/architecture.md, links, the README's commands."""

import os
import re
import secrets
import shlex
import signal
import subprocess
import time
import urllib.request

import cases
import examples
import guests
import image
import verb_size
import xen
from guest import Guest
from machine import Machine
from words import TOP

ARCHITECTURE = os.path.join(TOP, "docs", "architecture.md")

# A chain is a fenced block ```boot BED...: one function per line, a blank or # starts a remark. A line
# in parentheses is code that prints nothing (before there is a place to note it) but has to exist.
CHAIN = re.compile(r"^```boot ([^\n]+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def chains(text):
    """{bed: [(function, traced)]}"""
    found = {}
    for match in CHAIN.finditer(text):
        steps = []
        for line in match[2].splitlines():
            words = line.split("#")[0].split()
            if words:
                steps.append((words[0].strip("()"), not words[0].startswith("(")))
        for bed in match[1].split():
            found[bed] = steps
    return found


def traced(elf, bed):
    """(the names that boot=trace prints on a bed, problem)"""
    output = bytearray()
    machine = Machine(elf, bed.platform, bed.machine, nonce=secrets.token_hex(8),
                      options=["boot=trace"], xen_elf=xen.XEN_ELF)
    result = Guest(machine, None, output.extend, None, 60).run()
    names = re.findall(r"^boot: (\w+)\r?$", output.decode(errors="replace"), re.MULTILINE)
    return names, f"status {result.status}; {result.problem}" if result.status else None


def chain_job(elf, bed, steps):
    def job(results):
        began = time.monotonic()
        exist = {name for name, _, _, _ in verb_size.symbols(elf)}
        absent = [name for name, _ in steps if name not in exist]
        problem = None
        if absent:
            problem = "not in the image: " + ", ".join(absent)
        else:
            have, problem = traced(elf, bed)
            want = [name for name, shown in steps if shown]
            if not problem and have != want:
                problem = f"boot=trace prints {' '.join(have)}; the document says {' '.join(want)}"
        results.check(f"docs/boot-{bed.name}", time.monotonic() - began, problem)
    return job


def every_bed_has_a_chain(found):
    def job(results):
        missing = [bed.name for bed in cases.BEDS if bed.name not in found]
        results.check("docs/chains", 0.0, "no boot chain for " + ", ".join(missing) if missing else None)
    return job


def links(results):
    """Files that a document links to exist."""
    dead = []
    documents = [os.path.join(TOP, "README.md")]
    folder = os.path.join(TOP, "docs")
    documents += [os.path.join(folder, name) for name in sorted(os.listdir(folder))]
    for document in documents:
        with open(document, encoding="utf-8") as f:
            for target in LINK.findall(f.read()):
                path = os.path.join(os.path.dirname(document), target)
                if "://" not in target and not os.path.exists(path):
                    dead.append(f"{os.path.relpath(document, TOP)}: {target}")
    results.check("docs/links", 0.0, "dead links: " + ", ".join(dead) if dead else None)


def readme_commands():
    """(command, remark) of the lines of the README's first fenced block."""
    with open(os.path.join(TOP, "README.md"), encoding="utf-8") as f:
        block = re.search(r"^```sh\n(.*?)^```", f.read(), re.MULTILINE | re.DOTALL)
    lines = block[1].splitlines() if block else []
    return [(command.strip(), remark) for command, _, remark in
            (line.partition("#") for line in lines if re.match(r"\./pith (run|check) ", line))]


def serve(process, url):
    """Fetch the page that the remark promises, then Ctrl-C; what is wrong, or None."""
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                answer.read()
            process.send_signal(signal.SIGINT)
            return None
        except OSError:
            time.sleep(0.1)
    return f"{url} did not answer"


def readme(results):
    """The README's `./pith run` and `check` lines do what they say; FILE stands for some file."""
    began = time.monotonic()
    lines, problem = readme_commands(), None
    if not lines:
        problem = "README.md shows no ./pith run"
    for line, remark in lines:
        words = [os.path.join(TOP, "LICENSE") if w == "FILE" else w for w in shlex.split(line)]
        subprocess.run(["./pith", "build", words[2]], cwd=TOP, stdin=subprocess.DEVNULL,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=900, check=False)
        url = re.search(r"http://\S+/", remark)
        with subprocess.Popen(words, cwd=TOP, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT) as process:
            try:
                wrong = serve(process, url[0]) if url else None
                said = process.communicate(timeout=120)[0]
            except subprocess.TimeoutExpired:
                wrong, said = "it does not end", b""
            finally:
                process.kill()
        fine = (0, 1) if words[1] == "check" else (0,)  # 1: some calls always fail
        if wrong or process.returncode not in fine:
            problem = f"`{line}`: {wrong or ''} status {process.returncode}: {said[-200:]!r}"
    results.check("docs/readme", time.monotonic() - began, problem)


def jobs(_wanted, _full, _results):
    hello = image.find("hello")
    image.build([hello], quiet=True)
    found = {}
    if os.path.exists(ARCHITECTURE):
        with open(ARCHITECTURE, encoding="utf-8") as f:
            found = chains(f.read())
    unusable = guests.unusable_beds()
    todo = [links, readme, examples.job("porting"), every_bed_has_a_chain(found)]
    for bed in cases.BEDS:
        if bed.name in found and bed.platform not in unusable:
            todo.append(chain_job(hello.elf, bed, found[bed.name]))
    return todo
