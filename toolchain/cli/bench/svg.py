# SPDX-License-Identifier: BSD-2-Clause
"""Plots as SVG text: bars side by side, and lines over a logarithmic scale."""

import html
import math

COLOURS = {"Pith": "#1f6fb2", "Linux": "#c9622e", "native": "#7a7a7a"}
OTHER = "#5d9b57"
ROW, LABEL, WIDTH = 18, 260, 420


def colour(side):
    return COLOURS.get(side, OTHER)


def text(x, y, words, anchor="start", size=12):
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}">{html.escape(words)}</text>'


def bars(rows, number):
    """rows: [(label, {side: (value, least, most)})]; each row has its own scale."""
    parts, y = [], 4
    for label, sides in rows:
        most = max((value[2] for value in sides.values()), default=0) or 1
        parts.append(text(LABEL - 8, y + ROW * len(sides) / 2 + 4, label, "end"))
        for side, (value, least, highest) in sides.items():
            width = WIDTH * value / most
            middle = y + ROW / 2 - 1
            parts.append(f'<rect x="{LABEL}" y="{y}" width="{width:.1f}" height="{ROW - 3}" fill="{colour(side)}"/>')
            parts.append(f'<line x1="{LABEL + WIDTH * least / most:.1f}" x2="{LABEL + WIDTH * highest / most:.1f}" '
                         f'y1="{middle}" y2="{middle}" stroke="black"/>')
            parts.append(text(LABEL + WIDTH * highest / most + 6, y + ROW - 6, f"{number(value)} {side}", size=11))
            y += ROW
        y += 8
    return f'<svg width="{LABEL + WIDTH + 170}" height="{y}" role="img">{"".join(parts)}</svg>'


def scale(values, length):
    """A function from value to place on a logarithmic scale."""
    low, high = math.log10(min(values)), math.log10(max(values))
    span = high - low or 1
    return lambda value: length * (math.log10(value) - low) / span


def lines(ticks, curves, number, height=200):
    """ticks: names of the places on x, evenly spaced; curves: {side: [value or None]}, all above 0."""
    known = [v for values in curves.values() for v in values if v]
    if not known:
        return ""
    place = scale(known, height)
    step = WIDTH / max(1, len(ticks) - 1)
    left, top = 70, 12
    parts = [f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{height}" fill="none" stroke="#bbb"/>']
    for i, tick in enumerate(ticks):
        parts.append(text(left + i * step, top + height + 16, tick, "middle", 11))
    for value in (min(known), max(known)):
        parts.append(text(left - 6, top + height - place(value) + 4, number(value), "end", 11))
    for side, values in curves.items():
        points = [(left + i * step, top + height - place(v), v) for i, v in enumerate(values) if v]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour(side)}" stroke-width="2"/>')
        for x, y, v in points:
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour(side)}">'
                         f"<title>{html.escape(side)}: {number(v)}</title></circle>")
        if points:
            parts.append(text(left + WIDTH + 8, points[-1][1] + 4, side, size=11))
    return f'<svg width="{left + WIDTH + 80}" height="{height + top + 24}" role="img">{"".join(parts)}</svg>'
