# SPDX-License-Identifier: BSD-2-Clause
"""`pith run --disk FILE:PATH`: a file system on a disk, for a program that keeps a list of its starts there."""

import os
import shutil
import stat
import subprocess
import tempfile

import disk_option
from pith_command import TCG, Wrong, expect, pith
from words import TOP, USAGE, Failure

# Appends a word to a file and prints the file; the status is errno where it can't.
PROGRAM = r"""
#include <errno.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    FILE *f = fopen(argv[1], argc > 2 ? "a+" : "r");
    char line[80];
    if (f == NULL || (argc > 2 && (fprintf(f, "%s\n", argv[2]) < 0 || fflush(f) != 0))) {
        return errno;
    }
    rewind(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        fputs(line, stdout);
    }
    return fclose(f) == 0 ? 0 : errno;
}
"""
EROFS = 30


class Folder:
    """The program, with a folder for disks beside it."""

    def __init__(self, mounts):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "keeper")
        os.mkdir(self.path)
        self.write("keeper/main.c", PROGRAM)
        self.write("keeper/app.mk", f"app_mounts := {mounts}\n")

    def write(self, name, text):
        with open(self.file(name), "w", encoding="ascii") as f:
            f.write(text)

    def file(self, name):
        return os.path.join(self.folder.name, name)

    def run(self, words, *args):
        return pith("run", self.path, *TCG, *words, "--", *args, timeout=120)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(os.path.join(TOP, "build", "outside" + os.path.realpath(self.path)), ignore_errors=True)
        self.folder.cleanup()


def words():
    """How --disk is read; a file's name may have anything in it."""
    with tempfile.TemporaryDirectory() as folder:
        plain, odd = (os.path.join(folder, name) for name in ("a.img", "b:data:ro"))
        for path in (plain, odd):
            with open(path, "wb"):
                pass
        for word, want in ((plain, (plain, "", [])), (odd, (odd, "", [])), (odd + ":/x/y/", (odd, "/x/y", [])),
                           (plain + ":ro", (plain, "", ["ro"])), (plain + ":/d:ro,discard", (plain, "/d", ["ro", "discard"]))):
            got = disk_option.parse(word)
            if got != want:
                raise Wrong(f"{word} is read as {got}")
        for word, said in ((plain + ":data", "write it like"), (plain + ":/", "write it like"), (plain + ":discard", "write it like"),
                           (plain + ":/a:/b", "write it like"), (plain + ":/a:rw,no", "write it like"),
                           (plain + "x:/a", "there is no file " + plain + "x"), ("", "which file"), (":ro", "there is no file")):
            try:
                raise Wrong(f"{word} is read as {disk_option.parse(word)}")
            except Failure as e:
                if said not in str(e):
                    raise Wrong(f"{word}: {e}") from e


def mistakes():
    with Folder("9p") as app:
        made = app.file("data.img")
        expect(pith("mkdisk", made, "--size", "4M"), 0)
        expect(app.run(["--disk", made + ":/data"], "/data/x"), USAGE, b"", "add `ext4` to `app_mounts :=` in its app.mk")
        empty = app.file("empty.img")
        with open(empty, "wb") as f:
            f.truncate(1 << 20)
        expect(app.run(["--disk", empty + ":/data"]), USAGE, b"", "no ext4 file system on " + empty + "; `pith mkdisk` makes one")
        with open(empty, "r+b") as f:
            f.seek(510)
            f.write(b"\x55\xaa")
        expect(app.run(["--disk", empty + ":/data"]), USAGE, b"", "has partitions; name one")
        for more in (["--disk", made + ":/data"], ["--share", TOP + ":/data/:ro"]):
            expect(app.run(["--disk", made + ":/data", *more]), USAGE, b"", "something else is at /data")
        expect(app.run(["--disk", app.file("none.img") + ":/data"]), USAGE, b"", "there is no file " + app.file("none.img"))
        expect(app.run(["--disk", made + ":data"]), USAGE, b"", "write it like FILE, FILE:/data or FILE:/data:ro")
        expect(pith("run", app.path, "--on", "xen-pv-dom0", "--disk", made + ":/data"), USAGE, b"", "has no disk")


def keeps():
    """Two runs, a disk that may not be written, and Linux' tools afterwards."""
    with Folder("9p ext4") as app:
        made, other = app.file("a disk, of mine.img"), app.file("other.img")
        for path in (made, other):
            expect(pith("mkdisk", path, "--size", "4M"), 0)
        two = ["--disk", made + ":/data", "--disk", other + ":/mnt/two:discard"]
        expect(app.run(two, "/data/list", "one"), 0, b"one\n")
        expect(app.run(two, "/data/list", "two"), 0, b"one\ntwo\n")
        expect(app.run(two, "/mnt/two/list", "three"), 0, b"three\n")
        with open(made, "rb") as f:
            before = f.read()
        expect(app.run(["--disk", made + ":/data:ro"], "/data/list"), 0, b"one\ntwo\n")
        expect(app.run(["--disk", made + ":/data:ro"], "/data/list", "three"), EROFS, b"")
        expect(app.run(["--readonly", "--disk", made + ":/data"], "/data/list", "three"), EROFS, b"")
        os.chmod(made, stat.S_IRUSR)
        if os.geteuid():  # root may write all the same
            expect(app.run(["--disk", made + ":/data"], "/data/list", "three"), EROFS, b"", "is not writable")
        with open(made, "rb") as f:
            if f.read() != before:
                raise Wrong("a disk that is read-only was written")
        for path, name, want in ((made, "list", b"one\ntwo\n"), (other, "list", b"three\n")):
            subprocess.run(["/usr/sbin/e2fsck", "-fn", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
            text = subprocess.run(["/usr/sbin/debugfs", "-R", "cat /" + name, path], check=True, stdout=subprocess.PIPE,
                                  stderr=subprocess.DEVNULL).stdout
            if text != want:
                raise Wrong(f"Linux finds {text} in {path}")


TESTS = {"disk-words": words, "disk-mistakes": mistakes, "disk-keeps": keeps}
