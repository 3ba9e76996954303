# SPDX-License-Identifier: BSD-2-Clause
"""Unit tests of the command's pure parts: sizes, quoting, the console's filters, test.cfg."""

import os
import tempfile
import threading

import cases
import conform
import disks
import machine
import nics
import recipes
import schedule
import streams
import xen_config
from words import Failure, parse_size

NONCE = "00ff00ff00ff00ff"
END = b"\n[pith-exit " + NONCE.encode() + b" "


def same(have, want):
    if have != want:
        raise AssertionError(f"{have!r} is not {want!r}")


def refused(function, *args):
    try:
        function(*args)
    except (ValueError, Failure, cases.Malformed):
        return
    raise AssertionError(f"{function.__name__}{args} was not refused")


def sizes():
    same(parse_size("32M"), 32 << 20)
    same(parse_size("2"), 2 << 20)
    same(parse_size("1GiB"), 1 << 30)
    same(parse_size("512kb"), 512 << 10)
    for bad in ("", "M", "-1M", "1.5G", "32Q", "0x10"):
        refused(parse_size, bad)


def feed_all(data, step, nonce=NONCE):
    """The output and status when `data` comes in pieces of `step` bytes."""
    line = streams.GuestLines(nonce)
    out = b"".join(line.feed(data[i:i + step]) for i in range(0, len(data), step))
    return out + line.flush(), line.status


def exit_lines():
    for step in (1, 2, 3, 7, 1000):
        same(feed_all(b"hello\n" + END + b"0]\n", step), (b"hello\n", 0))
        same(feed_all(b"no newline" + END + b"255]\n", step), (b"no newline", 255))
        same(feed_all(b"x" + END + b"crash]\n", step), (b"x", "crash"))
        same(feed_all(END + b"256]\nrest", step), (END + b"256]\nrest", None))
        same(feed_all(END + b"-1]\n", step), (END + b"-1]\n", None))
        same(feed_all(END + b"not a status at all]\n", step), (END + b"not a status at all]\n", None))
        same(feed_all(b"\n\n\n" + END + b"7]\n", step), (b"\n\n\n", 7))
        same(feed_all(END[:-3], step), (END[:-3], None))
        same(feed_all(END[:5] + END + b"1]\n", step), (END[:5], 1))
        same(feed_all(b"a" + END.replace(b"00ff", b"11ff") + b"0]\n", step)[1], None)


def stdin_lines():
    ask = b"\n[pith-stdin " + NONCE.encode() + b" "
    for step in (1, 2, 3, 7, 1000):
        lines = streams.GuestLines(NONCE)
        text = b"name? " + ask + b"64]\nhello" + ask + b"2048]\n" + ask + b"x]\n" + END + b"3]\n"
        out = b"".join(lines.feed(text[i:i + step]) for i in range(0, len(text), step))
        same(out + lines.flush(), b"name? hello" + ask + b"x]\n")
        same((lines.credit, lines.status), (64 + 2048, 3))


def listens_lines():
    word = b"\n[pith-listens " + NONCE.encode() + b" "
    for step in (1, 2, 1000):
        lines = streams.GuestLines(NONCE)
        text = b"a" + word + b"no]\nb"
        out = b"".join(lines.feed(text[i:i + step]) for i in range(0, len(text), step))
        same((out + lines.flush(), lines.listens), (text, False))
        text = b"c" + word + b"1]\nd" + END + b"0]\n"
        out = b"".join(lines.feed(text[i:i + step]) for i in range(0, len(text), step))
        same((out, lines.listens, lines.status), (b"cd", True, 0))


def xen_console():
    text = (b"Xen 4.17\r\n(XEN) booting\r\n(XEN) Freed 652kB init memory\r\n"
            b"one\r\n(XEN) a word\r\ntwo(XEN) another\r\nthr\ree\r\r\n(XE")
    for step in (1, 2, 5, 1000):
        console = streams.XenConsole()
        out = b"".join(console.feed(text[i:i + step]) for i in range(0, len(text), step))
        out += console.flush()
        same(out, b"one\ntwothr\ree\r\n(XE")
        log = console.take_log()
        for words in (b"Xen 4.17\r\n", b"init memory\r\n", b"(XEN) a word\r\n", b"(XEN) another\r\n"):
            if words not in log:
                raise AssertionError(f"{words!r} is not in the log")
    console = streams.XenConsole()
    same(console.feed(b"(XEN) Panic on CPU 0:\r\nno more") + console.flush(), b"")


