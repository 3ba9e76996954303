# SPDX-License-Identifier: BSD-2-Clause
"""What a program is started with: variables and arguments, whence they come, which counts, and what fits."""

import os
import shutil
import tempfile

from pith_command import PROBE, TCG, Wrong, expect, pith
from words import TOP, USAGE

# Values as a shell would hand them over, and back.
VALUES = {"BLANKS": " a  b ", "QUOTES": "it's \"so\" and \\n", "EMPTY": "", "EQUALS": "a=b,c=d", "DOLLAR": "$HOME `x` #1 -- ;",
          "UTF8": "\u00e4\u20ac\u4e2d\U0001f600", "LINES": "one\ntwo\tthree", "BYTES": "\udcff\udc80", "LONG": "x" * 600}
BEDS = (TCG, ["--on", "xen-pvh-dom0"], ["--on", "xen-pv-dom0"])


class Folder:
    """A copy of the probe with a run.cfg of its own."""

    def __init__(self, config):
        self.config = config

    def __enter__(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = self.folder.name
        shutil.copy(os.path.join(TOP, PROBE, "main.c"), self.path)
        self.write("run.cfg", self.config)
        return self

    def write(self, name, text):
        path = os.path.join(self.path, name)
        with open(path, "w", encoding="utf-8", errors="surrogateescape", newline="") as f:
            f.write(text)
        return path

    def run(self, *words):
        return pith("run", self.path, *TCG, *words, timeout=90)

    def __exit__(self, *_):
        shutil.rmtree(os.path.join(TOP, "build", "outside" + os.path.realpath(self.path)), ignore_errors=True)
        self.folder.cleanup()


def order():
    """run.cfg, then the files, then -e; the last one counts, and arguments behind -- replace run.cfg's."""
    with Folder("env: A=cfg\nenv: B=cfg\nenv: C=cfg\nenv: D = cfg 1\nenv: D=cfg 2\nargs: envs A B C 'D' E\n") as app:
        one = app.write("one.env", "# what follows is literal\nB=one\nC=one\n\n  # indented\nE='two \"words\" \r\n")
        two = app.write("two.env", "C=two\nC=again")
        expect(app.run(), USAGE, b"", "run.cfg:4: env: 'D = cfg 1' is not like NAME=VALUE")
        app.write("run.cfg", app.config.replace("D = cfg 1", "D=cfg 1"))
        expect(app.run(), 0, b"A=[cfg]\nB=[cfg]\nC=[cfg]\nD=[cfg 2]\nE=[(not set)]\n")
        expect(app.run("--env-file", one, "--env-file", two, "-e", "A=no", "-e", "A=x"), 0,
               b"A=[x]\nB=[one]\nC=[again]\nD=[cfg 2]\nE=['two \"words\" ]\n")
        expect(app.run("-e", "C=", "--env-file", two, "--", "envs", "C"), 0, b"C=[]\n")
        expect(app.run("--"), 99, b"what is ''?\n")  # the probe without any
        for text, words in (("A=1\nB C=2\n", "bad.env:2: 'B C=2' is not like NAME=VALUE"), ("just words", "bad.env:1:"),
                            ("1A=2", "bad.env:1:"), ("A=b\0c", "bad.env:1:")):
            expect(app.run("--env-file", app.write("bad.env", text)), USAGE, b"", words)
        expect(app.run("--env-file", os.path.join(app.path, "absent")), USAGE, b"", "absent: No such file")
        expect(app.run("--env-file", app.path), USAGE, b"", "Is a directory")
        for wrong in ("A", "=b", "A-B=c", ""):
            expect(app.run("-e", wrong), USAGE, b"", "write it like NAME=VALUE")


def values():
    """Every value arrives as it was given, by -e and as an argument, on each kind of command line."""
    for bed in BEDS:
        words = [word for name, value in VALUES.items() for word in ("-e", f"{name}={value}")
                 if name != "LONG" or bed == TCG]
        names = [name for name in VALUES if name != "LONG" or bed == TCG]
        done = pith("run", PROBE, *bed, *words, "--", "envs", *names, timeout=90)
        expect(done, 0, b"".join(f"{name}=[{VALUES[name]}]\n".encode(errors="surrogateescape") for name in names))
        given = [VALUES[name] for name in names]
        done = pith("run", PROBE, *bed, "--", "args", *given, timeout=90)
        expect(done, 0, b"".join(f"[{value}]\n".encode(errors="surrogateescape") for value in given))


def limits():
    """As much as fits, and one more."""
    many = [word for i in range(64) for word in ("-e", f"V{i}={i}")]
    done = pith("run", PROBE, *TCG, *many, "--", "envs", "V0", "V63")
    expect(done, 0, b"V0=[0]\nV63=[63]\n")
    expect(pith("run", PROBE, *TCG, *many, "-e", "ONE=more"), USAGE, b"", "65 variables; 64 is the most")
    expect(pith("run", PROBE, *TCG, "--", "args", *["a"] * 62), 0, b"[a]\n" * 62)
    expect(pith("run", PROBE, *TCG, "--", "args", *["a"] * 63), USAGE, b"", "64 arguments; 63 is the most")
    for bed in BEDS:
        refused = pith("run", PROBE, *bed, "-e", "A=" + "x" * 2100)
        expect(refused, USAGE, b"", "is the most")
        if (b"on Xen" in refused.stderr) != (bed is not TCG):
            raise Wrong("it names the wrong limit")
        most = int(refused.stderr.decode().split(" is the most")[0].split()[-1])
        size = int(refused.stderr.decode().split(" bytes;")[0].split()[-1])
        words = "x" * (2100 - (size - most) - len(" -- envs A"))
        expect(pith("run", PROBE, *bed, "-e", "A=" + words, "--", "envs", "A", timeout=90), 0, f"A=[{words}]\n".encode())
        expect(pith("run", PROBE, *bed, "-e", "A=" + words + "x", "--", "envs", "A"), USAGE, b"", f"{most + 1} bytes; {most} is")


TESTS = {"config-order": order, "config-values": values, "config-limits": limits}
