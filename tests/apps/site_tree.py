# SPDX-License-Identifier: BSD-2-Clause
"""The folder that the HTTP tests have served: the same bytes and names each time."""

import os
import random

MTIME = 1_000_000_000  # of every file: Sun, 09 Sep 2001 01:46:40 GMT
MODIFIED = "Sun, 09 Sep 2001 01:46:40 GMT"


def files():
    """{path below the root: contents}"""
    bits = random.Random(612)
    return {
        "index.html": b"<!DOCTYPE html><title>site</title>\n",
        "empty.txt": b"",
        "one.bin": b"1",
        "page.css": b"body{}\n",
        "data.bin": bits.randbytes(100_000),
        "big.bin": bits.randbytes((3 << 20) + 17),
        "100%.txt": b"percent\n",
        "space name.txt": b"space\n",
        "dir/index.html": b"index of dir\n",
        "list/a<b>&'.txt": b"markup\n",
        "list/\u00fc.txt": b"umlaut\n",
        "list/sub/x.txt": b"x\n",
        ".secret": b"not for you\n",
        ".well-known/ok.txt": b"well known\n",
        "sub/deep/deeper/x.json": b"{}\n",
        "noext": b"octets\n",
    }


def make(root, subfolder=""):
    """Write the tree below root/subfolder; returns files()."""
    top = os.path.join(root, subfolder)
    tree = files()
    for path, data in tree.items():
        full = os.path.join(top, path)
        os.makedirs(os.path.dirname(full), exist_ok=True)
        with open(full, "wb") as f:
            f.write(data)
        os.utime(full, (MTIME, MTIME))
    return tree