def framing():
    same(streams.frame_input(b"a\x10b\x04\x90"), b"a\x10\x10b\x04\x90")
    same(streams.frame_input(b"a\x10b\x90", True), b"a\x10\x10b\x10\x11\x10")


def quoting():
    same(machine.quote("plain"), "plain")
    same(machine.quote("two words"), "two\\ words")
    same(machine.quote(""), '""')
    same(machine.quote("a\"b'c\\d"), "a\\\"b\\'c\\\\d")
    same(machine.quote("\x01\x1f\u00e4\u2003"), "\\\x01\\\x1f\u00e4\u2003")


def command_lines():
    m = machine.Machine("x.elf", nonce="ab", options=["boot=trace"], environ=["A=b c"], args=["-x"])
    same(machine.command_line(m),
         "nonce=ab stdin=framed debugexit=0xf4 boot=trace env.A=b\\ c -- -x")
    m.args = ["x" * 2100]
    refused(machine.command_line, m)
    for platform in ("tcg", "kvm"):
        for kind in machine.MACHINES:
            words = machine.qemu_command(machine.Machine("x.elf", platform, kind, nonce="ab"))
            same("1,maxcpus=2" in words, True)
            same("max,-smap" in words, platform == "tcg")
    m = machine.Machine("a,b.elf", "xen-pvh-dom0", xen_elf="xen.elf", nonce="ab", args=["c,d"])
    words = machine.qemu_command(m)
    same("dom0=pvh" in words[words.index("-append") + 1], True)
    same(words[words.index("-initrd") + 1].count(",,"), 2)
    refused(machine.qemu_command, machine.Machine("x.elf", "xen-pvh", nonce="ab"))


def xen_configs():
    same(xen_config.quoted(["a", 1, 'b"c\\d\ne']), '["a", 1, "b\\"c\\\\d\\ne"]')
    same([xen_config.letters(n) for n in (0, 25, 26, 701, 702)], ["a", "z", "aa", "zz", "aaa"])
    m = machine.Machine("x.elf", "xen-pvh", memory=(8 << 20) + 1, nonce="ab", cpus=2, args=["a b"],
                        disks=[machine.Disk("/a,b"), machine.Disk("/c", True)],
                        nics=[nics.Nic(mac="00:16:3e:00:00:01"), nics.Nic()])
    values = xen_config.of_machine(m, ["/a,b", "/c"], ["br0", ""])
    same(values["memory"], 9)
    m.environ, m.args = ["A=\u00e4 \"'\\", "B="], ["", "n\nl"]
    same(xen_config.quoted(xen_config.of_machine(m, ["/a,b", "/c"], ["br0", ""])["cmdline"]),
         '"nonce=ab stdin=framed env.A=\u00e4\\\\ \\\\\\"\\\\\'\\\\\\\\ env.B= -- \\"\\" n\\\\\\nl"')
    m.environ, m.args = [], ["a b"]
    same(values["cmdline"], "nonce=ab stdin=framed -- a\\ b")
    same(values["disk"], ["format=raw,vdev=xvda,access=rw,target=/a,b",
                          "format=raw,vdev=xvdb,access=ro,target=/c"])
    same(values["vif"], ["bridge=br0,mac=00:16:3e:00:00:01", ""])
    same(xen_config.kind(m), "pvh")


def test_cfg():
    text = "mem: 8M\noutput: a\n[case one]\nargs: x 'y z'\noutput: b\n[case two]\nexpect: crash\n"
    one, two = cases.parse("t", text)
    same((one.full_name, one.args, one.all("output"), one.memory), ("t.one", ["x", "y z"], ["a", "b"],
                                                                   8 << 20))
    same((two.status, two.has_checks, two.all("output")), (70, False, ["a"]))
    same([bed.name for bed in cases.Case("t", "", {"on": "tcg-* xen-pv"}).beds(False)],
         ["tcg-microvm", "tcg-q35", "tcg-pc", "xen-pv"])
    same(cases.Case("t", "", {"stdin": "it's\\n"}).stdin, b"it's\n")
    refused(cases.parse, "t", "nosuchkey: 1")


