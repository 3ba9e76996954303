# SPDX-License-Identifier: BSD-2-Clause
"""Redis as an image, with Debian's redis-cli, redis-benchmark, redis-check-rdb and redis-check-aof as judges."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time

import bed
import image
import packages
import redis_cuts
import redis_errors
import xen_dom0
from guest import die_with_parent
from redis_bed import Client, Running, Site, call, folder, platform, press, source
from results import log_path
from schedule import XEN, Job, built
from words import TOP, Failure

packages.PACKAGE_OF.update({"nsenter": "util-linux", "unshare": "util-linux", "ps": "procps"})
NEEDS = ["redis-cli", "tclsh", "ip", "nsenter", "unshare", "ps", "/usr/sbin/mke2fs"]

# Tests that lack a tag: docs/redis.md.
SKIPPED = os.path.join(TOP, "tests", "apps", "redis", "skipped.txt")


def need(what, said):
    if not what:
        raise Failure(said)


def sound(path, tool="redis-check-rdb"):
    status, said = call([tool, path])
    need(status == 0, f"{tool}: {said.decode(errors='replace')[-300:]}")


# ---- what people do first ----

def serves(on):
    """`pith run redis`: a client, a folder of the host for its data, Ctrl-C; then a file of configuration."""
    def test():
        data = folder("serves-" + on)
        big = os.urandom(1 << 20)
        with Running("serves-" + on, ["--on", on, "--share", data + ":/data"]) as redis:
            c = redis.client
            c.expect("^OK$", "set", "greeting", "hello")
            c.expect("^OK$", "-x", "set", "big", stdin=big)
            need(call(c.words("--raw", "get", "big"))[1] == big + b"\n", "a MiB comes back different")
            need(c.fill("key", 5000) == (0, 5000), "not all of 5000 keys are stored")
            c.expect("^5002$", "dbsize")
            # Fifty clients at once: QEMU by itself has room for one that waits.
            got = call(c.words("-n", "1000", "-t", "ping_mbulk", "--csv", tool="redis-benchmark"), 60)
            need(got[0] == 0 and b'"PING_MBULK"' in got[1], f"redis-benchmark: {got[1][-200:]!r}")
            c.expect("^OK$", "save")
            c.expect("^ERR$", "bgsave")
            c.expect("^ERR Can't execute an AOF background rewriting", "bgrewriteaof")
            c.expect("^OK$", "set", "after", "bgsave")
            need(int(c.ask("config", "get", "maxmemory").split()[-1]) > 64 << 20, "there is no limit of memory")
            need(redis.stop() == 0, "its status after Ctrl-C is not 0")
            need(re.search(r"Can't save in background: fork: Function not implemented", redis.text), "no word of fork")
            year = time.strftime("%b %Y", time.gmtime())
            need(re.search(rf"1:M \d\d {year} .*DB saved on disk", redis.text), f"no word of {year}: {redis.text[-400:]}")
        sound(os.path.join(data, "dump.rdb"))
        with open(os.path.join(data, "redis.conf"), "w", encoding="ascii") as f:
            f.write("include /etc/redis.conf\nport 7000\nrequirepass geheim\n")
        with Running("configured-" + on, ["--on", on, "--share", data + ":/data"], ["/data/redis.conf"], 7000) as redis:
            c = redis.client
            c.expect("^NOAUTH", "get", "greeting")
            c.environment["REDISCLI_AUTH"] = "geheim"
            c.expect("^hello$", "get", "greeting")
            c.expect("^5003$", "dbsize")
            c.expect("^OK$", "config", "set", "maxmemory", "100mb")
            c.expect("^OK$", "config", "rewrite")
            need(redis.stop(signal.SIGTERM) == 0, "its status after SIGTERM is not 0")
        with open(os.path.join(data, "redis.conf"), encoding="ascii") as f:
            need("maxmemory 100mb" in f.read(), "CONFIG REWRITE has not changed the host's file")
    return test


def benchmark():
    """Fifty clients, one request at a time and sixteen: each gets all its answers."""
    with Site() as site:
        site.start("benchmark")
        for pipeline in ("1", "16"):
            got = call(site.client.words("-n", "20000", "-P", pipeline, "-t", "ping,set,get,incr,lpush,rpop,zadd,mset", "-q",
                                         "--csv", "-r", "1000", tool="redis-benchmark"), 300)
            lines = [line for line in got[1].decode(errors="replace").splitlines() if re.match(r'"[A-Z]', line)]
            need(got[0] == 0 and len(lines) == 9, f"redis-benchmark -P {pipeline}: {got[1][-300:]!r}")
        need(press(site.guests[0]) == 0, "its status is not 0")


def pipelined():
    """Megabytes of requests from a client that reads nothing before it has sent them all: both windows of the
    connection close, and the machine's opens again while the client's stays closed."""
    with Site() as site:
        guest = site.start("pipelined", mem=256)
        site.client.fill("key", 1, 1000)
        request = b"GET key:0\r\n"
        with site.ns.socket(socket.AF_INET, socket.SOCK_STREAM) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            sock.settimeout(60)
            sock.connect((bed.GUEST4, 6379))
            sock.sendall(request * 10000)  # some 10 MB of answers: the client's window closes here
            time.sleep(3)                  # and is probed, after lwIP's 1.5 s
            sock.sendall(request * 60000)
            answers = sock.makefile("rb")
            for n in range(70000):
                need(answers.readline() == b"$1000\r\n" and len(answers.read(1002)) == 1002, f"answer {n} is another one")
        need(press(guest) == 0, "its status is not 0")


# ---- persistence ----

def appends():
    """AOF with an fsync for each command: QEMU is killed in the middle, and what was acknowledged is there."""
    data = folder("appends")
    args = ["--appendonly", "yes", "--appendfsync", "always"]
    with Site() as site:
        guest = site.start("appends", args, share=data)
        acknowledged = 0
        with site.ns.connect(bed.GUEST4, 6379) as sock:
            answers = sock.makefile("rb")
            for n in range(500):
                sock.sendall(b"SET a:%d %d\r\n" % (n, n))
                need(answers.readline() == b"+OK\r\n", "SET is refused")
                acknowledged += 1
            sock.sendall(b"".join(b"SET b:%d %d\r\n" % (n, n) for n in range(5000)))
            for _ in range(50):
                acknowledged += answers.readline() == b"+OK\r\n"
            pid = guest.pid
            os.kill(pid, signal.SIGKILL)
            sock.settimeout(0.5)  # nobody is there to say that it is over
            try:
                while answers.readline() == b"+OK\r\n":
                    acknowledged += 1
            except TimeoutError:
                pass
        guest.ended(20)
        need(not os.path.exists(f"/proc/{pid}"), "QEMU is still there")
        site.start("appends-again", args, share=data)
        left = int(site.client.ask("dbsize"))
        need(left >= acknowledged, f"{acknowledged} were acknowledged, {left} are there")
        for n in (0, 499):
            site.client.expect(f"^{n}$", "get", f"a:{n}")
        # Background rewriting is not there: SAVE, and a start from what it has written, makes a short file.
        site.client.expect("^OK$", "save")
        need(press(site.guests[-1]) == 0, "its status is not 0")
        aof = os.path.join(data, "appendonlydir")
        sound(os.path.join(aof, next(f for f in os.listdir(aof) if f.endswith(".manifest"))), "redis-check-aof")
        shutil.rmtree(aof)
        os.rename(os.path.join(data, "dump.rdb"), os.path.join(data, "appendonly.aof"))
        site.start("appends-short", args, share=data)
        site.client.expect(f"^{left}$", "dbsize")
        need(press(site.guests[-1]) == 0, "its status is not 0")
        need(os.path.exists(os.path.join(aof, "appendonly.aof")), "the short file is not taken over")


def damaged():
    """A damaged or cut file of data: Redis' own words, status 1, and not a byte of the file is touched."""
    data = folder("damaged")
    rdb = os.path.join(data, "dump.rdb")
    with Site() as site:
        site.start("damaged", share=data)
        site.client.fill("key", 2000)
        need(press(site.guests[-1]) == 0, "its status is not 0")
        with open(rdb, "rb") as f:
            good = f.read()
        half = len(good) // 2
        kind = good.index(b"key:", half) - 2  # before a key are its type and its length
        for name, bad, words in (
                ("sum", good[:-1] + bytes([good[-1] ^ 1]), "Wrong RDB checksum"),
                ("content", good[:kind] + b"\x77" + good[kind + 1:], "Unknown RDB encoding type 119"),
                ("cut", good[:half], "Unexpected EOF reading RDB file"),
                ("magic", b"X" + good[1:], "Wrong signature trying to load DB from file")):
            with open(rdb, "wb") as f:
                f.write(bad)
            guest = site.start("damaged-" + name, share=data, wait=False)
            need(guest.ended(60) == 1, f"{name}: it ends with {guest.result}")
            need(words in guest.text, f"{name}: it says {guest.text[-300:]!r}")
            with open(rdb, "rb") as f:
                need(f.read() == bad, f"{name}: the file is another one now")
        os.unlink(rdb)
        damaged_aof(site, data)


