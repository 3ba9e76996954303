# SPDX-License-Identifier: BSD-2-Clause
"""A Xen that can migrate PV guests alive, for tests.

For that a hypervisor follows the pages that a guest writes by shadow page tables. The one that Debian
packages is built without them (CONFIG_SHADOW_PAGING, answered by EOPNOTSUPP); this one comes from the
same source with the project's own default, which has them. About 90 s of one CPU, once per build/.
"""

import os
import shutil
import subprocess
import tempfile

import image
import packages
from words import BUILD, TOP, Failure, say

XEN_ELF = os.path.join(BUILD, "xen", "xen-shadow.elf")
CONFIG = "CONFIG_DEBUG=n\nCONFIG_SHADOW_PAGING=y\n"
NEEDS = ["gcc", "make", "ld", "xz", "flex", "bison"]


def ensure():
    """The path of the hypervisor. Errors: Failure."""
    with image.lock("xen-shadow"):
        if not os.path.exists(XEN_ELF):
            make()
    return XEN_ELF


def make():
    packages.ensure(NEEDS)
    fetch = os.path.join(TOP, "toolchain", "fetch.sh")
    tarball = subprocess.run(["sh", fetch, "xen"], check=False, stdout=subprocess.PIPE, text=True)
    if tarball.returncode:
        raise Failure("Xen's source could not be had")
    say("building a Xen with shadow page tables (build/xen/xen-shadow.elf)")
    os.makedirs(os.path.dirname(XEN_ELF), exist_ok=True)
    with tempfile.TemporaryDirectory(dir=os.path.dirname(XEN_ELF)) as scratch:
        subprocess.check_call(["tar", "-xf", tarball.stdout.strip(), "-C", scratch, "--strip-components=1"])
        tree = os.path.join(scratch, "xen")
        with open(os.path.join(tree, ".config"), "w", encoding="ascii") as f:
            f.write(CONFIG)
        log = os.path.join(BUILD, "xen", "xen-shadow.log")
        with open(log, "wb") as said:
            for target in (["olddefconfig"], [f"-j{os.cpu_count()}"]):
                words = ["make", "-C", tree, "XEN_TARGET_ARCH=x86_64", *target]
                if subprocess.call(words, stdin=subprocess.DEVNULL, stdout=said, stderr=said):
                    raise Failure(f"Xen does not build here; see {log}")
        shutil.copy(os.path.join(tree, "xen"), XEN_ELF + ".new")
    os.replace(XEN_ELF + ".new", XEN_ELF)
