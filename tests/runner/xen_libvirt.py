# SPDX-License-Identifier: BSD-2-Clause
"""libvirt with its Xen driver for the bed's dom0: from Debian's packages, in an archive that dom0 unpacks
over its own root when a test asks for it, as xen_qemu.py's.
"""

import glob
import os
import re
import shutil
import tempfile

import debs
import initrd
import xen_dom0
from words import Failure, say

PACKAGES = ("libvirt-daemon", "libvirt-daemon-driver-xen", "libvirt-clients")
LIBRARY = re.compile(r"lib(?!virt-daemon)|zlib")
PROGRAMS = ("/usr/sbin/libvirtd", "/usr/bin/virsh",
            "/usr/lib/x86_64-linux-gnu/libvirt/connection-driver/libvirt_driver_libxl.so")
CPUS = "usr/share/libvirt/cpu_map"
ARCHIVE = os.path.join(xen_dom0.FOLDER, "libvirt.cpio")
DRIVERS = "/" + os.path.dirname(PROGRAMS[2])

START = rf"""
printf 'auth_unix_rw = "none"\nlog_outputs = "3:file:/share/log/libvirtd.log"\n' >/run/libvirtd.conf
libvirtd -d -p /run/libvirtd.pid -f /run/libvirtd.conf || exit 1
tries=0
until virsh -q -c xen:///system version; do
    tries=$((tries + 1))
    [ $tries -lt 30 ] || {{ cat /share/log/libvirtd.log; exit 1; }}
    usleep 500000
done
"""


def package_names():
    names = set(PACKAGES)
    for package in PACKAGES:
        names.update(n for n in debs.depends(package, recurse=True) if LIBRARY.match(n))
    return sorted(names)


def put_processors(tree, root):
    """libvirt's processors, none of which needs VME: QEMU's TCG has no VME, and libvirt does not start
    where it knows no processor at all."""
    shutil.copytree(os.path.join(tree, CPUS), os.path.join(root, CPUS))
    for path in glob.glob(os.path.join(root, CPUS, "x86_*.xml")):
        if not path.endswith("features.xml"):
            with open(path, encoding="utf-8") as f:
                text = f.read()
            with open(path, "w", encoding="utf-8") as f:
                f.write(re.sub(r" *<feature name='vme'/>\n", "", text))


def make():
    debs.need_tools("libvirt for Xen's dom0")
    paths = debs.download(package_names(), xen_dom0.DEBS)
    say("making the libvirt of the Xen bed")
    with tempfile.TemporaryDirectory(dir=xen_dom0.FOLDER) as scratch:
        tree, root = os.path.join(scratch, "tree"), os.path.join(scratch, "root")
        debs.unpack(paths, tree)
        for path in PROGRAMS:
            if not os.path.exists(tree + path):
                raise Failure(f"Debian's libvirt has no {path}")
        xen_dom0.put_libraries(tree, root, [xen_dom0.put(tree, root, path) for path in PROGRAMS])
        shutil.rmtree(os.path.join(root, "lib64"))  # dom0 has the loader
        put_processors(tree, root)
        for folder in ("etc", "var/lib/libvirt", "var/cache/libvirt", "var/log/libvirt/libxl"):
            os.makedirs(os.path.join(root, folder))
        for name, line in (("passwd", "root:x:0:0:root:/:/bin/sh"), ("group", "root:x:0:")):
            with open(os.path.join(root, "etc", name), "w", encoding="ascii") as f:
                f.write(line + "\n")
        initrd.pack(root, ARCHIVE)


def start(host):
    """Have libvirtd run in the dom0 of a XenHost; what virsh says of versions, in one line: its version."""
    if not os.path.exists(ARCHIVE):
        make()
    there = host.put(ARCHIVE)
    host.run(f"cd / && cpio -i -u <{there} 2>/dev/null; status=$?; rm {there}; exit $status")
    said = host.run(START)[1]
    return ", ".join(re.findall(r"^Using library: (.*)$", said, re.MULTILINE))


def stop(host):
    host.run("kill $(cat /run/libvirtd.pid)", check=False)


def virsh(host, words):
    """What it says. Errors: Failure, with what the driver's logs tell."""
    status, said = host.run(f"virsh -q -c xen:///system {words}", check=False)
    if status:
        logs = host.run("grep -hi error /var/log/libvirt/libxl/*.log /share/log/libvirtd.log", check=False)[1]
        raise Failure(f"virsh {words}: {said.strip()[-300:]}; {logs.strip()[-600:]}")
    return said
