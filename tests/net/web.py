# SPDX-License-Identifier: BSD-2-Clause
"""apps/httpd before curl, wrk and asyncio clients over a tap."""

import asyncio
import hashlib
import os
import random
import re
import shutil

import connections
from words import Failure

PORT = 8080
HTTPD = "apps/httpd"
EDGES = (0, 1, 2, 3, 7, 64, 511, 512, 513, 1459, 1460, 1461, 2920, 4095, 4096, 4097, 8192, 16383, 16384,
         16385, 65535, 65536, 65537, 131071, 262144, 1 << 20)
LARGE = (2 << 20, (4 << 20) - 1, 8 << 20, (16 << 20) + 1, 32 << 20, 64 << 20)


def make_files(folder, full):
    """{name: sha256} of files from 0 bytes up, always the same ones: 100 of them when `full`."""
    rng = random.Random(100)
    sizes = list(EDGES) + (list(LARGE) if full else [])
    while len(sizes) < (100 if full else 40):
        sizes.append(rng.randrange(1 << rng.randrange(4, 21)))
    found = {}
    os.makedirs(folder)
    for number, size in enumerate(sizes):
        data = rng.randbytes(size)
        name = f"file{number:03d}.bin"
        with open(os.path.join(folder, name), "wb") as f:
            f.write(data)
        found[name] = hashlib.sha256(data).hexdigest()
    return found


def checksum(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        while data := f.read(1 << 20):
            digest.update(data)
    return digest.hexdigest()


def download(server, address, names, target, *words):
    """Have curl get all of them into `target`, over connections that it keeps."""
    os.makedirs(target, exist_ok=True)
    host = f"[{address}]" if ":" in address else address
    listed = os.path.join(target, "curl.cfg")
    with open(listed, "w", encoding="ascii") as f:
        for name in names:
            f.write(f'url = "http://{host}:{PORT}/{name}"\noutput = "{os.path.join(target, name)}"\n')
    done = server.ns.call("curl", "-sS", "--fail", "--globoff", "--max-time", "300", *words, "-K", listed,
                          check=False, timeout=600)
    if done.returncode:
        raise Failure(f"curl: status {done.returncode}: {done.stdout.decode(errors='replace')[-200:]}")


def curl(site):
    """Sizes and checksums of 100 files from 0 bytes to 64 MiB, both protocols; 8 at once, too."""
    www = os.path.join(site.dir, "files", "www")
    files = make_files(www, site.full)
    server = site.web(www, mem=(512 if site.full else 64) << 20)
    target = os.path.join(site.dir, "got")
    for address, words in ((server.v4, ()), (server.v6, ()), (server.v4, ("-Z", "--parallel-max", "8"))):
        download(server, address, files, target, *words)
        for name, want in files.items():
            path = os.path.join(target, name)
            # curl makes no file of an empty answer.
            got = checksum(path) if os.path.exists(path) else hashlib.sha256().hexdigest()
            if got != want:
                raise Failure(f"{name} is not what it was, by {address}")
        shutil.rmtree(target)
    shutil.rmtree(www)
    return f"{len(files)} files"


def wrk(site):
    """No request fails while 64 connections ask as fast as they can."""
    www = os.path.join(site.dir, "files", "www")
    os.makedirs(www)
    with open(os.path.join(www, "index.html"), "w", encoding="ascii") as f:
        f.write("<p>It works.</p>\n" * 36)
    server = site.web(www)
    seconds = 10 if site.full else 2
    said = server.ns.call("wrk", "-c", "64", "-t", "2", "-d", str(seconds), "--timeout", "10s",
                          f"http://{server.v4}:{PORT}/", timeout=seconds + 60).stdout.decode()
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    bad = re.search(r"(Socket errors|Non-2xx).*", said)
    if bad or not rate or float(rate[1]) <= 0:
        raise Failure(f"wrk: {bad[0] if bad else said}")
    server.check()
    return f"{float(rate[1]):.0f} requests/s"


async def client(address, number, count):
    """One asyncio client that keeps its connection for `count` requests."""
    reader, writer = await asyncio.wait_for(asyncio.open_connection(address, PORT), 30)
    for turn in range(count):
        last = turn == count - 1
        writer.write(f"GET /index.html HTTP/1.1\r\nHost: x\r\nX-Client: {number}\r\n"
                     f"Connection: {'close' if last else 'keep-alive'}\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        length = re.search(rb"content-length: (\d+)", head.lower())
        if not head.startswith(b"HTTP/1.1 200") or not length:
            raise Failure(f"client {number}: {head[:200]!r}")
        await asyncio.wait_for(reader.readexactly(int(length[1])), 30)
    if await asyncio.wait_for(reader.read(), 30):
        raise Failure(f"client {number}: more after the last answer")
    writer.close()


async def all_clients(addresses, clients, count):
    await asyncio.gather(*(client(addresses[n % 2], n, count) for n in range(clients)))


def streams(site):
    """A hundred Python clients at once, half of them by IPv6."""
    www = os.path.join(site.dir, "files", "www")
    os.makedirs(www)
    with open(os.path.join(www, "index.html"), "w", encoding="ascii") as f:
        f.write("x" * 5000)
    server = site.web(www)
    server.reach(server.v6, PORT)
    clients, count = (500, 100) if site.full else (100, 10)
    connections.allow_descriptors()
    failures = []

    def run():
        try:
            asyncio.run(all_clients((server.v4, server.v6), clients, count))
        except (Failure, OSError, asyncio.TimeoutError, asyncio.IncompleteReadError) as e:
            failures.append(f"{type(e).__name__}: {e}")

    server.ns.enter(run)
    if failures:
        raise Failure(failures[0])
