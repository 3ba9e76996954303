# SPDX-License-Identifier: BSD-2-Clause
"""QEMU for the Xen bed's dom0, which serves the folders of xl's p9=: from Debian's package, with all the
libraries that it loads, in an archive that dom0 unpacks over its own root when somebody asks for it.

It is as large as the rest of dom0 and is needed by few tests; so it is no part of the initramfs.
"""

import os
import shutil
import tempfile

import debs
import initrd
import xen_dom0
from words import Failure, say

PACKAGE = "qemu-system-xen"
PROGRAM = "/usr/libexec/xen-qemu-system-i386"  # where Debian's xl looks for it
ARCHIVE = os.path.join(xen_dom0.FOLDER, "qemu.cpio")
# No server of PV devices shows a screen, boots a machine or has a sound.
WITHOUT = ("qemu-system-data", "seabios", "ipxe-qemu")


def package_names():
    names = set()
    for name in debs.depends(PACKAGE):
        if name not in WITHOUT:
            names.update([name, *debs.depends(name, recurse=True)])
    return [PACKAGE] + sorted(n for n in names if n.startswith(("lib", "zlib")) and "-dev" not in n)


def make():
    debs.need_tools("QEMU for Xen's dom0")
    paths = debs.download(package_names(), xen_dom0.DEBS)
    say("making the QEMU of the Xen bed")
    with tempfile.TemporaryDirectory(dir=xen_dom0.FOLDER) as scratch:
        tree, root = os.path.join(scratch, "tree"), os.path.join(scratch, "root")
        debs.unpack(paths, tree)
        if not os.path.exists(tree + PROGRAM):
            raise Failure(f"{PACKAGE} has no {PROGRAM}")
        xen_dom0.put_libraries(tree, root, [xen_dom0.put(tree, root, PROGRAM)])
        shutil.rmtree(os.path.join(root, "lib64"))  # dom0 has the loader
        # xl asks for VNC even of one that has no screen, and that for a keyboard.
        os.makedirs(os.path.join(root, "usr/share/qemu/keymaps"))
        with open(os.path.join(root, "usr/share/qemu/keymaps/en-us"), "wb"):
            pass
        initrd.pack(root, ARCHIVE)


def put(host):
    """Have it in the dom0 of a XenHost, whose xl then serves p9= of xl.cfg(5)."""
    there = host.put(ensure())
    host.run(f"cd / && cpio -i -u <{there} 2>/dev/null; status=$?; rm {there}; exit $status")


def ensure():
    """The archive's path here."""
    if not os.path.exists(ARCHIVE):
        make()
    return ARCHIVE
