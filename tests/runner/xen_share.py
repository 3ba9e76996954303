# SPDX-License-Identifier: BSD-2-Clause
"""Folders of dom0 in guests of a real Xen: tests/guest/share over 9pfront, saved and restored meanwhile.

The folders lie in dom0's own memory, since its server can't read from the bed's shared folder into the
pages of a guest; what the guest has left there is copied out and compared as on QEMU.
"""

import importlib.util
import os
import shutil
from types import SimpleNamespace

import xen_qemu
from words import TOP
from xen_site import expect

APP = os.path.join("tests", "guest", "share")
ARGS = ("100", "coarse", "16")
FOLDERS = ("folder", "readonly", "small")
SECONDS = 240  # on a busy machine
MOVES = 2


def host_part():
    spec = importlib.util.spec_from_file_location("host_share", os.path.join(TOP, APP, "host.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def give_folders(site, host):
    """Make the folders here, and copy them to where dom0's server can read them."""
    scratch = os.path.join(site.host.share, "files", "shares")
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    run = SimpleNamespace(dir=scratch, case=SimpleNamespace(name="xen", args=ARGS), cleanup=[],
                          machine=SimpleNamespace(shares=[]))
    host.prepare(run)
    site.host.run("rm -rf /shares && mkdir /shares && cp -a "
                  + " ".join(f"/share/files/shares/{name}" for name in FOLDERS) + " /shares")
    shutil.rmtree(scratch)
    return run


def result(site, run):
    """What the guest has made of the first folder, as far as a copy can tell."""
    run.folder = os.path.join(site.host.share, "files", "shared")
    said = site.host.run("cd /shares/folder && tail -c 7 sparse | tr '\\0' 0 && echo && rm sparse fifo && "
                         "rm -rf /share/files/shared && cp -a . /share/files/shared && ls /shares/readonly")[1]
    expect(said.split() == ["0000end", "kept"], f"dom0 says {said!r}")


def share(app):
    """The test: everything that files are used for, while the machine is saved and restored."""
    def test(site):
        host = host_part()
        xen_qemu.put(site.host)
        run = give_folders(site, host)
        config = [f"tag=share{n},path=/shares/{name},security_model=none" for n, name in enumerate(FOLDERS)]
        options = ["mount=/share:share0:9p", "mount=/ro:share1:9p,ro", "mount=/small:share2:9p"]
        name = site.create("share", app.elf, options, ARGS, p9=config)
        site.says(name, "^host, please", SECONDS)
        for _ in range(MOVES):
            site.host.restore(site.host.save(name))
            site.lives(name)
        site.host.run("cd /shares/folder && echo 'more from the host' >>live && mv moved moved2 && : >go")
        site.says(name, "^checks: .*", SECONDS)
        said = site.host.console(name)
        site.ends(name, "poweroff")
        expect(", 0 failed" in said, said[-600:])
        result(site, run)
        problems = [problem(run) for problem in (host.many_problem, host.big_problem, host.names_problem,
                                                 host.appends_problem)]
        expect(problems == [None] * 4, f"{problems}")
        site.host.run("rm -rf /shares /share/files/shared")
        return f"{said.count(chr(10) + 'ok ')} checks, {MOVES} times saved and restored"
    return test
