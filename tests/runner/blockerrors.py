# SPDX-License-Identifier: BSD-2-Clause
"""Disks of QEMU's that fail (block/blkdebug.c): the n-th request of a kind, once or from then on."""

import json

# What QEMU's raw format says to its file before each; docs/devel/blkdebug.rst.
EVENTS = {"read": "read_aio", "write": "write_aio", "flush": "flush_to_os"}
EIO, ENOSPC = 5, 28


def words(path, kind, n, once=False, errno=EIO):
    """QEMU's words for a disk whose n-th request of that kind (read, write, flush) fails, or all from it on."""
    event = EVENTS[kind]
    counts = [{"event": event, "state": i, "new_state": i + 1} for i in range(1, n)]
    fails = {"event": event, "state": n, "iotype": kind, "once": once, "errno": errno}
    node = {"driver": "raw", "node-name": "bad", "file": {
        "driver": "blkdebug", "image": {"driver": "file", "filename": path}, "set-state": counts, "inject-error": [fails]}}
    # Without werror a machine whose disk is full is stopped.
    return ["-blockdev", json.dumps(node), "-device", "virtio-blk-device,drive=bad,werror=report,rerror=report"]
