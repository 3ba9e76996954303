# SPDX-License-Identifier: BSD-2-Clause
"""nginx: files by wrk, from apps/nginx and from Debian's nginx, with the same configuration and files."""

import os
import shutil
import sys

import image
import initrd
import linux_guest
from bench import khttp, loads
from bench import sides as places
from words import BUILD, TOP

sys.path.append(os.path.join(TOP, "tests", "apps", "nginx"))

from nginx_native import unpacked  # noqa: E402  pylint: disable=wrong-import-position

NAME = "nginx"
TITLE = "nginx, files by sendfile; wrk -t1; on Linux Debian's nginx with one worker"
NEEDS = ("wrk", "ip")

PORT = 8080
FILES = {"612 B": ("small.html", 612), "64 KiB": ("large.bin", 64 << 10)}
CASES = (("612 B", 1), ("612 B", 32), ("64 KiB", 1), ("64 KiB", 32))
XEN_RATIOS = {f"{page} c{connections} requests/s": 1.5 for page, connections in CASES}

# What is not absolute lies below the folder that -p names.
TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
CONFIG = f"""daemon off;
user root;
worker_processes 1;
error_log stderr;
pid nginx.pid;
events {{ worker_connections 4096; }}
http {{
    {" ".join(f"{name}_temp_path tmp-{name};" for name in TEMPORARY)}
    access_log off;
    sendfile on;
    tcp_nopush on;
    keepalive_requests 1000000000;
    server {{ listen {PORT} backlog=1024; root site; }}
}}
"""
USERS = {"etc/passwd": "root:x:0:0:root:/:/bin/sh\n", "etc/group": "root:x:0:\n"}


def built():
    """Whether the image is there already: a run without names does not build OpenSSL."""
    return os.path.exists(image.find(NAME).elf)


def write_site(folder):
    os.makedirs(os.path.join(folder, "site"))
    for name, size in FILES.values():
        with open(os.path.join(folder, "site", name), "wb") as f:
            f.write((b"0123456789abcdef" * (size // 16 + 1))[:size])
    for name, text in {"nginx.conf": CONFIG, **USERS}.items():
        os.makedirs(os.path.dirname(os.path.join(folder, name)), exist_ok=True)
        with open(os.path.join(folder, name), "w", encoding="ascii") as f:
            f.write(text)


def archive(program, env):
    """The Linux guest's initramfs."""
    def fill(root):
        write_site(root)
        linux_guest.put_program(root, program, env)
    return linux_guest.archive_of(NAME, fill)


def words(folder):
    return ["-p", folder, "-c", "nginx.conf" if folder == "/" else os.path.join(folder, "nginx.conf"), "-e", "stderr"]


def sides(bench):
    image.build([image.find(NAME)])
    here = os.path.join(BUILD, "bench", "nginx")
    shutil.rmtree(here, ignore_errors=True)
    write_site(here)
    files = here + ".cpio"
    initrd.pack(here, files)
    program, env = unpacked()
    found = [places.Pith(image.find(NAME).elf, words("/"), initrd=files),
             places.Linux(archive(program, env), words("/"))]
    if not bench.quick:
        found.append(places.Native("env", [f"LD_LIBRARY_PATH={env['LD_LIBRARY_PATH']}", program, *words(here)]))
    return found


def measure(started, bench, side):
    values, profiles = {}, {}
    started.wait(PORT)
    loads.wrk(started.ns, 8, 1, PORT, "/small.html")  # warm-up
    for page, connections in CASES:
        name, _ = FILES[page]
        khttp.one(started, bench, side, f"{page} c{connections}", connections, (PORT, "/" + name), values, profiles)
    return values, profiles
