# SPDX-License-Identifier: BSD-2-Clause
"""Runs the tests: what `pith test` calls. One result per line, a sum as the last one.

A suite is a function jobs(wanted, full, results) that returns functions job(results); two of them run
side by side. `wanted` are the names behind the suite's ("guest/trap" wants "trap"), empty for all.
"""

import os
import queue
import sys
import threading
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "runner"), os.path.join(HERE, "net"),
                os.path.join(os.path.dirname(HERE), "toolchain", "cli")]

import apps  # noqa: E402
import benches  # noqa: E402
import boot  # noqa: E402
import commands  # noqa: E402
import conform  # noqa: E402
import docs  # noqa: E402
import guests  # noqa: E402
import nginx  # noqa: E402
import programs  # noqa: E402
import scripts  # noqa: E402
import suite as net  # noqa: E402
import torture  # noqa: E402
import xen_guests  # noqa: E402
from results import Results  # noqa: E402
from words import Failure, usage  # noqa: E402

SUITES = {
    "unit": scripts.unit_jobs,
    "checks": scripts.check_jobs,
    "toolchain": scripts.script_jobs("toolchain", "toolchain/test/run.sh"),
    "docs": docs.jobs,
    "apps": apps.jobs,
    "programs": programs.jobs,
    "nginx": nginx.jobs,
    "boot": boot.jobs,
    "bench": benches.jobs,
    "guest": guests.jobs,
    "net": net.jobs,
    "conform": conform.jobs,
    "torture": torture.jobs,
    "xen": xen_guests.jobs,
    "cli": commands.jobs,
}


def select(words):
    """{suite: wanted names} of the words of the command line."""
    chosen = {}
    for word in words or SUITES:
        suite, _, name = word.partition("/")
        if suite not in SUITES:
            raise usage(f"there is no suite '{suite}'; they are {', '.join(SUITES)}, and `full`")
        wanted = chosen.setdefault(suite, set())
        if name:
            wanted.add(name)
    return chosen


def guarded(job, results):
    try:
        job(results)
    except Exception as e:  # a broken test is a failure, and the others go on
        name = getattr(job, "__qualname__", "job").replace(".<locals>", "")
        traceback.print_exc()
        results.fail(f"runner/{name}", 0, f"{type(e).__name__}: {e}")


def work(todo, results):
    while True:
        try:
            job = todo.get_nowait()
        except queue.Empty:
            return
        guarded(job, results)


def run(words, jobs_at_once):
    full = "full" in words
    chosen = select([w for w in words if w != "full"])
    results = Results()
    for suite, jobs in SUITES.items():
        if suite not in chosen:
            continue
        todo = queue.Queue()
        try:
            for job in jobs(chosen[suite], full, results):
                todo.put(job)
        except Failure as e:
            results.fail(suite, 0, e)
            continue
        if todo.empty() and chosen[suite]:
            results.fail(suite, 0, f"there is no test {', '.join(sorted(chosen[suite]))}")
        workers = [threading.Thread(target=work, args=(todo, results), daemon=True)
                   for _ in range(jobs_at_once)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    return results.finish()
