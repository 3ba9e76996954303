# SPDX-License-Identifier: BSD-2-Clause
"""nginx as an image: it answers as the distribution's nginx does, byte by byte, with clients that people use,
by TLS, until it is told to end. tests/apps/nginx has what is asked."""

import os
import shutil
import socket
import subprocess
import sys
import threading
import time

from results import log_path
from words import TOP, Failure

sys.path += [os.path.join(TOP, "tests", "apps"), os.path.join(TOP, "tests", "apps", "nginx")]

import cases  # noqa: E402
import httpd_guest  # noqa: E402
import initrd  # noqa: E402
import native  # noqa: E402
import nginx_cases  # noqa: E402
import nginx_native  # noqa: E402
import nginx_run  # noqa: E402
import nginx_tls  # noqa: E402
import packages  # noqa: E402
from nginx_backend import Backend  # noqa: E402
from nginx_native import converse, differs  # noqa: E402

HOST = "10.0.2.2"  # this machine, as QEMU's user network shows it to the guest
LIMIT = 5          # differences that are told of one run
building = threading.Lock()


def built():
    """The image, made once."""
    with building:
        return httpd_guest.built("nginx")


def folder(name):
    path = os.path.dirname(log_path("nginx", name, "x"))
    shutil.rmtree(path)
    os.makedirs(path)
    return path


class Pair:
    """The two servers with the same site, in a `with`."""

    def __init__(self, name, bed):
        self.name, self.bed = name, bed

    def __enter__(self):
        self.backend = Backend().__enter__()
        with socket.create_server(("127.0.0.1", 0)) as nobody:
            gone = nobody.getsockname()[1]
        port = native.free_port()
        here, there = folder(self.name + "-linux"), folder(self.name + "-pith")
        nginx_native.write_site(here, STATE=here + "/state", SITE=here + "/site", CONF=here + "/conf", ERRORS="stderr",
                                PORT=port, BACKEND=f"127.0.0.1:{self.backend.port}", GONE=f"127.0.0.1:{gone}")
        nginx_native.write_site(there, STATE="/state", SITE="/site", CONF="/conf", ERRORS="stderr",
                                PORT=port, BACKEND=f"{HOST}:{self.backend.port}", GONE=f"{HOST}:{gone}")
        os.makedirs(there + "/state")
        self.linux = nginx_native.Native(here, port).__enter__()
        self.pith = httpd_guest.Running(self.name, built(), self.bed, initrd.archive(there), ["-c", "/conf/nginx.conf"],
                                        port=port)
        self.pith.__enter__()
        return self

    def __exit__(self, *_):
        self.pith.__exit__()
        self.linux.__exit__()
        self.backend.__exit__()


def same_answers(bed):
    def check():
        found, asked = [], 0
        with Pair(bed.name, bed) as pair:
            for name, steps in nginx_cases.all_cases():
                answers = [converse(server.address, steps) for server in (pair.linux, pair.pith)]
                wrong = differs(*answers)
                asked += 1
                if wrong:
                    found.append(f"{name}: {wrong}")
            pair.pith.press()
            ended = pair.pith.ended()
        with open(log_path("nginx", f"differences-{bed.name}.txt"), "w", encoding="utf-8") as f:
            f.writelines(line + "\n" for line in found)
        if found:
            return f"{len(found)} of {asked} answers differ: " + "; ".join(found[:LIMIT])
        return ended
    return check


def all_tests():
    """{name: (function, only in a full run)}. All of them: OpenSSL compiles for minutes."""
    found = {}
    for bed in cases.BEDS:
        if bed.platform in ("tcg", "kvm"):
            found[f"answers-{bed.name}"] = (same_answers(bed), True)
    found.update({name: (function, True) for name, function in {**nginx_run.TESTS, **nginx_tls.TESTS}.items()})
    found.update({name: (function, True) for name, function in nginx_run.ONLY_FULL.items()})
    return found


def make_job(name, function):
    def job(results):
        began = time.monotonic()
        try:
            built()
            wrong = function()
        except (Failure, AssertionError, subprocess.SubprocessError) as e:
            wrong = str(e)
        results.check(f"nginx/{name}", time.monotonic() - began, wrong)
    return job


def jobs(wanted, full, _results):
    packages.ensure(["curl", "wrk", "openssl", "perl"])
    return [make_job(name, function) for name, (function, only_full) in all_tests().items()
            if any(name.startswith(w) for w in wanted) or (not wanted and (full or not only_full))]
