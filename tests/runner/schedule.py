# SPDX-License-Identifier: BSD-2-Clause
"""What runs when: one queue for the jobs of all suites, emptied by several workers.

A job is a function job(results) that returns None, or a list of jobs that can be done from then on. How it gets on
with others is said by attributes, which `job()` sets:

    seconds   about how long it takes on an idle machine: the longest goes first (default 1)
    alone     a word of LIMITS: of the jobs with this word no more run at a time than it says there

Jobs of equal length go in the order in which they came.
"""

import os
import threading
import time
import traceback

import image
from results import LOGS
from words import Failure

COMPILING = "compiling"  # what compiles and fetches; it uses all CPUs by itself
XEN = "xen-bed"  # a machine with a Xen in it takes a CPU and two GiB
LIMITS = {COMPILING: 1, XEN: os.cpu_count() or 1}
COMPILING_SECONDS = 900.0  # builds go before tests


class Job:
    """A job with what the queue has to know of it."""

    def __init__(self, function, seconds=1.0, alone="", name=""):
        if alone and alone not in LIMITS:
            raise ValueError(f"{alone} is no word of the schedule's")
        self.function, self.seconds, self.alone, self.name = function, seconds, alone, name

    def __call__(self, results):
        return self.function(results)


def as_job(function):
    return function if isinstance(function, Job) else Job(function)


def built(apps, jobs, name):
    """A job that builds these applications and then has `jobs`."""
    def build(results):
        try:
            image.build(apps, quiet=True)
        except Failure as e:
            results.fail(name, 0, f"{', '.join(app.name for app in apps)}: {e}")
            return []
        return jobs
    return Job(build, COMPILING_SECONDS, COMPILING, name=name)


class Times:
    """Begin and end of each job, in build/test/times.txt, with what each suite has cost."""

    def __init__(self):
        self.began = time.monotonic()
        self.rows = []

    def add(self, name, begin, end):
        self.rows.append((begin - self.began, end - self.began, name))

    def write(self):
        spent, used, end = {}, os.times(), time.monotonic() - self.began
        for begin, until, name in self.rows:
            suite = name.split("/")[0]
            spent[suite] = spent.get(suite, 0.0) + until - begin
        with open(os.path.join(LOGS, "times.txt"), "w", encoding="utf-8") as f:
            f.write(f"# {end:.0f} s; CPU seconds of what has ended: {used.children_user:.0f} user, "
                    f"{used.children_system:.0f} system; the runner's own: {used.user + used.system:.0f}\n")
            for suite, seconds in sorted(spent.items(), key=lambda item: -item[1]):
                f.write(f"# {seconds:7.1f} s in jobs of {suite}\n")
            f.write("# begin, end, seconds, first result\n")
            for begin, until, name in sorted(self.rows):
                f.write(f"{begin:7.1f} {until:7.1f} {until - begin:7.1f} {name}\n")


class Schedule:
    def __init__(self, results, complain=traceback.print_exc):
        self.results, self.complain = results, complain
        self.times = Times()
        self.turn = threading.Condition()  # guards what follows
        self.waiting = []                  # jobs, the next one first
        self.running = []

    def add(self, functions):
        with self.turn:
            self.waiting += [as_job(function) for function in functions]
            self.waiting.sort(key=lambda job: -job.seconds)  # a stable sort
            self.turn.notify_all()

    def may_run(self, job):
        same = sum(other.alone == job.alone for other in self.running)
        return not job.alone or same < LIMITS[job.alone]

    def take(self):
        """The next job; None when there is none and none can come."""
        with self.turn:
            while self.waiting or self.running:
                job = next((job for job in self.waiting if self.may_run(job)), None)
                if job:
                    self.waiting.remove(job)
                    self.running.append(job)
                    return job
                self.turn.wait()
            return None

    def work(self):
        while True:
            job = self.take()
            if job is None:
                return
            begin = time.monotonic()
            self.results.first_name = ""
            more = self.guarded(job)
            with self.turn:
                self.times.add(job.name or self.results.first_name or "?", begin, time.monotonic())
                self.running.remove(job)
            self.add(more)

    def guarded(self, job):
        try:
            return job(self.results) or []
        except Exception as e:  # a broken test is a failure, and the others go on
            name = job.name or getattr(job.function, "__qualname__", "job").replace(".<locals>", "")
            self.complain()
            self.results.fail(f"runner/{name}", 0, f"{type(e).__name__}: {e}")
            return []

    def run(self, jobs, workers):
        self.add(jobs)
        threads = [threading.Thread(target=self.work, daemon=True) for _ in range(workers)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
