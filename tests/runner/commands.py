# SPDX-License-Identifier: BSD-2-Clause
"""Tests of the `pith` command itself: what it says, how it ends, what it leaves behind."""

import os
import pty
import re
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request

import accel
import commands_add
import commands_check
import commands_config
import commands_disk
import commands_xen
import image
import pure
from pith_command import PITH, PROBE, TCG, Skip, Wrong, alive, children_of, expect, pith, run_probe
from results import log_path
from schedule import XEN, Job
from words import CRASHED, INTERRUPTED, NO_START, TIMED_OUT, TOP, USAGE, Failure

# ---- words and statuses ----

def help_for_all():
    expect(pith("--help"), 0)
    expect(pith(), USAGE)
    for verb in ("run", "build", "test", "check", "size", "debug", "bench", "add", "mkdisk"):
        done = pith(verb, "--help")
        expect(done, 0)
        if len(done.stdout.splitlines()) < 5:
            raise Wrong(f"{verb} --help says hardly anything")


def mistakes():
    expect(pith("frobnicate"), USAGE, b"", "there is no 'frobnicate'")
    expect(pith("run"), USAGE, b"", "APP")
    expect(pith("run", "nosuchapp"), USAGE, b"", "there is no application 'nosuchapp'")
    expect(pith("run", "nosuchapp"), USAGE, b"", "hello")
    expect(pith("run", "hello", "--frob"), USAGE, b"", "unknown option: --frob")
    expect(pith("run", "hello", "--on", "vmware"), USAGE, b"", "vmware")
    expect(pith("run", "hello", "--disk", "no/such/file"), USAGE, b"", "there is no file no/such/file")
    expect(pith("run", "hello", "--disk", "/"), USAGE, b"", "can't be read")
    expect(pith("run", "hello", "--initrd", "no/such"), USAGE, b"", "no/such: No such file")
    expect(pith("run", "hello", "--initrd", "Makefile"), USAGE, b"", "neither a folder nor a cpio archive")
    expect(pith("run", "hello", "--on", "xen-pv-dom0", "--initrd", "docs"), USAGE, b"", "app_root in app.mk")
    expect(pith("run", "hello", "--mem", "32Q"), USAGE, b"", "'32Q' is no size")
    expect(pith("run", "hello", "--mem", "1M"), USAGE, b"", "too little")
    expect(pith("run", "hello", "--cpus", "none"), USAGE, b"", "--cpus")
    expect(pith("run", "hello", "--timeout", "-1"), USAGE, b"", "--timeout")
    expect(pith("run", "hello", "-e", "1=2"), USAGE, b"", "NAME=VALUE")
    expect(pith("run", "Makefile"), USAGE, b"", "no ELF image")
    expect(pith("run", "docs"), USAGE, b"", "no .c file")
    expect(pith("size", "nosuchapp"), USAGE, b"", "there is no application")
    expect(pith("test", "nosuchsuite"), USAGE, b"", "there is no suite")
    expect(pith("run", "hello", "--", "x" * 3000), USAGE, b"", "is the most")
    expect(pith("run", "hello", "--on", "xen-pv-dom0", "--disk", "Makefile"), USAGE, b"", "no disk")
    expect(pith("debug", "hello", "--on", "xen-pv"), USAGE, b"", "--on xen-pv-dom0")


