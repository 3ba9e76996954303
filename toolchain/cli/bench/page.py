# SPDX-License-Identifier: BSD-2-Clause
"""The report as one HTML file without scripts: tables, bars, latency percentiles, cost against size."""

import html
import json
import re
import shlex

from bench import frame, report, svg

STYLE = """body{font:14px sans-serif;max-width:1100px;margin:2em auto;padding:0 1em}
table{border-collapse:collapse}td,th{border:1px solid #ccc;padding:2px 8px;text-align:right}
td:first-child,th:first-child{text-align:left}.NO{background:#f6c6c0}.yes{background:#cfe8cf}
pre{white-space:pre-wrap;background:#f4f4f4;padding:8px;font-size:12px}svg{display:block;margin:1em 0}"""


def table(workload, result):
    out = []
    for number, row in enumerate(report.columns(workload, result)):
        kind = "td" if number else "th"
        cells = (f'<{kind}{f" class={word}" if word in ("NO", "yes") else ""}>{html.escape(word)}</{kind}>'
                 for word in row)
        out.append("<tr>" + "".join(cells) + "</tr>")
    return "<table>" + "\n".join(out) + "</table>"


def bars(result):
    """One plot for each unit that more than one side has."""
    units = {}
    for measure in result.measures():
        sides = {side: (result.median(side, measure), min(values[measure]), max(values[measure]))
                 for side, values in result.values.items() if measure in values}
        unit = frame.unit(measure)
        if len(sides) > 1 and unit != "failed" and not re.search(r" p[\d.]+ us$", measure):
            units.setdefault(unit, []).append((measure.removesuffix(unit).strip(), sides))
    return "".join(f"<h3>{html.escape(unit)}</h3>{svg.bars(rows, report.number)}" for unit, rows in units.items())


def curves(result, pattern, title):
    """Line plots of the measures whose names match: group 1 names the plot, group 2 the place on x."""
    plots = {}
    for measure in result.measures():
        match = re.fullmatch(pattern, measure)
        if match:
            plots.setdefault(match[1], []).append((match[2], measure))
    out = []
    for name, places in plots.items():
        if len(places) < 2:
            continue
        found = {side: [result.median(side, measure) for _, measure in places] for side in result.values}
        found = {side: values for side, values in found.items() if any(values)}
        if found:
            out.append(f"<h3>{html.escape(title.format(name))}</h3>"
                       + svg.lines([tick for tick, _ in places], found, report.number))
    return "".join(out)


def profiles(result):
    out = []
    for measure, functions in result.profiles.items():
        lines = "\n".join(report.profile_lines(measure, functions))
        out.append(f"<details><summary>{html.escape(measure)}: by function</summary><pre>{html.escape(lines)}</pre></details>")
    return "".join(out)


def commands(result):
    return "".join(f"<p>{html.escape(side)}:</p><pre>{html.escape(shlex.join(words))}</pre>"
                   for side, words in result.commands.items())


def section(workload, result):
    return (f"<h2>{html.escape(result.name)}</h2><p>{html.escape(result.title)}</p>" + table(workload, result)
            + bars(result)
            + curves(result, r"(.*) (p[\d.]+) us", "latency percentiles, us, logarithmic: {}")
            + curves(result, r"(.*?) ?(\d+ (?:B|KiB|MiB))(?: c\d+)? instructions/byte", "cost against size, instructions per byte: {}")
            + profiles(result) + "<details><summary>how it was started</summary>" + commands(result) + "</details>")


def write(path, facts, results, workloads):
    """`facts`: what save() returned; `workloads`: {name: module}."""
    shown = {key: value for key, value in facts.items() if key != "results"}
    body = "".join(section(workloads.get(result.name), result) for result in results)
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"<!doctype html><html lang=en><meta charset=utf-8><title>pith bench</title><style>{STYLE}</style>"
                f"<h1>pith bench</h1><p>Medians (least..most). Ratios above 1: Pith is that many times better.</p>"
                f"<pre>{html.escape(json.dumps(shown, indent=1))}</pre>{body}</html>\n")
