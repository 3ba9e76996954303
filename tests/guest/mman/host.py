# SPDX-License-Identifier: BSD-2-Clause
"""The folder of the mman test: what was written to shared mappings is in the host's file."""

import os

from machine import Share

SIZE = 2 * 4096 + 6


def prepare(run):
    if run.case.name != "share":
        return
    run.folder = os.path.join(run.dir, "folder")
    os.makedirs(run.folder)
    with open(os.path.join(run.folder, "file"), "wb") as f:
        f.write(b"from the host".ljust(SIZE, b"."))
    run.machine.shares = [Share(run.folder)]


def verify(run):
    if run.case.name != "share":
        return []
    with open(os.path.join(run.folder, "file"), "rb") as f:
        data = f.read()
    want = bytearray(b"From the host".ljust(SIZE, b"."))
    want[500] = ord("?")
    want[4096] = ord("u")
    want[8192:8198] = b"at the"
    same = data == bytes(want)
    return [("written-back", None if same else f"{len(data)} bytes: {data[:20]} {data[-20:]}")]