def net_mistakes():
    for words, said in (
            (("-p", "80"), "write it like"), (("-p", "1:0"), "write it like"),
            (("-p", "70000:1"), "write it like"), (("-p", "1:2/sctp"), "write it like"),
            (("--net", "wifi"), "user, tap:NAME or none"), (("--net", "tap:a/b"), "user, tap:NAME"),
            (("--net", "none", "-p", "1:2"), "it needs --net user"),
            (("--net", "none", "--net", "user"), "can't be other cards"),
            (("--mac", "52:54"), "write it like"), (("--mac", "01:00:5e:00:00:01"), "group address"),
            (("--net", "none", "--mac", "52:54:00:12:34:56"), "1 addresses for 0 cards"),
            (("--on", "xen-pv-dom0", "-p", "1:2"), "no network"),
            (("--net", "bridge:xenbr0"), "that is for a machine that is a Xen's dom0")):
        expect(pith("run", "hello", *words), USAGE, b"", said)
    expect(pith("run", PROBE, "--net", "tap:nosuchtap"), NO_START, b"", "ip tuntap add dev nosuchtap")
    expect(pith("run", PROBE, "--net", "tap:lo"), NO_START, b"", "no tap")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        number = taken.getsockname()[1]
        done = pith("run", PROBE, *TCG, "-p", f"{number}:80", "--", "exit", "0")
        expect(done, NO_START, b"", f"tcp port {number} of this host is in use")


def published():
    """What -p and an application's run.cfg publish, and what is said of it."""
    done = run_probe("exit", "3", options=["-p", "0:80", "-p", "0:53/udp", "--mac", "52:54:00:00:00:99"])
    expect(done, 3, b"", "is the guest's port 80")
    expect(done, 3, b"", "udp port ")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(os.path.join(TOP, PROBE, "main.c"), folder)
        with open(os.path.join(folder, "run.cfg"), "w", encoding="ascii") as f:
            f.write("# what it is started with\npublish: 0:80 http\nmem: 24M\nargs: args 'a b' c\n")
        done = pith("run", folder, *TCG)
        expect(done, 0, b"[a b]\n[c]\n", "it answers at http://localhost:")
        done = pith("run", folder, *TCG, "-p", "0:81", "--", "args", "d")
        expect(done, 0, b"[d]\n", "is the guest's port 81")
        if b"http:" in done.stderr:
            raise Wrong("-p does not replace what run.cfg publishes")
        done = pith("run", folder, "--on", "xen-pv-dom0", "--", "exit", "0")
        expect(done, 0, b"")
        with open(os.path.join(folder, "run.cfg"), "a", encoding="ascii") as f:
            f.write("colour: blue\n")
        expect(pith("run", folder, *TCG), USAGE, b"", "run.cfg:5: 'colour' is no key")
        image_folder = os.path.join(TOP, "build", "outside" + os.path.realpath(folder))
    shutil.rmtree(image_folder)


def no_qemu():
    """Without QEMU and without a package manager: words, not a traceback."""
    with tempfile.TemporaryDirectory() as folder:
        for tool in ("sh", "python3", "gcc", "make", "ld", "xz", "patch", "dirname", "readlink", "id"):
            path = subprocess.run(["which", tool], stdout=subprocess.PIPE, check=True, text=True)
            os.symlink(path.stdout.strip(), os.path.join(folder, tool))
        env = dict(os.environ, PATH=folder)
        expect(pith("run", "hello", env=env), NO_START, b"", "qemu-system-x86_64")


def wrong_machine():
    done = run_probe("exit", "0", options=["--qemu-arg", "-nosuchoption"])
    expect(done, NO_START, b"", "did not start")


def statuses():
    for status in (0, 1, 42, 255):
        expect(run_probe("exit", str(status)), status, b"")
    expect(run_probe("abort"), CRASHED, None, "crashed")
    expect(run_probe("null"), CRASHED, None, "crashed")


def arguments():
    words = ["a", "two words", "", "q\"uo'te", "back\\slash", "tab\there", "-x", "--", "$HOME", "a=b,c"]
    expect(run_probe("args", *words), 0, "".join(f"[{w}]\n" for w in words).encode())
    done = run_probe("env", "PITH_TEST", options=["-e", "PITH_TEST=some thing = 1"])
    expect(done, 0, b"some thing = 1\n")


def streams():
    expect(run_probe("bytes"), 0, bytes(range(256)) +
           b"\n[pith-exit 0123456789abcdef 5]\n[pith-exit ")
    data = bytes(range(256)) * 40
    expect(run_probe("cat", stdin=data), 0, data)
    expect(run_probe("cat"), 0, b"")
    # What a guest does not read is left for the next command.
    done = subprocess.run(["sh", "-c", f"./pith run {PROBE} --on tcg -- exit 0; cat"], cwd=TOP,
                          input=b"left over\n", stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          timeout=60, check=False)
    expect(done, 0, b"left over\n")


