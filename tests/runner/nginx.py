# SPDX-License-Identifier: BSD-2-Clause
"""nginx as an image: it answers as the distribution's nginx does, byte by byte, with clients that people use,
by TLS, until it is told to end. tests/apps/nginx has what is asked."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time

from results import log_path
from words import TOP, Failure

sys.path += [os.path.join(TOP, "tests", "apps"), os.path.join(TOP, "tests", "apps", "nginx")]

import accel  # noqa: E402
import cases  # noqa: E402
import httpd_guest  # noqa: E402
import image  # noqa: E402
import initrd  # noqa: E402
import native  # noqa: E402
import nginx_cases  # noqa: E402
import nginx_native  # noqa: E402
import nginx_run  # noqa: E402
import nginx_tls  # noqa: E402
import packages  # noqa: E402
from nginx_backend import Backend  # noqa: E402
from commands_check import said  # noqa: E402
from nginx_native import converse, differs  # noqa: E402
from pith_command import Wrong, pith  # noqa: E402
from schedule import Job, built  # noqa: E402

HOST = "10.0.2.2"  # this machine, as QEMU's user network shows it to the guest
LIMIT = 5          # differences that are told of one run
PLAIN = os.path.join("tests", "apps", "nginx_plain")  # without TLS, which compiles in less than a minute
HASHED = ("Zml2ZTpzZWNyZXQ=", "c2l4OnNlY3JldA==", "c2l4Ondyb25n", "cm91bmRzOnNlY3JldA==")  # passwords that OpenSSL is asked about
SECONDS = 15.0     # for all conversations


def folder(name):
    path = os.path.dirname(log_path("nginx", name, "x"))
    shutil.rmtree(path)
    os.makedirs(path)
    return path


class Pair:
    """The two servers with the same site, in a `with`."""

    def __init__(self, name, bed, app="nginx"):
        self.name, self.bed, self.elf = name, bed, image.find(app).elf

    def __enter__(self):
        with contextlib.ExitStack() as stack:  # what has begun ends when the rest can't begin
            self.start(stack)
            self.stack = stack.pop_all()
        return self

    def start(self, stack):
        self.backend = stack.enter_context(Backend())
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            gone = nobody.getsockname()[1]
        port = native.free_port()
        here, there = folder(self.name + "-linux"), folder(self.name + "-pith")
        nginx_native.write_site(here, STATE=here + "/state", SITE=here + "/site", CONF=here + "/conf", ERRORS="stderr",
                                PORT=port, BACKEND=f"127.0.0.1:{self.backend.port}", GONE=f"127.0.0.1:{gone}")
        nginx_native.write_site(there, STATE="/state", SITE="/site", CONF="/conf", ERRORS="stderr",
                                PORT=port, BACKEND=f"{HOST}:{self.backend.port}", GONE=f"{HOST}:{gone}")
        os.makedirs(there + "/state")
        self.linux = stack.enter_context(nginx_native.Native(here, port))
        self.pith = httpd_guest.Running(self.name, self.elf, self.bed, initrd.archive(there), ["-c", "/conf/nginx.conf"],
                                        port=port)
        stack.enter_context(self.pith)

    def __exit__(self, *_):
        self.stack.close()


def same_answers(name, bed, app="nginx", without=()):
    """Each conversation, but for those whose name ends with a word of `without`."""
    def check():
        found, asked = [], 0
        with Pair(name, bed, app) as pair:
            for what, steps in nginx_cases.all_cases():
                if what.endswith(without):
                    continue
                answers = [converse(server.address, steps) for server in (pair.linux, pair.pith)]
                wrong = differs(*answers)
                asked += 1
                if wrong:
                    found.append(f"{what}: {wrong}")
            pair.pith.press()
            ended = pair.pith.ended()
        with open(log_path("nginx", f"differences-{name}.txt"), "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in found)
        if found:
            raise Failure(f"{len(found)} of {asked} answers differ: " + "; ".join(found[:LIMIT]))
        if ended:
            raise Failure(ended)
        return f"{asked} conversations"
    return check


def checked(app):
    """`pith check` names what its several processes would need; none of that is called in an image."""
    def check():
        said(pith("check", app, timeout=900), 1, "fork always fails (ENOSYS)", "ngx_spawn_process (ngx_process.c:",
             "execve always fails", "ngx_execute_proc", "setuid, setgid partial", "used by: ngx_worker_process_init (",
             "2 always fail, 0 absent")
    return check


def all_tests():
    """{app: {name: function}}. Those of apps/nginx itself are in the full run alone: OpenSSL compiles for minutes."""
    bed = cases.Bed("kvm" if accel.try_kvm() is None else "tcg", "microvm")
    found = {f"answers-{b.name}": same_answers(b.name, b) for b in cases.BEDS if b.platform in ("tcg", "kvm")}
    found.update({"check": checked("nginx"), **nginx_run.TESTS, **nginx_tls.TESTS, **nginx_run.ONLY_FULL})
    return {PLAIN: {"plain": same_answers("plain", bed, PLAIN, HASHED), "plain-check": checked(PLAIN)}, "nginx": found}


def make_job(name, function):
    """Of a function that raises what is wrong, and returns what there is to say."""
    def job(results):
        began = time.monotonic()
        try:
            text = function()
        except (Failure, Wrong, AssertionError, OSError, subprocess.SubprocessError) as e:
            results.fail(f"nginx/{name}", time.monotonic() - began, f"{type(e).__name__}: {e}")
        else:
            results.ok(f"nginx/{name}", time.monotonic() - began, text or "")
    return Job(job, SECONDS, name=f"nginx/{name}")


def jobs(wanted, full, _results):
    found = []
    for app, tests in all_tests().items():
        chosen = [make_job(name, function) for name, function in tests.items()
                  if any(name.startswith(w) for w in wanted) or (not wanted and (full or app == PLAIN))]
        if chosen:
            packages.ensure(["curl", "wrk", "openssl", "perl"] if app != PLAIN else [])
            found.append(built([image.find(app)], chosen, f"nginx/(build {app})"))
    return found
