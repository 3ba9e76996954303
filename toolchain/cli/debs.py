# SPDX-License-Identifier: BSD-2-Clause
"""Debian packages taken apart in a folder of ours: nothing of them is installed."""

import glob
import os
import re
import shutil
import subprocess
import sys

import packages
from words import Failure, say


def depends(package, recurse=False):
    """Names that a package depends on; with `recurse` all below them, too."""
    words = ["apt-cache", "depends", "--important"] + (["--recurse"] if recurse else []) + [package]
    done = subprocess.run(words, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return re.findall(r"^ [ |](?:Pre)?Depends: ([^<>\s]+)$", done.stdout, re.MULTILINE)


def need_tools(what):
    """A Failure where packages can't be fetched; brings apt's lists when there are none."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise Failure(f"no apt here to fetch {what} with")
    if not packages.have_lists():
        update()


def update():
    subprocess.call(packages.root_command(["apt-get", "update"]), stdout=sys.stderr)


def download(names, folder):
    """Fetch packages into `folder`; those that are there stay as they are. Their paths, in order."""
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o755)  # apt drops its rights while it downloads

    def absent():
        return [name for name in names if not glob.glob(os.path.join(folder, name + "_*.deb"))]

    for attempt in (1, 2):
        if not absent():
            break
        if attempt == 2:
            update()  # the lists name a version that the archive has replaced
        say("fetching " + " ".join(absent()) + " (unpacked below build/, not installed)")
        subprocess.call(["apt-get", "-q", "-o", "APT::Sandbox::User=root", "download"] + absent(),
                        cwd=folder, stdout=subprocess.DEVNULL, stderr=sys.stderr)
    if absent():
        raise Failure("could not be downloaded: " + " ".join(absent()))
    return [glob.glob(os.path.join(folder, name + "_*.deb"))[0] for name in names]


def unpack(paths, folder):
    os.makedirs(folder, exist_ok=True)
    for path in paths:
        subprocess.check_call(["dpkg-deb", "-x", path, folder])
