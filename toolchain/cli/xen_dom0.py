# SPDX-License-Identifier: BSD-2-Clause
"""The dom0 of the Xen bed: a Linux kernel and an initramfs with Xen's toolstack, from Debian's packages.

Everything lies in build/xen: debs/ as fetched, and what was made of them with a stamp of its inputs.
The initramfs holds what a boot needs and no more, since all of it is copied twice while booting; it
is not compressed, because unpacking would be the guest's work and loading it is the host's.
"""

import glob
import hashlib
import lzma
import os
import re
import shutil
import struct
import subprocess
import tempfile

import debs
import image
import initrd
import xen
from words import BUILD, Failure, say

FOLDER = os.path.join(BUILD, "xen")
DEBS = os.path.join(FOLDER, "debs")
HERE = os.path.dirname(os.path.abspath(__file__))
KERNEL = os.path.join(FOLDER, "dom0-vmlinux")
ARCHIVE = os.path.join(FOLDER, "dom0.cpio")
LINUX_GUEST = os.path.join(FOLDER, "linux-guest.cpio")
STAMP = os.path.join(FOLDER, "dom0.stamp")

META_KERNEL = "linux-image-amd64"  # the cloud flavour has no dom0 support
TOOL_PACKAGES = ("xen-utils-common", "xenstore-utils", "busybox-static", "bash", "util-linux")
# What the toolstack's libraries come in; a package that none of the programs needs costs a download.
LIBRARY = re.compile(r"lib(xen|yajl|uuid|c6|gcc-s1|tinfo|bz2|lzma|zstd|lzo|fdt|nl|smartcols|mount|blkid)|zlib1g")

# Loaded in this order, each after what it depends on. xenfs wants xen-privcmd before it.
MODULES = ("virtio_pci", "virtio_console", "9pnet_virtio", "9p", "virtio_net", "virtio_blk", "bridge",
           "xen-privcmd", "xenfs", "xen-evtchn", "xen-gntdev", "xen-gntalloc", "loop", "tun",
           "xen-netback", "xen-blkback")
GUEST_MODULES = ("xen-netfront", "xen-blkfront")
PROGRAMS = ("xl", "xenstored", "xenconsoled", "xenconsole", "xen-init-dom0", "libxl-save-helper")
# Of the bed's own, quicker than the packaged ones: for its bridge, and for block devices of dom0.
SCRIPTS = BLOCK_SCRIPT, VIF_SCRIPT = "block-bed", "vif-bed"
LINKED = ("/usr/bin/xenstore", "/usr/bin/flock", "/bin/bash", "/sbin/losetup", "/usr/sbin/losetup")


# ---- the kernel and its modules ----

def vmlinux(bzimage):
    """The ELF inside a bzImage (Documentation/x86/boot.rst, payload_offset): nobody has to unpack it
    under emulation then."""
    with open(bzimage, "rb") as f:
        data = f.read()
    if data[0x202:0x206] != b"HdrS":
        raise Failure(f"{bzimage} is no bzImage")
    offset, length = struct.unpack_from("<II", data, 0x248)
    start = (data[0x1f1] + 1) * 512 + offset
    payload = data[start:start + length]
    if payload[:6] != b"\xfd7zXZ\0":
        raise Failure(f"{bzimage}: its kernel is not packed by xz but begins with {payload[:6].hex()}")
    return without_bss(lzma.LZMADecompressor().decompress(payload))