def damaged_aof(site, data):
    args = ["--appendonly", "yes"]
    site.start("aof", args, share=data)
    site.client.fill("key", 1000)
    need(press(site.guests[-1]) == 0, "its status is not 0")
    path = os.path.join(data, "appendonlydir", "appendonly.aof.1.incr.aof")
    with open(path, "rb") as f:
        good = f.read()
    half = good.index(b"*3", len(good) // 2)
    with open(path, "wb") as f:
        f.write(good[:half] + b"?" + good[half + 1:])
    guest = site.start("aof-damaged", args, share=data, wait=False)
    need(guest.ended(60) == 1 and "Bad file format reading the append only file" in guest.text,
         f"a damaged AOF: {guest.text[-300:]!r}")
    with open(path, "wb") as f:
        f.write(good[:half + 5])
    guest = site.start("aof-cut", args, share=data)
    need("Truncating the AOF" in guest.text, f"a cut AOF: {guest.text[-300:]!r}")
    site.client.expect("^[1-9][0-9]+$", "dbsize")
    need(press(guest) == 0, "its status is not 0")


def mistakes():
    """What people do wrong: Redis' own words and status 1."""
    with Site() as site:
        for name, args, words in (
                ("missing", ["/nowhere.conf"], r"can't open config file '/nowhere.conf': No such file or directory"),
                ("option", ["--no-such", "1"], r"FATAL CONFIG FILE ERROR[\s\S]*Bad directive or wrong number"),
                ("folder", ["--dir", "/no/such"], r"No such file or directory"),
                ("module", ["--loadmodule", "/x.so"], r"Module /x.so failed to load"),
                ("daemon", ["--daemonize", "yes"], r"fork\(\): there is one program in an image")):
            guest = site.start("mistake-" + name, args, wait=False)
            status = guest.ended(60)
            need(status == (0 if name == "daemon" else 1) and re.search(words, guest.text),
                 f"{name}: {guest.result}: {guest.text[-300:]!r}")


def replica():
    """A replica of Debian's redis-server: all of its data, then each change; and its own master in the end."""
    with Site() as site:
        # Debian's redis-check-rdb is the server under another name.
        site.ns.start("bash", "-c", 'exec -a redis-server redis-check-rdb --port 7777 --protected-mode no --save "" --dir "$0"',
                      folder("master"), stdout=subprocess.DEVNULL)
        master = Client(bed.OURS4, 7777, site.ns.words())
        master.wait(lambda: True)
        master.fill("key", 20000)
        guest = site.start("replica", ["--replicaof", bed.OURS4, "7777"])
        guest.expect("MASTER <-> REPLICA sync: Finished with success", 60)
        site.client.expect("^20000$", "dbsize")
        master.fill("more", 1000)
        master.expect("^1$", "wait", "1", "20000")
        site.client.expect("^21000$", "dbsize")
        need(site.client.ask("get", "more:999") == master.ask("get", "more:999"), "a value is another one")
        site.client.expect("^READONLY", "set", "a", "b")
        site.client.expect("^OK$", "replicaof", "no", "one")
        site.client.expect("^OK$", "set", "a", "b")
        master.ask("replicaof", bed.GUEST4, "6379")
        guest.expect("Partial resynchronization request from .* accepted", 60)
        site.client.expect("^1$", "wait", "1", "20000")
        master.expect("^b$", "get", "a")
        site.client.expect("BGSAVE failed, replication can't continue", "--rdb", os.devnull)
        site.client.expect("^b$", "get", "a")
        need(press(guest) == 0, "its status is not 0")


# ---- memory ----

def full_disk():
    """No room for SAVE, and none for the AOF: errors, nothing acknowledged is lost, and it goes on."""
    with Site() as site:
        guest = site.start("full", options=["ramfs.max=1M"])
        need(site.client.fill("key", 20000) == (0, 20000), "not all keys are stored")
        site.client.expect("^ERR", "save")
        guest.expect("Write error saving DB on disk.*: No space left on device")
        site.client.expect("^20000$", "dbsize")
        site.client.expect("^OK$", "set", "still", "alive")
        need(press(guest) == 0, "its status is not 0")
        guest = site.start("full-share", share=folder("full"), readonly=True)
        need(press(guest, 3) is None and "Error trying to save the DB, can't exit" in guest.text,
             f"it can't save, and ends: {guest.text[-300:]!r}")
        site.client.ask("shutdown", "nosave")
        need(guest.ended(20) == 0, "its status is not 0")
        guest = site.start("full-aof", ["--appendonly", "yes", "--appendfsync", "everysec"], options=["ramfs.max=1M"])
        errors, replies = site.client.fill("key", 20000)
        site.client.expect("^MISCONF Errors writing to the AOF file: No space left on device", "set", "a", "b")
        stored = int(site.client.ask("dbsize"))
        need(errors > 0 and replies == 20000 and stored == 20000 - errors,
             f"{errors} errors in {replies}, but {stored} keys")
        site.client.expect("^[0-9a-f]{100}$", "get", "key:1")


def full_memory():
    """Up to maxmemory, as it is by default: the machine has room for it, and says OOM behind it."""
    with Site() as site:
        for mem in (64, 256):
            guest = site.start(f"oom-{mem}", mem=mem)
            errors = stored = n = 0
            for size in (10, 100, 1000, 5000, 100000):
                room = int(site.client.ask("config", "get", "maxmemory").split()[-1]) // 4
                count = min(room // size, 60000)
                e, replies = site.client.fill(f"s{size}", count, size)
                errors, stored, n = errors + e, stored + replies - e, n + replies
            while errors == 0:
                e, replies = site.client.fill(f"more{n}", 1000, 20000)
                errors, stored, n = errors + e, stored + replies - e, n + replies
            need("OOM command not allowed when used memory > 'maxmemory'" in site.client.last_error, site.client.last_error)
            site.client.expect(f"^{stored}$", "dbsize")
            need(press(guest) == 0, "its status is not 0")


def no_memory():
    """Without maxmemory the machine's memory is what there is: Redis says so and ends, its AOF has what it acknowledged."""
    data = folder("nomemory")
    args = ["--appendonly", "yes", "--maxmemory", "0"]
    with Site() as site:
        guest = site.start("nomemory", args, mem=32, share=data)
        acknowledged = 0
        with site.ns.connect(bed.GUEST4, 6379) as sock:
            answers = sock.makefile("rb")
            try:
                while answers_ok(sock, answers, acknowledged):
                    acknowledged += 1
            except OSError:
                pass
        guest.ended(60)
        need(guest.result is not None and guest.result.crashed and "Out Of Memory allocating" in guest.text,
             f"{guest.result}: {guest.text[-300:]!r}")
        site.start("nomemory-again", args, mem=128, share=data)
        left = int(site.client.ask("dbsize"))
        need(acknowledged > 100 and left >= acknowledged, f"{acknowledged} were acknowledged, {left} are there")


def answers_ok(sock, answers, n):
    sock.sendall(b"SET n:%d %s\r\n" % (n, b"v" * 10000))
    return answers.readline() == b"+OK\r\n"


# ---- the end ----

def killed():
    """SIGKILL for QEMU, and for `pith run`: no process is left, and the tap is free for the next one."""
    with Site() as site:
        options = ["--on", platform(), "--net", "tap:" + site.tap, "--boot-option", f"ip={bed.GUEST4}/24"]
        for whom in ("qemu", "pith", "nobody"):
            with Running("killed-" + whom, options, prefix=site.ns.words(), host=bed.GUEST4) as redis:
                pid = child_of(redis.process.pid)
                if whom == "nobody":
                    need(redis.stop() == 0, f"the third run's status: {redis.text[-300:]}")
                elif whom == "qemu":
                    os.kill(pid, signal.SIGKILL)
                    need(redis.process.wait(20) not in (0, 1), "QEMU is killed, and `pith run` says that all is well")
                else:
                    need(redis.stop(signal.SIGKILL) == -signal.SIGKILL, "pith is not killed")
                until = time.monotonic() + 10
                while os.path.exists(f"/proc/{pid}") and time.monotonic() < until:
                    time.sleep(0.02)
                need(not os.path.exists(f"/proc/{pid}"), f"{whom}: QEMU is still there")
                links = site.ns.call("ip", "-brief", "link").stdout.decode()
                need(set(re.findall(r"^\S+", links, re.MULTILINE)) == {"lo", site.tap}, f"{whom}: interfaces: {links}")


def child_of(pid):
    """The QEMU of a `pith run`."""
    for line in call(["ps", "-o", "pid=,args=", "--ppid", str(pid)])[1].decode().splitlines():
        number, command = line.split(None, 1)
        if command.startswith("qemu-system"):
            return int(number)
    raise Failure("pith run has no QEMU")


# ---- its own tests ----

def suite(name, units, least, tags="-needs:repl", more=("--appendonly", "yes", "--appendfsync", "no")):
    """Redis' own tests against the image as a server that is there already. Its AOF is on from the start, because it
    can't be turned on later; tests that want to do so find it on."""
    def test():
        words = [word for unit in units for word in ("--single", unit)]
        log = log_path("programs", f"redis-suite-{name}-tests.log")
        with Site() as site:
            guest = site.start("suite-" + name, ["--enable-debug-command", "yes", "--maxmemory", "0", *more],
                               mem=2048, timeout=3600)
            with open(log, "wb") as out:
                done = subprocess.run(site.ns.words("tclsh", "tests/test_helper.tcl", "--host", bed.GUEST4, "--port", "6379",
                                                    "--tags", tags, "--skipfile", SKIPPED, *words), cwd=source(),
                                      stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, timeout=3000,
                                      check=False, preexec_fn=die_with_parent)
            with open(log, encoding="utf-8", errors="replace") as f:
                text = re.sub(r"\x1b\[[0-9;]*m", "", f.read())
            passed = len(re.findall(r"^\[ok\]", text, re.MULTILINE))
            bad = re.findall(r"^\[(?:err|exception|timeout)\].*", text, re.MULTILINE)
            need(guest.result is None, f"the machine has ended: {guest.text[-300:]!r}")
            need(done.returncode == 0 and not bad and "All tests passed without errors!" in text,
                 f"{passed} passed; {len(bad)} not: {bad[:5]}: {text[-200:]!r}")
            need(passed >= least, f"only {passed} tests were run")
            need(press(guest) == 0, "its status is not 0")
            left = len(re.findall(r"^\[ignore\]", text, re.MULTILINE))
            return f"{passed} of Redis' tests, {left} left out by their tags"
    return test


def on_xen(kind):
    """A guest of Xen with a published port, and its end by the toolstack."""
    def test():
        with Running("xen-" + kind, ["--on", "xen-" + kind, "--mem", "64M"], patience=400) as redis:
            c = redis.client
            c.expect("^OK$", "set", "greeting", "hello")
            c.expect("^hello$", "get", "greeting")
            need(c.fill("key", 2000) == (0, 2000), "not all of 2000 keys are stored")
            c.expect("^OK$", "save")
            need(redis.stop() == 0, f"its status after Ctrl-C is not 0: {redis.text[-300:]}")
    return test


TYPES = ["unit/type/" + name for name in ("string", "incr", "list", "list-2", "list-3", "set", "zset", "hash", "stream",
                                          "stream-cgroups")]
# `other` is last: it turns the AOF off.
OTHERS = ["unit/" + name for name in (
    "printver", "dump", "auth", "protocol", "keyspace", "scan", "info", "info-command", "sort", "expire", "multi", "quit",
    "aofrw", "acl", "acl-v2", "latency-monitor", "pubsub", "pubsubshard", "slowlog", "scripting", "functions", "maxmemory",
    "introspection", "introspection-2", "limits", "obuf-limits", "bitops", "bitfield", "geo", "memefficiency", "hyperloglog",
    "lazyfree", "wait", "pause", "querybuf", "pendingquerybuf", "tracking", "networking", "client-eviction", "violations",
    "replybufsize", "other")]

# name: (function, whether a short run has it)
TESTS = {
    "serves-tcg": (serves("tcg"), True),
    "serves-kvm": (serves("kvm"), True),
    "benchmark": (benchmark, True),
    "pipelined": (pipelined, True),
    "appends": (appends, True),
    "damaged": (damaged, True),
    "replica": (replica, True),
    "mistakes": (mistakes, True),
    "full-disk": (full_disk, True),
    "full-memory": (full_memory, True),
    "no-memory": (no_memory, True),
    "killed": (killed, True),
    **redis_cuts.TESTS,
    **redis_errors.TESTS,
    # In two halves, side by side: most of the time is one client's waiting for one answer.
    "suite-types-1": (suite("types-1", TYPES[:5], 340), True),
    "suite-types-2": (suite("types-2", TYPES[5:], 590), True),
    "suite-others": (suite("others", OTHERS, 400), False),
    "xen-pv": (on_xen("pv"), False),
    "xen-pvh": (on_xen("pvh"), False),
}


SECONDS = {"suite-types-1": 200, "suite-types-2": 200, "suite-others": 600}  # where it matters in which order they go


def make_job(name, function):
    def job(results):
        began = time.monotonic()
        why = bed.why_not()
        if why:
            results.skip(f"programs/redis/{name}", 0, why)
            return
        try:
            said = function()
        except (Failure, OSError, subprocess.SubprocessError) as e:
            results.fail(f"programs/redis/{name}", time.monotonic() - began, f"{type(e).__name__}: {e}")
            return
        results.ok(f"programs/redis/{name}", time.monotonic() - began, said or "")
    return job


def jobs(wanted, full):
    chosen = [name for name, (_, quick) in TESTS.items()
              if any(f"redis/{name}".startswith(w) for w in wanted) or (not wanted and (full or quick))]
    if chosen:
        packages.ensure(NEEDS)
    if any(name.startswith("xen-") for name in chosen):
        xen_dom0.ensure()
    tests = [Job(make_job(name, TESTS[name][0]), SECONDS.get(name, 1.0), XEN if name.startswith("xen-") else "")
             for name in chosen]
    return [built([image.find("redis")], tests, "programs/(build redis)")] if tests else []
