# SPDX-License-Identifier: BSD-2-Clause
"""The folders of the share test: made before the start, changed meanwhile, compared afterwards."""

import array
import hashlib
import os
import shutil
import subprocess

from machine import Share

BIG = 64 << 20  # or the third argument's MiB
WRITTEN = "guest.bin"


def pattern(run, seed):
    """A big file's bytes, the same as fill() of main.c makes them."""
    size = int(run.case.args[2]) << 20 if len(run.case.args) > 2 else BIG
    return array.array("I", range(seed, seed + size // 4)).tobytes()


def put(path, data, mode=0o644):
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, mode)


def small_tmpfs(run):
    """A folder of 1 MiB, where this host lets us make one."""
    path = os.path.join(run.dir, "small")
    os.makedirs(path)
    words = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", path]
    if run.case.name == "xen" or subprocess.run(words, stderr=subprocess.DEVNULL, check=False).returncode:
        put(os.path.join(path, "unlimited"), b"")
    else:
        run.cleanup.append(lambda: subprocess.run(["umount", "-l", path], check=False))
    return path


def prepare(run):
    run.folder = os.path.join(run.dir, "folder")
    os.makedirs(os.path.join(run.folder, "dir", "sub"))
    if run.case.name == "absent":
        run.machine.shares = []
        run.machine.qemu_args += ["-fsdev", f"local,id=s,path={run.folder},security_model=none", "-device",
                                  "virtio-9p-device,fsdev=s,mount_tag=share0"]
        return
    put(os.path.join(run.folder, "host.txt"), b"from the host\n", 0o640)
    os.utime(os.path.join(run.folder, "host.txt"), ns=(1111111111222333444, 1234567890123456789))
    put(os.path.join(run.folder, "dir", "one"), b"1")
    os.symlink("dir/one", os.path.join(run.folder, "link"))
    os.mkfifo(os.path.join(run.folder, "fifo"))
    put(os.path.join(run.folder, "big.bin"), pattern(run, 7))
    put(os.path.join(run.folder, b"odd \xff\x01\n name".decode("utf-8", "surrogateescape")), b"odd")
    readonly = os.path.join(run.dir, "readonly")
    os.makedirs(readonly)
    put(os.path.join(readonly, "kept"), b"kept")
    run.machine.shares = [Share(run.folder), Share(readonly, "/ro", True), Share(small_tmpfs(run), "/small")]
    if run.case.name == "many":
        run.machine.shares = run.machine.shares[:1]


def beside(run):
    """The host changes what the guest has open, when it says that it is ready."""
    if run.case.name != "files":
        return []
    run.expect("^host, please$", 100)
    with open(os.path.join(run.folder, "live"), "ab") as f:
        f.write(b"more from the host\n")
    os.rename(os.path.join(run.folder, "moved"), os.path.join(run.folder, "moved2"))
    put(os.path.join(run.folder, "go"), b"")
    return []


def verify(run):
    if run.case.name == "absent":
        return [("nothing-written", None if os.listdir(run.folder) == ["dir"] else "the folder has changed")]
    found = [("many", many_problem(run))]
    if run.case.name == "files":
        found += [("big-file", big_problem(run)), ("names", names_problem(run)),
                  ("attributes", attributes_problem(run)), ("sparse", sparse_problem(run)),
                  ("read-only", None if os.listdir(run.machine.shares[1].path) == ["kept"] else "changed"),
                  ("appends", appends_problem(run))]
    shutil.rmtree(run.folder)
    return found


def many_problem(run):
    count = int(run.case.args[0])
    folder = os.path.join(run.folder, "many")
    names = sorted(os.listdir(folder))
    expected = sorted(f"file-{i:05d}" for i in range(count) if i % 2)
    if names != expected:
        return f"{len(names)} files, not {len(expected)}, or other names"
    for name in names:
        with open(os.path.join(folder, name), "rb") as f:
            if f.read() != f"contents of {int(name[5:])}\n".encode():
                return f"{name} has other contents"
    return None


def big_problem(run):
    with open(os.path.join(run.folder, WRITTEN), "rb") as f:
        data = f.read()
    if hashlib.sha256(data).digest() != hashlib.sha256(pattern(run, 99)).digest():
        return f"{len(data)} bytes, and not those that were written"
    return None


def names_problem(run):
    expected = {b"x" * 255, b"\xc3\xa4\xff\xfe", b"new\nline", b" ", b"-rf *", b"back\\slash", b"..."}
    names = set(os.listdir(os.path.join(run.folder, "names").encode()))
    return None if names == expected else f"{names ^ expected}"


def attributes_problem(run):
    st = os.stat(os.path.join(run.folder, "attributes"))
    if st.st_mode & 0o7777 != 0o604:
        return f"mode {st.st_mode:o}"
    if st.st_mtime_ns != 1500000000987654321:
        return f"mtime {st.st_mtime_ns}"
    if os.readlink(os.path.join(run.folder, "symlink")) != "../some/where":
        return "the symbolic link leads elsewhere"
    hard = os.stat(os.path.join(run.folder, "hard1")), os.stat(os.path.join(run.folder, "hard2"))
    return None if hard[0].st_ino == hard[1].st_ino else "no hard link"


def sparse_problem(run):
    path = os.path.join(run.folder, "sparse")
    with open(path, "rb") as f:
        f.seek((5 << 30) - 4)
        tail = f.read()
    return None if tail == b"\0\0\0\0end" else f"at 5 GiB: {tail!r}"


def appends_problem(run):
    with open(os.path.join(run.folder, "appends"), "rb") as f:
        lines = f.read().split(b"\n")[:-1]
    expected = sorted(b"thread %d line %03d" % (t, i) for t in range(4) for i in range(100))
    return None if sorted(lines) == expected else f"{len(lines)} lines, some of them mixed up"
