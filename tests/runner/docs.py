# SPDX-License-Identifier: BSD-2-Clause
"""Checks what the documents claim: the boot chains of docs/architecture.md, links, the README's commands."""

import os
import re
import secrets
import shlex
import signal
import subprocess
import tempfile
import time
import urllib.request

import cases
import examples
import guests
import image
import packages
import verb_size
import xen
import xen_dom0
from guest import Guest
from machine import Machine
from schedule import COMPILING, COMPILING_SECONDS, XEN, Job, built
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
    until = time.monotonic() + 180
    while process.poll() is None and time.monotonic() < until:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                answer.read()
            process.send_signal(signal.SIGINT)
            return None
        except OSError:
            time.sleep(0.1)
    return f"{url} did not answer"


def typed(line, remark):
    """What is wrong with a line of the README, or None; FILE stands for some file."""
    words = [os.path.join(TOP, "LICENSE") if w == "FILE" else w for w in shlex.split(line)]
    url = re.search(r"http://\S+/", remark)
    with tempfile.TemporaryFile() as output, \
            subprocess.Popen(words, cwd=TOP, stdin=subprocess.DEVNULL, stdout=output, stderr=output) as process:
        try:
            wrong = serve(process, url[0]) if url else None
            process.wait(120)
        except subprocess.TimeoutExpired:
            wrong = "it does not end"
        finally:
            process.kill()
        process.wait()
        output.seek(0)
        said = output.read()
    fine = (0, 1) if words[1] == "check" else (0,)  # 1: some calls always fail
    if wrong or process.returncode not in fine:
        return f"`{line}`: {wrong or ''} status {process.returncode}: {said[-200:]!r}"
    return None


def readme_job(app, lines):
    """The lines with one application, one after the other: its servers have one port."""
    def job(results):
        began = time.monotonic()
        problems = [typed(*line) for line in lines]
        results.check(f"docs/readme-{app}", time.monotonic() - began, next((p for p in problems if p), None))

    if not any("--on xen" in line for line, _ in lines):
        return built([image.find(app)], [Job(job, 5.0)], f"docs/(build {app})")

    def with_xen(_results):
        xen_dom0.ensure()
        return [built([image.find(app)], [Job(job, 40.0, XEN)], f"docs/(build {app})")]

    return Job(with_xen, COMPILING_SECONDS, COMPILING, name="docs/(fetch Xen)")


def readme():
    """Jobs for the README's `./pith run` and `check` lines, each behind a build of what it names."""
    apps = {}
    for line, remark in readme_commands():
        apps.setdefault(shlex.split(line)[2], []).append((line, remark))
    return [readme_job(app, lines) for app, lines in apps.items()]


def readme_shows(results):
    results.check("docs/readme", 0.0, None if readme_commands() else "README.md shows no ./pith run")


def jobs(wanted, _full, _results):
    packages.ensure(["curl"])  # the examples'
    hello = image.find("hello")
    image.build([hello], quiet=True)
    found = {}
    if os.path.exists(ARCHITECTURE):
        with open(ARCHITECTURE, encoding="utf-8") as f:
            found = chains(f.read())
    unusable = guests.unusable_beds()
    named = {
        "links": [links],
        "readme": [readme_shows, *readme()],
        "porting": [Job(examples.job("porting"), 100.0)],
        "chains": [every_bed_has_a_chain(found)],
    }
    for bed in cases.BEDS:
        if bed.name in found and bed.platform not in unusable:
            named[f"boot-{bed.name}"] = [chain_job(hello.elf, bed, found[bed.name])]
    return [job for name, some in named.items() if not wanted or any(name.startswith(w) for w in wanted) for job in some]
