# SPDX-License-Identifier: BSD-2-Clause
"""The same program on Linux: what the guest is asked for is what Linux does."""

import glob
import os
import shutil
import subprocess
import tempfile

BED = "tcg-microvm"  # once per run is enough


def verify(run):
    if run.bed.name != BED or run.case.name != "all":
        return
    here = os.path.dirname(os.path.abspath(__file__))
    program = os.path.join(run.dir, "linux")
    subprocess.run(["gcc", "-O1", "-g", "-Wall", "-pthread", "-o", program]
                   + sorted(glob.glob(os.path.join(here, "*.c"))), check=True)
    folder = tempfile.mkdtemp(prefix="pith-files-")
    try:
        done = subprocess.run([program, os.path.join(folder, "t")], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    failed = [line for line in done.stdout.splitlines() if line.startswith("FAIL")]
    yield "linux", "; ".join(failed) or (None if done.returncode == 0 else done.stdout[-300:])