def on_xen(platform):
    def test():
        words = ("run", PROBE, "--on", platform, "--")
        expect(pith(*words, "exit", "7"), 7, b"")
        expect(pith(*words, "bytes"), 0, bytes(range(256)) +
               b"\n[pith-exit 0123456789abcdef 5]\n[pith-exit ")
        data = bytes(range(256)) * 4
        expect(pith(*words, "cat", stdin=data), 0, data)
        expect(pith(*words, "null"), CRASHED, None, "crashed")
    return test


# ---- ends ----

def spinning():
    """A `pith run` whose guest has said that it spins, and QEMU's pid."""
    process = subprocess.Popen([PITH, "run", PROBE, *TCG, "--", "spin"], cwd=TOP,
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    if process.stdout.readline() != b"spinning\n":
        process.kill()
        raise Wrong("the guest did not begin to spin")
    found = children_of(process.pid)
    if len(found) != 1:
        process.kill()
        raise Wrong(f"pith has {len(found)} children, not 1")
    return process, found[0]


def ended_by(signum, status):
    process, qemu = spinning()
    process.send_signal(signum)
    try:
        code = process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        raise Wrong(f"signal {signum} did not end it") from None
    process.stdout.close()
    until = time.monotonic() + 2
    while alive(qemu) and time.monotonic() < until:
        time.sleep(0.02)
    if alive(qemu):
        raise Wrong(f"QEMU is still there after signal {signum}")
    if code != status:
        raise Wrong(f"status {code} after signal {signum}, not {status}")


def interrupts():
    ended_by(signal.SIGINT, INTERRUPTED)
    ended_by(signal.SIGTERM, 128 + signal.SIGTERM)
    ended_by(signal.SIGHUP, 128 + signal.SIGHUP)


def killed():
    ended_by(signal.SIGKILL, -signal.SIGKILL)


def read_until(fd, text, seconds=15):
    """What a terminal shows, up to `text`."""
    seen, until = b"", time.monotonic() + seconds
    while text not in seen:
        if not select.select([fd], [], [], max(0.0, until - time.monotonic()))[0]:
            raise Wrong(f"the terminal shows {seen!r}, not {text!r}")
        seen += os.read(fd, 4096)
    return seen


def at_terminal(key, status):
    """Type a line at a terminal, see it come back, press a control key."""
    pid, fd = pty.fork()
    if pid == 0:
        os.chdir(TOP)
        os.execv(PITH, [PITH, "run", PROBE, *TCG, "--", "cat"])
    try:
        read_until(fd, b"machine microvm")
        os.write(fd, b"typed\n")
        read_until(fd, b"typed\r\ntyped")
        os.write(fd, key)
        until = time.monotonic() + 10
        while True:
            done, code = os.waitpid(pid, os.WNOHANG)
            if done:
                break
            if time.monotonic() > until:
                raise Wrong(f"{key!r} did not end it")
            if select.select([fd], [], [], 0.05)[0]:
                try:
                    os.read(fd, 4096)
                except OSError:
                    pass
        if os.waitstatus_to_exitcode(code) != status:
            raise Wrong(f"status {os.waitstatus_to_exitcode(code)} after {key!r}, not {status}")
        pid = 0
    finally:
        if pid:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        os.close(fd)


def terminal():
    try:
        for fd in pty.openpty():
            os.close(fd)
    except OSError as e:
        raise Skip(f"no pseudo terminals: {e}") from e
    at_terminal(b"\x04", 0)             # Ctrl-D
    at_terminal(b"\x03", INTERRUPTED)   # Ctrl-C


def timeout():
    began = time.monotonic()
    expect(run_probe("spin", options=["--timeout", "1.5"]), TIMED_OUT, b"spinning\n", "stopped after")
    if time.monotonic() - began > 8:
        raise Wrong("it took too long to stop")


def reader_gone():
    """`pith run ... | head -c 1` ends when its reader does."""
    process = subprocess.Popen([PITH, "run", PROBE, *TCG, "--", "cat"], cwd=TOP,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    process.stdin.write(b"x" * 8192)
    process.stdin.flush()
    process.stdout.read(1)
    process.stdout.close()
    try:
        process.stdin.write(b"y" * 8192)
        process.stdin.close()
    except BrokenPipeError:
        pass
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        raise Wrong("it went on without a reader") from None


# ---- the rest ----

CPU_SECONDS = 0.6


def quick_and_quiet():
    """A built application starts at once, and nothing is said but which machine it is. What is counted is the time of
    the CPU, with QEMU's: others may use it, too."""
    run_probe("exit", "0")
    spent = []
    for _ in range(5):
        process = subprocess.Popen([PITH, "run", PROBE, *TCG, "--", "exit", "0"], cwd=TOP, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        lines = process.stderr.read().decode().splitlines()
        process.stderr.close()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        spent.append(used.ru_utime + used.ru_stime)
        if process.returncode or len(lines) != 1 or "running on tcg" not in lines[0]:
            raise Wrong(f"status {process.returncode}; it said {lines}")
    if min(spent) > CPU_SECONDS:
        raise Wrong(f"the quickest of five runs took {min(spent):.2f} s of the CPU")


def automatic():
    """--on auto says what it took and why, and takes KVM where that works."""
    done = pith("run", PROBE, "--", "exit", "3")
    expect(done, 3, b"", "running on ")
    kvm_works = accel.openable() is None and accel.try_kvm() is None
    want = "running on kvm" if kvm_works else "running on tcg ("
    expect(done, 3, b"", want)


def sizes():
    done = pith("size", "hello")
    expect(done, 0)
    text = done.stdout.decode()
    for word in ("libc", "libos/core", "platform/x86", "monitor", "xenstore_ring.o", "log_vformat"):
        if word not in text:
            raise Wrong(f"size hello says nothing of {word}")


def debugs():
    done = pith("debug", PROBE, "--batch", "bt", "--", "exit", "0", timeout=90)
    expect(done, 0)
    if b"main (argc=" not in done.stdout:
        raise Wrong("the backtrace does not show main with its arguments: "
                    + done.stdout.decode(errors="replace")[-300:])


def builds():
    done = pith("build", "hello")
    expect(done, 0, b"build/hello/hello.elf\n")


def serves():
    """`pith run httpd` answers at the address that it says, by TCG and KVM, and ends at Ctrl-C."""
    for platform in ("tcg", "kvm"):
        if platform == "kvm" and (accel.openable() or accel.try_kvm()):
            continue
        process = subprocess.Popen([PITH, "run", "httpd", "--on", platform, "-p", "0:8080"], cwd=TOP,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        try:
            said, until = "", time.monotonic() + 30
            while "serving" not in said and time.monotonic() < until:
                if select.select([process.stderr, process.stdout], [], [], 0.5)[0]:
                    for pipe in select.select([process.stderr, process.stdout], [], [], 0)[0]:
                        said += os.read(pipe.fileno(), 4096).decode()
            address = re.search(r"(?:http://localhost:|tcp port )(\d+)", said)
            if not address:
                raise Wrong(f"it does not say where it answers: {said}")
            with urllib.request.urlopen(f"http://127.0.0.1:{address[1]}/", timeout=20) as answer:
                if answer.status != 200 or b"<html" not in answer.read().lower():
                    raise Wrong("its answer is no page")
            process.send_signal(signal.SIGINT)
            status = process.wait(15)
            if status != 0:  # the power button has reached it
                raise Wrong(f"status {status} after Ctrl-C")
        finally:
            process.kill()
            process.communicate()


def mkdisk():
    with tempfile.TemporaryDirectory() as folder:
        source, disk = os.path.join(folder, "from"), os.path.join(folder, "disk.img")
        os.makedirs(os.path.join(source, "sub"))
        with open(os.path.join(source, "sub", "file"), "w", encoding="utf-8") as f:
            f.write("contents\n")
        expect(pith("mkdisk", disk, "--size", "2M", "--from", source), 0)
        check = subprocess.run(["/usr/sbin/e2fsck", "-fn", disk], stdout=subprocess.PIPE, check=False)
        if check.returncode or os.path.getsize(disk) != 2 << 20:
            raise Wrong(f"the disk is not right: {check.stdout}")
        text = subprocess.run(["/usr/sbin/debugfs", "-R", "cat /sub/file", disk], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
        features = subprocess.run(["/usr/sbin/dumpe2fs", "-h", disk], check=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL).stdout
        if text != b"contents\n" or b"has_journal" not in features:
            raise Wrong(f"{text} {features}")
        expect(pith("mkdisk", disk, "--size", "2M"), USAGE, b"", "is there already; --force replaces it")
        expect(pith("mkdisk", disk, "--size", "3M", "--force"), 0)
        expect(pith("mkdisk", disk + "2", "--size", "1M"), USAGE, b"", "2M is the least")
        expect(pith("mkdisk", disk + "2", "--size", "much"), USAGE, b"", "'much' is no size")
        expect(pith("mkdisk", disk + "2", "--size", "2M", "--from", folder + "/none"), USAGE, b"", "there is no folder")
        with open(os.path.join(source, "big"), "wb") as f:
            f.write(os.urandom(3 << 20))
        expect(pith("mkdisk", disk + "2", "--size", "2M", "--from", source), NO_START, b"", "mke2fs has failed")
        if sorted(os.listdir(folder)) != ["disk.img", "from"]:
            raise Wrong(f"left behind: {os.listdir(folder)}")


TESTS = {
    "mkdisk": mkdisk,
    "pure": pure.run_all,
    "help": help_for_all,
    "mistakes": mistakes,
    "net-mistakes": net_mistakes,
    "published": published,
    "no-qemu": no_qemu,
    "wrong-machine": wrong_machine,
    "statuses": statuses,
    "arguments": arguments,
    "streams": streams,
    "xen-pv-dom0": on_xen("xen-pv-dom0"),
    "xen-pvh-dom0": on_xen("xen-pvh-dom0"),
    "interrupts": interrupts,
    "killed": killed,
    "terminal": terminal,
    "timeout": timeout,
    "reader-gone": reader_gone,
    "quick": quick_and_quiet,
    "auto": automatic,
    "build": builds,
    "serves": serves,
    "size": sizes,
    "debug": debugs,
}


def jobs(wanted, full, _results):
    image.make(["app", "APP=apps/hello apps/httpd apps/sha256 " + PROBE], quiet=True)
    longer = commands_xen.FULL | commands_add.FULL if full or wanted else {}
    tests = TESTS | commands_check.TESTS | commands_config.TESTS | commands_disk.TESTS | commands_xen.QUICK | longer
    return [planned(name, make_job(name, test)) for name, test in tests.items() if not wanted or name in wanted]


def planned(name, job):
    """How a test gets on with others."""
    bed = name.startswith("xen-") and not name.endswith("-dom0")
    return Job(job, 30.0 if bed else 1.0, XEN if bed else "")


def make_job(name, test):
    def job(results):
        began = time.monotonic()
        problem = None
        try:
            test()
        except Skip as e:
            results.skip(f"cli/{name}", time.monotonic() - began, e)
            return
        except (Wrong, Failure, subprocess.SubprocessError, OSError) as e:
            problem = f"{type(e).__name__}: {e}" if not isinstance(e, Wrong) else str(e)
            with open(log_path("cli", name + ".log"), "w", encoding="utf-8") as f:
                f.write(problem + "\n")
        results.check(f"cli/{name}", time.monotonic() - began, problem)
    return job
