# SPDX-License-Identifier: BSD-2-Clause
"""`pith bench`: committed instruction counts still hold, and the kit measures and tells.

Boot and primitives are exact, so they are compared with tests/bench/counts.json on every run: five in
a hundred either way, since a gain that nobody writes down hides the next loss. So are network and disk,
where 15 in a hundred of the median of five short measurements are for how packets happen to meet.
"""

import contextlib
import io
import json
import os
import time

import bed
import pith_command
from bench import against, frame, hello, page, path, prim, report
from results import log_path
from words import TOP, Failure

COUNTS = os.path.join(TOP, "tests", "bench", "counts.json")
RECORD = "if that is meant: ./pith bench %s --record"
SLACK_ABSOLUTE = 3  # of the smallest exact ones


def keeps(*modules):
    """What is measured now is what is committed."""
    with open(COUNTS, encoding="utf-8") as f:
        wanted = json.load(f)
    wrong = []
    for module in modules:
        found = module.run(frame.Bench(quick=True, sides=("pith",)))
        for measure, want in wanted.get(module.NAME, {}).items():
            have = found.median("Pith", measure)
            exact = module.NAME in against.EXACT_WORKLOADS
            slack = against.allowed(module.NAME, measure) * want
            if have is None or abs(have - want) > (max(slack, SLACK_ABSOLUTE) if exact else slack):
                wrong.append(f"{measure}: {have and report.spread(found.values['Pith'][measure])}, committed are {want}")
        wrong += [f"{measure}: not in {os.path.relpath(COUNTS, TOP)}" for measure in found.measures()
                  if measure not in wanted.get(module.NAME, {})]
    names = " ".join(module.NAME for module in modules)
    return "; ".join(wrong) + f" ({RECORD % names})" if wrong else None


# ---- telling ----

def example(factor=1.0):
    result = frame.Result("khttp", "an example")
    for _ in range(3):
        result.add("Pith", {"c1 requests/s": 1000 / factor, "c1 p50 us": 50 * factor, "c1 p99 us": 90 * factor,
                            "c1 instructions/request": 4000 * factor})
        result.add("Linux", {"c1 requests/s": 250, "c1 p50 us": 200, "c1 p99 us": 900})
    return result


class Workload:
    TARGETS = {"c1 instructions/request": 4000}
    RATIOS = {"c1 requests/s": 5}
    XEN_RATIOS = {"c1 requests/s": 1.5}


def tells():
    rows = {row[0]: row[1:] for row in report.columns(Workload, example())}
    want = {"c1 requests/s": ["1,000", "250", "4.00", "5 x Linux", "NO"],
            "c1 p99 us": ["90", "900", "10.00", "", ""],
            "c1 instructions/request": ["4,000", "", "", "4,000", "yes"]}
    for measure, row in want.items():
        if rows[measure] != row:
            return f"{measure}: {rows[measure]}, not {row}"
    there = example()
    there.platform = "xen-pv"  # whose instructions are the whole machine's
    rows = {row[0]: row[-2:] for row in report.columns(Workload, there)}
    if rows["c1 requests/s"] != ["1.5 x Linux", "yes"] or rows["c1 instructions/request"] != ["", ""]:
        return f"on Xen: {rows}"
    for factor, worse in ((1.0, 0), (1.05, 0), (2.0, 4), (0.5, 0), (1.2, 1)):
        with contextlib.redirect_stdout(io.StringIO()):
            found = against.compare([example(factor)], [example()])
        if found != worse:
            return f"{factor} times the cost: {found} measures are worse, not {worse}"
    shown = log_path("bench", "example.html")
    kept = log_path("bench", "example.json")
    facts = frame.save([example()], frame.Bench(), kept)
    if vars(frame.load(kept)[1][0]) != vars(example()):
        return "what was saved is read back different"
    page.write(shown, facts, [example()], {"khttp": Workload})
    with open(shown, encoding="utf-8") as f:
        text = f.read()
    for piece in ("<svg", "polyline", "5 x Linux", "c1 requests/s"):
        if piece not in text:
            return f"the page has no {piece}"
    return None


# ---- the kit itself ----

def measures():
    """Short turns of the network's workloads on Pith: every measure has a value, no request failed."""
    out = log_path("bench", "kit.json")
    got = pith_command.pith("bench", "khttp", "tcp", "udp", "frames", "stages", "--quick", "--sides", "pith", "--out", out, timeout=300)
    if got.returncode != 0:
        return f"status {got.returncode}: {got.stderr.decode(errors='replace')[-300:]}"
    for result in frame.load(out)[1]:
        for measure in result.measures():
            value = result.median("Pith", measure)
            if (value or 0) <= 0 and frame.unit(measure) != "lost" or frame.unit(measure) == "failed":
                return f"{result.name}: {measure} is {value}"
    return None


def jobs(wanted, full, results):
    found = []

    def add(name, function):
        if wanted and name not in wanted:
            return

        def job(to):
            began = time.monotonic()
            try:
                why = function()
            except Failure as e:
                why = str(e)
            to.check(f"bench/{name}", time.monotonic() - began, why)
        found.append(job)

    add("counts", lambda: keeps(hello, prim))
    add("report", tells)
    for name, function, always in (("path", lambda: keeps(path), True), ("measures", measures, False)):
        if not (always and not wanted or full or name in wanted):
            continue
        why = bed.why_not()
        if why:
            results.skip(f"bench/{name}", 0, why)
        else:
            add(name, function)
    return found
