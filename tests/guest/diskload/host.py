# SPDX-License-Identifier: BSD-2-Clause
"""The load's disk: made by mke2fs, and clean for e2fsck after it."""

import subprocess


def tool(*words):
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
                          text=True)
    return None if done.returncode == 0 else f"{' '.join(words)}: {done.returncode}\n{done.stdout[-1000:]}"


def prepare(run):
    problem = tool("mke2fs", "-t", "ext4", "-q", "-F", "-J", "size=4", run.machine.disks[0].path)
    if problem:
        raise ValueError(problem)


def verify(run):
    yield "e2fsck", tool("e2fsck", "-fn", run.machine.disks[0].path)
