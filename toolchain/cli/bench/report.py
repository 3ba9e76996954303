# SPDX-License-Identifier: BSD-2-Clause
"""What a run has found, as tables for a terminal: medians, spread, ratios, targets."""

import statistics

from bench import frame, plugin

FUNCTIONS = 80  # of a profile, that are listed


def number(value):
    """Readable at any size: 0.234, 12.3, 4,567."""
    if value is None:
        return ""
    if abs(value) >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(values):
    """'median', or 'median (least..most)' of several that differ."""
    if not values:
        return ""
    middle = number(statistics.median(values))
    if len(values) == 1 or min(values) == max(values):
        return middle
    return f"{middle} ({number(min(values))}..{number(max(values))})"


def verdict(workload, result, measure):
    """(target in words, whether it is met or None) of a measure of Pith's."""
    ours, linux = result.median("Pith", measure), result.median("Linux", measure)
    if ours is None:
        return "", None
    on_xen = result.platform.startswith("xen-")
    # On Xen instructions are those of the whole machine.
    targets, ratios = ("", "XEN_RATIOS") if on_xen else ("TARGETS", "RATIOS")
    if measure in getattr(workload, targets, {}):
        target = getattr(workload, targets)[measure]
        met = ours >= target if frame.more_is_better(measure) else ours <= target
        return number(target), met
    if measure in getattr(workload, ratios, {}) and linux:
        target = getattr(workload, ratios)[measure]
        return f"{target} x Linux", (frame.better(measure, ours, linux) or 0) >= target
    return "", None


def columns(workload, result):
    """Rows of words: the heading, then one row for each measure."""
    sides = list(result.values)
    peers = getattr(workload, "PEERS", {})
    heading = ["", *sides] + [f"against {side}" for side in sides[1:]] + ["target", "met"]
    rows = [heading + (["best peer"] if peers else [])]
    for measure in result.measures():
        row = [measure] + [spread(result.values[side].get(measure)) for side in sides]
        for side in sides[1:]:
            ratio = frame.better(measure, result.median("Pith", measure), result.median(side, measure))
            row.append(f"{ratio:.2f}" if ratio else "")
        target, met = verdict(workload, result, measure)
        row += [target, "" if met is None else "yes" if met else "NO"]
        rows.append(row + ([peers.get(measure, "")] if peers else []))
    return rows


def profile_lines(measure, functions):
    """Where Pith's instructions go, by room and by function."""
    whole = sum(instructions for instructions, _ in functions.values())
    yield f"where Pith's instructions go: {measure}, {number(whole)} in the last turn"
    for room, instructions in plugin.by_room(functions):
        yield f"  {instructions:12,.3f} {instructions / whole:6.1%}  {room}"
    yield "  instructions        calls"
    for name, (instructions, calls) in list(functions.items())[:FUNCTIONS]:
        yield f"  {instructions:12,.3f} {instructions / whole:6.1%} {calls:10,.3f}  {name}"


def table(workload, result):
    rows = columns(workload, result)
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print(f"\n{result.name} on {result.platform}: {result.title} ({result.seconds:.0f} s)")
    for row in rows:
        line = "  " + row[0].ljust(widths[0])
        for word, width in zip(row[1:], widths[1:]):
            line += "  " + word.rjust(width)
        print(line.rstrip())
    for measure, functions in result.profiles.items():
        print("\n" + "\n".join("  " + line for line in profile_lines(measure, functions)))
