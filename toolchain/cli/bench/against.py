# SPDX-License-Identifier: BSD-2-Clause
"""Compares a run with an older one and says what got worse."""

from bench import frame, report

# What a count may differ by before it is worth a word: exact ones, and those that depend on how the load's
# packets happen to meet. Times are compared with their spread and this.
EXACT = 0.05
COUNTED = 0.15
TIMED = 0.25
EXACT_WORKLOADS = ("hello", "prim")
KEPT = (*EXACT_WORKLOADS, "path")  # in tests/bench/counts.json


def allowed(name, measure):
    if name in EXACT_WORKLOADS:
        return EXACT
    return COUNTED if frame.is_counted(measure) else TIMED


def overlap(now, before):
    return min(now) <= max(before) and min(before) <= max(now)


def change(name, measure, now, before):
    """How many times better it has become when that is worth a word, else None."""
    ratio = frame.better(measure, report.statistics.median(now), report.statistics.median(before))
    if ratio is None or abs(ratio - 1) <= allowed(name, measure):
        return None
    several = min(len(now), len(before)) > 1 and not frame.is_counted(measure)
    return None if several and overlap(now, before) else ratio


def compare(results, older):
    """Print what has changed for Pith; how many measures got worse."""
    known = {result.name: result for result in older}
    worse = []
    better = []
    for result in results:
        before = known.get(result.name)
        for measure, now in result.values.get("Pith", {}).items():
            then = before.values.get("Pith", {}).get(measure) if before else None
            ratio = change(result.name, measure, now, then) if then else None
            if ratio is not None:
                words = f"  {result.name}: {measure}: {report.spread(then)} -> {report.spread(now)}"
                (worse if ratio < 1 else better).append(words)
    for title, lines in (("better than before", better), ("WORSE than before", worse)):
        if lines:
            print(f"\n{title}")
            print("\n".join(lines))
    if not worse:
        print("\nnothing got worse" + ("" if better else ", nothing better"))
    return len(worse)
