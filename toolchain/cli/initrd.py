# SPDX-License-Identifier: BSD-2-Clause
"""A folder as a cpio archive in the "newc" format: usage initrd.py FOLDER OUT.

The same folder gives the same bytes: entries in the order of their names, owner root, modes 0644 or
0755, no numbers of this machine. Times are the files' own, but none is later than SOURCE_DATE_EPOCH
where that is set. OUT is only written when it changes, so that make need not link again.
"""

import hashlib
import os
import stat
import sys

import words

CHUNK = 1 << 20
SIZE_MAX = (1 << 32) - 1  # eight hexadecimal digits


class Unusable(Exception):
    pass


def align4(size):
    return -size % 4 * b"\0"


def header(number, mode, mtime, size, name):
    links = 2 if stat.S_ISDIR(mode) else 1
    fields = (number, mode, 0, 0, links, mtime, size, 0, 0, 0, 0, len(name) + 1, 0)
    data = b"070701" + b"".join(b"%08x" % field for field in fields) + name + b"\0"
    return data + align4(len(data))


def mode_of(info, path):
    if stat.S_ISLNK(info.st_mode):
        return stat.S_IFLNK | 0o777
    if stat.S_ISDIR(info.st_mode):
        return stat.S_IFDIR | 0o755
    if stat.S_ISREG(info.st_mode):
        return stat.S_IFREG | (0o755 if info.st_mode & 0o100 else 0o644)
    raise Unusable(f"{os.fsdecode(path)} is neither a file nor a folder nor a symbolic link")


def walk(folder, below=b""):
    """(path, name in the archive) of all that is in a folder, each folder before its contents."""
    for name in sorted(os.listdir(os.path.join(folder, below))):
        inside = os.path.join(below, name)
        path = os.path.join(folder, inside)
        yield path, inside
        if os.path.isdir(path) and not os.path.islink(path):
            yield from walk(folder, inside)


def contents(path, mode, size):
    """Pieces of an entry's contents."""
    if stat.S_ISLNK(mode):
        yield os.readlink(path)
        return
    with open(path, "rb") as f:
        left = size
        while left:
            data = f.read(min(left, CHUNK))
            if not data:
                raise Unusable(f"{os.fsdecode(path)} became shorter while it was read")
            left -= len(data)
            yield data


def pieces(folder):
    """The archive of a folder, piece by piece."""
    folder = os.fsencode(folder)
    latest = int(os.environ.get("SOURCE_DATE_EPOCH", SIZE_MAX))
    yield header(1, stat.S_IFDIR | 0o755, min(int(os.stat(folder).st_mtime), latest), 0, b".")
    number = 1
    for path, name in walk(folder):
        info = os.lstat(path)
        mode = mode_of(info, path)
        size = 0 if stat.S_ISDIR(mode) else info.st_size
        if size > SIZE_MAX:
            raise Unusable(f"{os.fsdecode(path)} is larger than 4 GiB")
        number += 1
        yield header(number, mode, max(0, min(int(info.st_mtime), latest)), size, name)
        if size:
            yield from contents(path, mode, size)
            yield align4(size)
    yield header(0, 0, 0, 0, b"TRAILER!!!")


def same(one, other):
    """Whether two files hold the same."""
    try:
        if os.path.getsize(one) != os.path.getsize(other):
            return False
        with open(one, "rb") as a, open(other, "rb") as b:
            while True:
                data = a.read(CHUNK)
                if data != b.read(CHUNK):
                    return False
                if not data:
                    return True
    except FileNotFoundError:
        return False


def pack(folder, out):
    """Write the archive of `folder` to `out`, all of it or nothing."""
    if not os.path.isdir(folder):
        raise Unusable(f"there is no folder {folder}")
    os.makedirs(os.path.dirname(os.path.abspath(out)), exist_ok=True)
    fresh = f"{out}.{os.getpid()}"
    try:
        with open(fresh, "wb") as f:
            for piece in pieces(folder):
                f.write(piece)
        if same(fresh, out):
            os.unlink(fresh)
        else:
            os.replace(fresh, out)
    except BaseException:
        if os.path.exists(fresh):
            os.unlink(fresh)
        raise


def archive(path):
    """What QEMU gets for `pith run --initrd PATH`: the path of an archive, made from a folder."""
    if os.path.isdir(path):
        name = hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()[:16]
        out = os.path.join(words.BUILD, "initrd", name + ".cpio")
        try:
            pack(path, out)
        except (Unusable, OSError) as e:
            raise words.usage(f"--initrd: {e}") from e
        return out
    try:
        with open(path, "rb") as f:
            if f.read(5) != b"07070":
                raise words.usage(f"--initrd: {path} is neither a folder nor a cpio archive in the "
                                  "newc format (uncompressed, `cpio -o -H newc`)")
    except OSError as e:
        raise words.usage(f"--initrd: {path}: {e.strerror}") from e
    return os.path.abspath(path)


def main(folder, out):
    try:
        pack(folder, out)
    except (Unusable, OSError) as e:
        print(f"initrd: {e}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