def without_bss(elf):
    """A kernel whose last segment ends before its zeros, which lie in the file for the sake of a
    loader that we have no use for, and without section headers, which lie behind them: a third less
    to copy for Xen and for xl. (ELF-64: e_phoff at 32, e_shoff at 40, e_phentsize at 54.)"""
    (phoff,) = struct.unpack_from("<Q", elf, 32)
    size, count = struct.unpack_from("<HH", elf, 54)
    loads = [at for at in range(phoff, phoff + size * count, size)
             if struct.unpack_from("<I", elf, at)[0] == 1]
    last = max(loads, key=lambda at: struct.unpack_from("<Q", elf, at + 8)[0])
    offset, filesz = (struct.unpack_from("<Q", elf, last + field)[0] for field in (8, 32))
    data = elf[:offset + filesz].rstrip(b"\0")
    whole = bytearray(data + bytes(-len(data) % 4096))
    struct.pack_into("<Q", whole, last + 32, len(whole) - offset)
    struct.pack_into("<Q", whole, 40, 0)       # e_shoff
    struct.pack_into("<HH", whole, 60, 0, 0)   # e_shnum, e_shstrndx
    return bytes(whole)


def module_paths(tree, names):
    """Paths of kernel modules and of what they depend on, which comes first."""
    found = {os.path.basename(p)[:-3].replace("-", "_"): p
             for p in glob.glob(os.path.join(tree, "lib", "modules", "*", "kernel", "**", "*.ko"),
                                recursive=True)}
    ordered = []

    def add(name):
        path = found.get(name.replace("-", "_"))
        if path is None:
            raise Failure(f"the kernel has no module {name}")
        if path in ordered:
            return
        with open(path, "rb") as f:
            match = re.search(rb"\0depends=([^\0]*)\0", f.read())
        for needed in match[1].decode().split(",") if match and match[1] else []:
            add(needed)
        ordered.append(path)

    for name in names:
        add(name)
    return ordered


def put_modules(tree, root, names):
    os.makedirs(os.path.join(root, "modules"))
    paths = module_paths(tree, names)
    for path in paths:
        shutil.copy(path, os.path.join(root, "modules"))
    with open(os.path.join(root, "modules", "order"), "w", encoding="ascii") as f:
        f.writelines(os.path.basename(path) + "\n" for path in paths)


# ---- programs and libraries ----

def needed(path):
    """Libraries that an ELF file names."""
    done = subprocess.run(["readelf", "-d", path], check=False, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True)
    return re.findall(r"\(NEEDED\).*\[(.*)\]", done.stdout)


def put(tree, root, path):
    """Copy one file, with what its link leads to; the copy's path."""
    target = root + path
    os.makedirs(os.path.dirname(target), exist_ok=True)
    shutil.copy(os.path.realpath(tree + path), target)
    return target


def put_libraries(tree, root, programs):
    found = {}
    for path in glob.glob(os.path.join(tree, "**", "*.so*"), recursive=True):
        found.setdefault(os.path.basename(path), path)
    # pthread_cancel loads it at run time.
    todo, done = [name for p in programs for name in needed(p)] + ["libgcc_s.so.1"], set()
    folder = os.path.join(root, "lib", "x86_64-linux-gnu")
    os.makedirs(folder)
    while todo:
        name = todo.pop()
        if name in done:
            continue
        done.add(name)
        if name not in found:
            raise Failure(f"no package of the bed's dom0 has {name}")
        shutil.copy(os.path.realpath(found[name]), os.path.join(folder, name))
        todo += needed(found[name])
    os.makedirs(os.path.join(root, "lib64"), exist_ok=True)
    os.symlink("/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
               os.path.join(root, "lib64", "ld-linux-x86-64.so.2"))


def put_busybox(tree, root):
    busybox = put(tree, root, "/bin/busybox")
    names = subprocess.run([busybox, "--list"], check=True, stdout=subprocess.PIPE, text=True).stdout
    for name in names.split():
        if not os.path.lexists(os.path.join(root, "bin", name)):
            os.symlink("busybox", os.path.join(root, "bin", name))


