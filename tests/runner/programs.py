# SPDX-License-Identifier: BSD-2-Clause
"""Well-known programs and libraries built from their recipes: they run as images and pass their own tests.

Their sources are fetched the first time. Lua's official tests are in no Debian package: PITH_LUA_TESTS names
the folder `testes` of Lua 5.4.4's repository, without it that test is skipped.
"""

import os
import re
import sqlite3
import subprocess
import time

import cases
import httpd_guest
import image
import initrd
import packages
import redis
import sqlite_cuts
import sqlite_errors
import sqlited
from results import log_path
from schedule import built
from scripts import tail
from words import BUILD, TOP, Failure

APPS = os.path.join(TOP, "tests", "apps")
NOT_A_DATABASE, FULL = 26, 13  # the shell ends with SQLite's own number of the error
SQLITE = ["-DSQLITE_THREADSAFE=1", "-DSQLITE_OMIT_LOAD_EXTENSION"]


def pith(name, words, stdin=b"", timeout=120):
    """(status, output and errors) of `pith ...`; both are in the log of that name too."""
    done = subprocess.run([os.path.join(TOP, "pith")] + words, cwd=TOP, input=stdin, timeout=timeout + 60,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    with open(log_path("programs", name + ".log"), "wb") as f:
        f.write(done.stdout)
    return done.returncode, done.stdout.decode(errors="replace")


def run(name, app, args=(), options=(), stdin=b"", timeout=120):
    return pith(name, ["run", app, "--timeout", str(timeout), *options, "--", *args], stdin, timeout)


def problem(got, status, *wants):
    """None, or what is wrong with (status, output)."""
    if got[0] != status:
        return f"status {got[0]}, not {status}: {tail(got[1])}"
    absent = [want for want in wants if not re.search(want, got[1], re.MULTILINE)]
    return f"the output lacks {absent[0]!r}: {tail(got[1])}" if absent else None


def first(problems):
    return next((p for p in problems if p), None)


# ---- Lua ----

def lua_libraries():
    share = ["--share", os.path.join(APPS, "lua") + ":/tests:ro", "-e", "GREETING=hello"]
    return problem(run("lua-libraries", "lua", ["/tests/libraries.lua", "one", "two words"], share), 0, "^all is well")


def lua_mistakes():
    """What people do wrong gets Lua's own words and status 1; what is typed at the console is run."""
    share = ["--share", os.path.join(APPS, "lua") + ":/tests:ro"]
    return first([
        problem(run("lua-missing", "lua", ["/tests/no.lua"], share), 1, "cannot open /tests/no.lua"),
        problem(run("lua-syntax", "lua", ["-e", "x ="]), 1, "unexpected symbol near <eof>"),
        problem(run("lua-memory", "lua", ["-e", "local t = {} while true do t[#t + 1] = ('x'):rep(1 << 20) .. #t end"],
                    ["--mem", "64M"]), 1, "not enough memory"),
        problem(run("lua-depth", "lua", ["-e", "local function f(s) return (s:gsub('.', f)) end f('x')"]), 1,
                "C stack overflow"),
        problem(run("lua-console", "lua", ["-i"], stdin=b"print(6 * 7)\nos.exit(3)\n"), 3, r"42"),
    ])


def lua_server():
    """A server in Lua, from a folder that is given as initrd, asked by curl; SIGTERM ends it."""
    app = image.find("lua")
    with httpd_guest.Running("lua-server", app.elf, cases.Bed("kvm", "microvm"),
                             initrd.archive(os.path.join(APPS, "lua")), ["/server.lua", "8080"],
                             memory=128 << 20, options=["stack=2M"]) as server:
        url = f"http://{server.address[0]}:{server.address[1]}/"
        for n in range(20):
            said = subprocess.run(["curl", "-sS", "-m", "20", "-d", f"number {n}", url + "upper?x=1"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False).stdout.decode()
            if said != f"POST /upper?x=1 NUMBER {n}\n":
                return f"request {n}: {said!r}"
        server.press()
        server.thread.join(60)
        status = server.result.status if server.result else None
        return None if status == 143 else f"it ended with {status}"


def lua_suite():
    got = run("lua-suite", "lua", ["-e", "_port = true", "all.lua"],
              ["--initrd", os.environ["PITH_LUA_TESTS"], "--mem", "512M", "-e", "PATH=/bin"], timeout=600)
    return problem(got, 0, "^final OK !!!")


# ---- SQLite ----

def sqlite_shell():
    """A database that the guest has written is read here, and the other way round."""
    share = sqlited.folder("sqlite")
    words = ["--share", share]
    script = ("create table t(a integer primary key, b text);\n"
              "with recursive n(i) as (values(1) union all select i + 1 from n where i < 5000)"
              " insert into t select i, 'row ' || i from n;\n"
              "create index tb on t(b);\nselect count(*), sum(a) from t;\n")
    got = run("sqlite-write", "sqlite", ["-batch", "/share/guest.db"], words, script.encode())
    wrong = problem(got, 0, r"^5000\|12502500")
    if wrong:
        return wrong
    with sqlite3.connect(os.path.join(share, "guest.db")) as db:
        if db.execute("pragma integrity_check").fetchall() != [("ok",)]:
            return "the host finds the guest's database damaged"
        if db.execute("select a from t where b = 'row 4711'").fetchall() != [(4711,)]:
            return "the host does not find the guest's rows"
    with sqlite3.connect(os.path.join(share, "host.db")) as db:
        db.execute("create table h(x)")
        db.executemany("insert into h values(?)", [(n,) for n in range(1000)])
    db.close()
    return problem(run("sqlite-read", "sqlite", ["/share/host.db", "select sum(x) from h"], words),
                   0, "^499500")


def sqlite_mistakes():
    share = sqlited.folder("sqlite-bad")
    with open(os.path.join(share, "damaged.db"), "wb") as f:
        f.write(b"SQLite format 3\0" + b"\xff" * 4080)
    words = ["--share", share]

    def shell(name, file, sql, more=()):
        return run("sqlite-" + name, "sqlite", [file, sql], words + list(more))
    return first([
        problem(shell("damaged", "/share/damaged.db", "select * from t"), NOT_A_DATABASE, "file is not a database"),
        problem(shell("missing", "/nowhere/x.db", "create table t(a)"), 1, "unable to open database"),
        problem(shell("syntax", ":memory:", "selekt 1"), 1, 'near "selekt": syntax error'),
        problem(shell("full", "/x.db", "create table t(a); insert into t values(1); with recursive n(i) as (values(1) union "
                      "all select i + 1 from n) insert into t select randomblob(100000) from n", ["--mem", "48M"]), FULL,
                "database or disk is full"),
    ])


def speedtest():
    """The hash of all results equals that of the same program on this machine."""
    source = os.path.join(BUILD, "packages", "sqlite")
    native = os.path.join(sqlited.folder("speedtest1"), "speedtest1")
    subprocess.run(["gcc", "-O1", "-w", *SQLITE, "-I" + source, os.path.join(source, "test", "speedtest1.c"),
                    os.path.join(source, "sqlite3.c"), "-o", native, "-lm", "-lpthread"], check=True, timeout=300)
    args = ["--verify", "--size", "20"]
    here = subprocess.run([native, *args], stdout=subprocess.PIPE, check=True, timeout=300).stdout.decode()
    want = re.search(r"^Verification Hash: .*$", here, re.MULTILINE)[0]
    for name, more in (("memory", []), ("file", ["--journal", "wal", "/x.db"])):
        wrong = problem(run("speedtest1-" + name, "tests/apps/speedtest1", args + more,
                            ["--mem", "256M", "--boot-option", "stack=1M"], timeout=600), 0, re.escape(want))
        if wrong:
            return wrong
    return None


def several_connections():
    """A write-ahead log with its shared memory, snapshots and locks, in memory and in a folder of the host's."""
    share = sqlited.folder("sqlite-wal")
    wrong = first([
        problem(run("sqlite-wal-memory", "tests/apps/wal", ["/wal.db"], timeout=300), 0, "^all is well"),
        problem(run("sqlite-wal-share", "tests/apps/wal", ["/share/wal.db"], ["--share", share], timeout=300), 0,
                "^all is well"),
    ])
    return wrong or sqlited.host_finds(os.path.join(share, "wal.db"), "delete")


def fuzzcheck(number):
    def check():
        cases = os.path.join(BUILD, "tests", "apps", "fuzzcheck", "source", "test")
        name = f"fuzzdata{number}.db"
        got = run(f"fuzzcheck{number}", "tests/apps/fuzzcheck", ["/cases/" + name],
                  ["--share", cases + ":/cases:ro", "--mem", "512M", "--boot-option", "stack=2M"], timeout=1200)
        return problem(got, 0, r"^fuzzcheck: 0 errors out of [1-9]\d* tests")
    return check


# ---- what is partial ----

def checked(app, status, *wants):
    """`pith check` names what is partial or always fails, and who asks for it."""
    def check():
        got = pith("check-" + app.replace("/", "-"), ["check", app], timeout=600)
        return problem((got[0], " ".join(got[1].split())), status, *wants)
    return check


# ---- libraries ----

def libraries():
    """`pith add`, then pkg-config's flags build a program that uses them."""
    wrong = problem(pith("add", ["add", "zlib", "pcre2", "mbedtls", "libevent"], timeout=600), 0, "sysroot/usr")
    if wrong:
        return wrong
    out = sqlited.folder("libraries")
    tools = os.path.join(BUILD, "bin", "x86_64-pith-elf-")
    flags = subprocess.run([tools + "pkg-config", "--cflags", "--libs", "zlib", "libpcre2-8", "mbedtls", "libevent"], check=True,
                           stdout=subprocess.PIPE).stdout.decode().split()
    elf = os.path.join(out, "libraries.elf")
    done = subprocess.run([tools + "gcc", "-O2", "-Wall", os.path.join(APPS, "packages", "main.c"), "-o", elf, *flags],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode:
        return tail(done.stdout.decode())
    return first([problem(run("libraries", elf), 0, "^zlib: ok", "^pcre2: ok", "^mbedtls: ok", "^libevent: ok"),
                  problem(pith("add-nothing", ["add", "no-such"]), 2, "there is no library 'no-such'")])


TESTS = {
    "lua/check": (checked("lua", 1, r"system always fails \(ENOSYS\).* used by: os_execute \(loslib\.c:", "setlocale partial: ",
                          "lua: [1-9][0-9]* partial, 1 always fail, 0 absent"), "lua", False),
    "sqlite/check": (checked("sqlite", 0, r"getrusage partial: .* used by: runOneSqlLine \(shell\.c:",
                             "sqlite: [1-9][0-9]* partial, 0 always fail, 0 absent"), "sqlite", False),
    "redis/check": (checked("redis", 1, r"fork always fails .* redisFork \(server\.c:", r"execve always fails .* restartServer",
                            r"dlopen partial: .* used by: moduleLoad \(module\.c:",
                            "redis: [1-9][0-9]* partial, 2 always fail, 0 absent"), "redis", False),
    "sqlited/check": (checked("sqlited", 0, "mmap partial: ", "sqlited: [1-9][0-9]* partial, 0 always fail, 0 absent"), "sqlited", False),
    "lua/libraries": (lua_libraries, "lua", False),
    "lua/mistakes": (lua_mistakes, "lua", False),
    "lua/server": (lua_server, "lua", False),
    "lua/suite": (lua_suite, "lua", False),
    "sqlite/shell": (sqlite_shell, "sqlite", False),
    "sqlite/mistakes": (sqlite_mistakes, "sqlite", False),
    "sqlite/connections": (several_connections, "tests/apps/wal", False),
    "sqlite/speedtest1": (speedtest, "tests/apps/speedtest1", True),
    **sqlited.TESTS,
    **sqlite_cuts.TESTS,
    **sqlite_errors.TESTS,
    "libraries": (libraries, None, True),
    **{f"sqlite/fuzzcheck{n}": (fuzzcheck(n), "tests/apps/fuzzcheck", True) for n in range(1, 9)},
}


def make_job(name, function):
    def job(results):
        began = time.monotonic()
        if function is lua_suite and not os.environ.get("PITH_LUA_TESTS"):
            results.skip(f"programs/{name}", 0, "PITH_LUA_TESTS does not name Lua's folder of tests")
            return
        try:
            wrong = function()
        except (Failure, subprocess.SubprocessError) as e:
            wrong = str(e)
        results.check(f"programs/{name}", time.monotonic() - began, wrong)
    return job


def jobs(wanted, full, _results):
    packages.ensure(["tclsh", "curl"])
    chosen = {}  # by their application, which is built before
    for name, (function, app, only_full) in TESTS.items():
        if any(name.startswith(w) for w in wanted) or (not wanted and (full or not only_full)):
            chosen.setdefault(app, []).append(make_job(name, function))
    return redis.jobs(wanted, full) + chosen.pop(None, []) + \
        [built([image.find(app)], tests, f"programs/(build {app})") for app, tests in chosen.items()]
