"""Latency percentiles: x is the percentile on a scale of nines, y the latency in ns, logarithmic."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes

from ...records.metrics import STEP_LABELS
from ..palette import style_of
from .data import PercentileData
from .figure import FAINT, duration_formatter, label_line_ends, log_axis

TICKS = ((0.0, "0"), (0.30103, "50"), (1.0, "90"), (2.0, "99"), (3.0, "99.9"), (4.0, "99.99"), (5.0, "99.999"), (6.0, "99.9999"))


def plot(data: PercentileData, axes: Axes, named: bool = True) -> None:
    """One step of one cell; bands are the smallest and largest block. `named`: label the lines."""
    ends = []
    for curve in data.curves:
        style = style_of(curve.spec)
        axes.fill_between(curve.nines, curve.low_ns, curve.high_ns, color=style.colour, alpha=0.10, linewidth=0, step="post")
        axes.plot(curve.nines, curve.values_ns, color=style.colour, linestyle=style.line, linewidth=1.5, drawstyle="steps-post")
        ends.append((curve.spec, float(curve.nines[-1]), float(curve.values_ns[-1])))
    most = max((curve.nines[-1] for curve in data.curves), default=3.0)
    axes.set_xlim(0, most)
    ticks = [(place, text) for place, text in TICKS if place <= most + 0.01]
    axes.set_xticks([place for place, _ in ticks], [text for _, text in ticks])
    axes.set_yscale("log")
    values = np.concatenate([curve.values_ns for curve in data.curves])
    log_axis(axes.yaxis, duration_formatter, max(values.min(), 0.1), values.max())
    axes.set_title(f"{STEP_LABELS[data.step]}, {data.calls_count:,} calls or more each")
    axes.set_xlabel("percentile of calls (%)")
    if data.floor_ns:
        axes.axhline(data.floor_ns, color=FAINT, linewidth=0.8, linestyle=":")
        axes.annotate("an empty timed step", (0.98, data.floor_ns), xycoords=("axes fraction", "data"), xytext=(0, 2),
                      textcoords="offset points", fontsize=7, color=FAINT, va="bottom", ha="right")
    if named:
        label_line_ends(axes, ends)