def put_tools(tree, root):
    """xl and what it calls, where it looks for them."""
    folder = os.path.relpath(glob.glob(os.path.join(tree, "usr/lib/xen-*/bin/xl"))[0], tree)
    folder = "/" + os.path.dirname(folder)
    programs = [put(tree, root, f"{folder}/{name}") for name in PROGRAMS]
    programs += [put(tree, root, path) for path in LINKED if os.path.exists(tree + path)]
    for path in glob.glob(os.path.join(tree, "usr/bin/xenstore-*")):
        os.symlink("xenstore", os.path.join(root, "usr/bin", os.path.basename(path)))
    shutil.copytree(os.path.join(tree, "etc/xen/scripts"), os.path.join(root, "etc/xen/scripts"))
    for name in SCRIPTS:
        shutil.copy(os.path.join(HERE, "dom0", name), os.path.join(root, "etc/xen/scripts"))
        os.chmod(os.path.join(root, "etc/xen/scripts", name), 0o755)
    with open(os.path.join(root, "etc/xen/xl.conf"), "w", encoding="ascii") as f:
        # dom0 has the memory that Xen's command line gave it.
        f.write(f'autoballoon="off"\nvif.default.script="{VIF_SCRIPT}"\n')
    put_libraries(tree, root, programs)
    put_busybox(tree, root)


# ---- all of it ----

def inputs():
    """What the initramfs is made of, besides the packages."""
    digest = hashlib.sha256()
    for name in ("dom0/init", "dom0/guest", *(f"dom0/{script}" for script in SCRIPTS), "xen_dom0.py"):
        with open(os.path.join(HERE, name), "rb") as f:
            digest.update(f.read())
    return digest.hexdigest() + "\n"


def package_names():
    kernel = [n for n in debs.depends(META_KERNEL) if n.startswith("linux-image-")]
    utils = [n for n in debs.depends("xen-system-amd64") if re.fullmatch(r"xen-utils-[0-9.]+", n)]
    if not kernel or not utils:
        raise Failure(f"apt knows no {META_KERNEL} or no xen-system-amd64")
    libraries = set()
    for name in (utils[0], "xenstore-utils", "bash", "util-linux"):
        libraries.update(n for n in debs.depends(name, recurse=True) if LIBRARY.match(n))
    return kernel + utils + list(TOOL_PACKAGES) + sorted(libraries)


def make():
    debs.need_tools("Xen's dom0")
    paths = debs.download(package_names(), DEBS)
    say("making the dom0 of the Xen bed")
    with tempfile.TemporaryDirectory(dir=FOLDER) as scratch:
        tree, root, guest = (os.path.join(scratch, name) for name in ("tree", "root", "guest"))
        debs.unpack(paths, tree)
        with open(KERNEL + ".new", "wb") as f:
            f.write(vmlinux(glob.glob(os.path.join(tree, "boot", "vmlinuz-*"))[0]))
        os.replace(KERNEL + ".new", KERNEL)
        for folder in ("proc", "sys", "dev", "run", "tmp", "var/log"):
            os.makedirs(os.path.join(root, folder))
        put_tools(tree, root)
        put_modules(tree, root, MODULES)
        shutil.copy(os.path.join(HERE, "dom0", "init"), os.path.join(root, "init"))
        initrd.pack(root, ARCHIVE)
        for folder in ("proc", "sys", "dev"):
            os.makedirs(os.path.join(guest, folder))
        put_busybox(tree, guest)
        put_modules(tree, guest, GUEST_MODULES)
        shutil.copy(os.path.join(HERE, "dom0", "guest"), os.path.join(guest, "init"))
        initrd.pack(guest, LINUX_GUEST)


def ensure():
    """(Xen, dom0's kernel, its initramfs), made anew when what they are made of has changed."""
    xen_elf = xen.ensure()
    with image.lock("xen-dom0"):
        if not current():
            make()
            with open(STAMP, "w", encoding="ascii") as f:
                f.write(inputs())
    return xen_elf, KERNEL, ARCHIVE


def current():
    try:
        with open(STAMP, encoding="ascii") as f:
            return f.read() == inputs() and all(map(os.path.exists, (KERNEL, ARCHIVE, LINUX_GUEST)))
    except FileNotFoundError:
        return False
