# SPDX-License-Identifier: BSD-2-Clause
"""The distribution's nginx on this machine, and the conversations that are held with it and with the image's."""

import os
import re
import socket
import subprocess
import time

import debs
from nginx_cases import USERS, Until, make_site
from words import BUILD, Failure

VERSION = "nginx/1.22.1"
HERE = os.path.dirname(os.path.abspath(__file__))
WAIT = 20  # seconds; a bound, nothing measures it
# What may differ between two answers of the same bytes: the time of the answer.
TIMES = re.compile(rb"^(Date|Expires): .*\r$", re.MULTILINE)


def unpacked():
    """Debian's nginx and the libraries it was built with, fetched once: (program, environment)."""
    folder = os.path.join(BUILD, "nginx-debian")
    program = os.path.join(folder, "usr", "sbin", "nginx")
    if not os.path.exists(program):
        debs.need_tools("the distribution's nginx")
        packages = ["libpcre2-8-0", "libssl3", "zlib1g", "libcrypt1", "nginx"]
        debs.unpack(debs.download(packages, os.path.join(BUILD, "download")), folder)
    libraries = [os.path.join(folder, base, "lib", "x86_64-linux-gnu") for base in ("", "usr")]
    env = {**os.environ, "LD_LIBRARY_PATH": ":".join(libraries)}
    said = subprocess.run([program, "-v"], env=env, stderr=subprocess.PIPE, check=True).stderr.decode()
    if VERSION not in said:
        raise Failure(f"the distribution has {said.strip()}, not {VERSION}")
    return program, env


def configuration(text, words):
    return re.sub(r"@(\w+)@", lambda word: str(words[word[1]]), text)


def write_site(folder, **words):
    """FOLDER/site, and FOLDER/conf with the configuration."""
    make_site(os.path.join(folder, "site"))
    conf = os.path.join(folder, "conf")
    os.makedirs(conf, exist_ok=True)
    with open(os.path.join(HERE, "site.conf"), encoding="utf-8") as f:
        text = configuration(f.read(), words)
    for name, data in (("nginx.conf", text), ("users", USERS)):
        with open(os.path.join(conf, name), "w", encoding="utf-8") as f:
            f.write(data)


class Native:
    """The distribution's nginx in a `with`. `folder` has site and conf; its state and log go there too."""

    def __init__(self, folder, port, words=()):
        self.folder, self.address = folder, ("127.0.0.1", port)
        self.program, self.env = unpacked()
        self.words = list(words)

    def __enter__(self):
        os.makedirs(os.path.join(self.folder, "state"), exist_ok=True)
        with open(os.path.join(self.folder, "native.log"), "wb") as log:
            self.process = subprocess.Popen(
                [self.program, "-p", self.folder, "-e", "stderr", "-c", os.path.join(self.folder, "conf", "nginx.conf"), *self.words],
                env=self.env, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        until = time.monotonic() + WAIT
        while not self.listens():
            if self.process.poll() is not None or time.monotonic() > until:
                self.__exit__()
                raise Failure(f"the distribution's nginx does not start: see {self.folder}/native.log")
            time.sleep(0.02)
        return self

    def listens(self):
        try:
            socket.create_connection(self.address, WAIT).close()
            return True
        except ConnectionRefusedError:
            return False

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(WAIT)


def converse(address, steps):
    """The bytes that a conversation brings, until the server closes."""
    got = b""
    with socket.create_connection(address, WAIT) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        seen = 0
        try:
            for step in steps:
                if isinstance(step, Until):
                    while (at := got.find(step, seen)) < 0:
                        piece = sock.recv(65536)
                        if not piece:
                            return got
                        got += piece
                    seen = at + len(step)
                else:
                    sock.sendall(step)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has closed before it had read all; what it has answered counts
        try:
            while piece := sock.recv(65536):
                got += piece
        except ConnectionResetError:
            pass
        except TimeoutError:
            raise AssertionError(f"the server does not close behind {got[-200:]!r}") from None
    return got


def normal(answer):
    return TIMES.sub(rb"\1: *\r", answer)


def differs(here, there):
    """None, or where two answers part: the first bytes that are not the same."""
    here, there = normal(here), normal(there)
    if here == there:
        return None
    at = next((n for n, (a, b) in enumerate(zip(here, there)) if a != b), min(len(here), len(there)))
    start = max(0, at - 60)
    return f"byte {at} of {len(here)} and {len(there)}: Linux {here[start:at + 60]!r}, Pith {there[start:at + 60]!r}"