def differences():
    text = "words\n```differs p\n- a\n+ b\n```\nmore\n```differs p\n- c\n+ d\n```\n"
    allowed = conform.allowed_differences(text)
    same(allowed, {"p": {"a": "b", "c": "d"}})
    same(conform.compare(["1: a", "2: c"], ["1: b", "2: d"], allowed["p"]), None)
    for linux, pith in ((["1: a", "2: c"], ["1: b", "2: c"]),  # one is true no more
                        (["1: a"], ["1: b"]),                  # and one is not asked
                        (["1: a", "2: c", "3"], ["1: b", "2: d"]),
                        (["1: a", "2: c"], ["1: b", "2: d", "3"])):
        if conform.compare(linux, pith, allowed["p"]) is None:
            raise AssertionError(f"{linux} and {pith} are taken for the same")
    refused(conform.allowed_differences, "```differs p\n- a\n```\n")
    refused(conform.allowed_differences, "```differs p\n+ a\n- b\n```\n")


def patterns():
    same(disks.pattern(8, 16)[:8], disks.PATTERN.__mul__(8).__and__(disks.MASK).to_bytes(8, "little"))


class Told:
    """As much of results.Results as these tests need."""

    def __init__(self):
        self.first_name, self.failed, self.skipped, self.names = "", [], [], set()

    def fail(self, name, _seconds, _reason):
        self.failed.append(name)

    def skip(self, name, _seconds, _reason):
        self.skipped.append(name)

    def names_of(self, suite):
        return {name for name in self.names if name.split("/")[0] == suite}


def schedules():
    """Jobs that exclude each other don't meet, the long ones go first, what follows from a job comes after it."""
    told, lock, now, met, order = Told(), threading.Lock(), [], set(), []
    queue = schedule.Schedule(told, lambda: None)

    def job(name, more=(), **how):
        def run(_results):
            with lock:
                met.update(frozenset((name, other)) for other in now)
                now.append(name)
                order.append(name)
            for _ in range(100):
                os.sched_yield()
            with lock:
                now.remove(name)
            return more
        return schedule.Job(run, **how)

    def broken(_results):
        raise ValueError("broken")

    queue.run([broken, job("first", [job("after")], seconds=9)] +
              [job(f"bed{n}", alone=schedule.COMPILING) for n in range(20)] + [job(f"free{n}") for n in range(20)], 4)
    same(sorted(order), sorted(["first", "after"] + [f"{w}{n}" for w in ("bed", "free") for n in range(20)]))
    same(len(told.failed), 1)
    refused(schedule.Job, broken, 1.0, "no such word")
    same([pair for pair in met if sum(name.startswith("bed") for name in pair) == 2], [])
    if order.index("after") < order.index("first"):
        raise AssertionError(f"the order is {order}")
    order.clear()
    schedule.Schedule(told).run([job("short"), job("shorter", seconds=0.5), job("long", [job("then")], seconds=9)], 1)
    same(order, ["long", "short", "then", "shorter"])


def nothing_to_run():
    """A name that no test has is a failure; so is a suite without tests, if it was asked for by its name."""
    import run  # pylint: disable=import-outside-toplevel,cyclic-import
    told = Told()
    told.names = {"unit/heap_map", "guest/args/tcg-pc", "torture", "guest/arguments/tcg-pc"}
    run.absent({"unit": {"heap", "nosuch"}, "guest": {"args"}, "torture": {"20000112-1"}, "net": set()}, False, told)
    same(told.failed, ["unit/nosuch"])
    run.SUITES["no suite"] = lambda *_: []
    try:
        for named in (True, False):
            same(run.preparation("no suite", set(), False, named)(told), [])
    finally:
        del run.SUITES["no suite"]
    same((told.failed, told.skipped), (["unit/nosuch", "no suite"], ["no suite"]))


def recipe_heads():
    """What is needed below a recipe is known; what only looks like it is not taken."""
    with tempfile.NamedTemporaryFile("w", suffix=".recipe") as f:
        f.write('# needs=nothing host_tools=x\nsource=a needs="sqlite zlib" version=1\nhost_tools=perl # tclsh\n\n'
                'build() {\n    host_tools=y\n}\n')
        f.flush()
        same(recipes.settings(f.name), {"needs": ["sqlite", "zlib"], "host_tools": ["perl"]})
        same(recipes.tools(f.name), {"perl", "tclsh", "bzip2"})
    same(recipes.tools("no/such"), set())


def run_all():
    for test in (schedules, nothing_to_run, recipe_heads, sizes, exit_lines, stdin_lines, listens_lines, xen_console, framing, quoting,
                 command_lines, xen_configs, test_cfg, differences, patterns):
        try:
            test()
        except AssertionError as e:
            raise OSError(f"{test.__name__}: {e}") from e
