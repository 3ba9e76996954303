# SPDX-License-Identifier: BSD-2-Clause
"""Runs the tests: what `pith test` calls. One result per line, a sum as the last one.

A suite is a function jobs(wanted, full, results) that builds and installs what its tests need and returns them as
jobs (tests/runner/schedule.py). `wanted` are the names behind the suite's ("guest/trap" wants "trap"), empty for all.
To prepare a suite is a job of the common queue, too: its tests begin while the next suite is being prepared.
"""

import os
import sys

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
import image  # noqa: E402
import nginx  # noqa: E402
import programs  # noqa: E402
import scripts  # noqa: E402
import suite as net  # noqa: E402
import torture  # noqa: E402
import xen_guests  # noqa: E402
from results import Results  # noqa: E402
from schedule import COMPILING, COMPILING_SECONDS, Job, Schedule  # noqa: E402
from words import Failure, usage  # noqa: E402

# In the order in which they are prepared: first those with nothing to prepare, so that there is something to do beside
# the builds, then those with long tests. Of the rest are many short ones that fill what is left.
SUITES = {
    "unit": scripts.unit_jobs,
    "checks": scripts.check_jobs,
    "toolchain": scripts.script_jobs("toolchain", "toolchain/test/run.sh"),
    "xen": xen_guests.jobs,
    "programs": programs.jobs,
    "docs": docs.jobs,
    "net": net.jobs,
    "torture": torture.jobs,
    "apps": apps.jobs,
    "conform": conform.jobs,
    "boot": boot.jobs,
    "bench": benches.jobs,
    "guest": guests.jobs,
    "nginx": nginx.jobs,
    "cli": commands.jobs,
}
UNPREPARED = {"unit"}  # suites that can begin without the toolchain
LATE = {"apps", "conform", "boot", "guest", "nginx", "cli"}
# In words of the queue, seconds: before and after the builds that follow from a preparation.
PREPARATION, LATE_PREPARATION = 2 * COMPILING_SECONDS, COMPILING_SECONDS / 2


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


def preparation(suite, wanted, full, named):
    """A job that makes the suite's jobs."""
    def job(results):
        try:
            found = SUITES[suite](wanted, full, results)
        except Failure as e:
            results.fail(suite, 0, e)
            return []
        if not found and not wanted and not results.names_of(suite):
            say = results.fail if named else results.skip
            say(suite, 0, f"all of its tests are in the full run: ./pith test full {suite}")
        return found
    return Job(job, LATE_PREPARATION if suite in LATE else PREPARATION, "" if suite in UNPREPARED else COMPILING,
               name=suite + "/(preparation)")


def toolchain(after):
    """A job that builds what everything else is built with; `after` are the jobs that follow it."""
    def job(results):
        try:
            image.make(["all"])
        except Failure as e:
            results.fail("make", 0, e)
            return []
        return after
    return Job(job, PREPARATION, COMPILING, name="make/all")


def absent(chosen, full, results):
    """What was asked for by name and has no result."""
    for suite, wanted in chosen.items():
        have = results.names_of(suite)
        for name in sorted(wanted):
            if suite not in have and not any(n.startswith(f"{suite}/{name}") for n in have):
                more = "" if full else f"; a full run has more: ./pith test full {suite}/{name}"
                results.fail(f"{suite}/{name}", 0, "no test of this name was run" + more)


def run(words, jobs_at_once):
    full = "full" in words
    chosen = select([w for w in words if w != "full"])
    results = Results()
    jobs = {suite: preparation(suite, chosen[suite], full, suite in words) for suite in SUITES if suite in chosen}
    schedule = Schedule(results)
    schedule.run([job for suite, job in jobs.items() if suite in UNPREPARED] +
                 [toolchain([job for suite, job in jobs.items() if suite not in UNPREPARED])], jobs_at_once)
    schedule.times.write()
    absent(chosen, full, results)
    return results.finish()
