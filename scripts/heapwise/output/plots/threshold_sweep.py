"""The threshold sweep as maps: time, minor faults and peak RSS over mmap_threshold × trim_threshold, and over top_pad."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Callable, Mapping, Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from ... import labels
from .data import brief
from .figure import FAINT, INK

NOT_SET = "not set"
QUANTITIES: tuple[tuple[str, str, Callable[[float], str], float], ...] = (
    ("wall_per_operation_ns", "time / operation", labels.duration, 0.0),
    ("minor_faults_per_operation", "minor faults / operation", labels.count, 0.01),
    ("rss_peak_growth_bytes", "peak RSS", labels.memory, 4096.0),
)


@dataclass(frozen=True)
class MapData:
    """A table of settings. `values[row][column]` is None where nothing was measured, `words` says why then."""

    title: str
    x_label: str
    y_label: str
    columns: tuple[str, ...]
    rows: tuple[str, ...]
    values: tuple[tuple[float | None, ...], ...]
    words: tuple[tuple[str, ...], ...]
    installed: tuple[int, int] | None
    low: float
    high: float
    offset: float
    text: Callable[[float], str]


def threshold_maps(sweep: Mapping[str, Any]) -> list[MapData]:
    """Maps over mmap_threshold and trim_threshold, one a quantity, top_pad not set."""
    rows = [row for row in sweep["rows"] if not set(row["settings"]) - {"mmap_threshold", "trim_threshold"}]
    x_of, y_of = (lambda row: _value(row, "mmap_threshold")), (lambda row: _value(row, "trim_threshold"))
    return [_map(sweep, rows, quantity, x_of, y_of, "mmap_threshold", "trim_threshold") for quantity in QUANTITIES]


def top_pad_maps(sweep: Mapping[str, Any]) -> list[MapData]:
    """Maps over top_pad for the thresholds with which it was varied; empty when it was not."""
    padded = {_thresholds(row) for row in sweep["rows"] if "top_pad" in row["settings"]}
    rows = [row for row in sweep["rows"] if _thresholds(row) in padded]
    if not padded:
        return []
    return [_map(sweep, rows, quantity, lambda row: _value(row, "top_pad"), _thresholds, "top_pad", "")
            for quantity in QUANTITIES]


def plot(data: MapData, axes: Axes, named: bool) -> None:
    """One map, dark is much. `named`: write the names of the rows."""
    colours = matplotlib.colormaps["PuBu"]
    for y, (values, words) in enumerate(zip(data.values, data.words)):
        for x, (value, word) in enumerate(zip(values, words)):
            shade = 0.0 if value is None else _shade(data, value)
            face = "#f4f4f4" if value is None else colours(0.04 + 0.86 * shade)
            axes.add_patch(Rectangle((x - 0.5, y - 0.5), 1, 1, facecolor=face, edgecolor="white", linewidth=1.5))
            marked = (x, y) == data.installed
            text = word if value is None else data.text(value).replace(" ", "\u2009")
            axes.text(x, y - 0.12 if marked else y, text, ha="center", va="center",
                      fontsize=7.5, color=FAINT if value is None else "white" if shade > 0.55 else INK)
    if data.installed is not None:
        x, y = data.installed
        axes.add_patch(Rectangle((x - 0.47, y - 0.47), 0.94, 0.94, fill=False, edgecolor="#D55E00", linewidth=2))
        axes.text(x, y + 0.24, "as installed", ha="center", va="center", fontsize=6.5, fontweight="bold",
                  color="#D55E00" if _shade(data, data.values[y][x] or 0.0) < 0.55 else "#FFD9C0")
    axes.set_xlim(-0.5, len(data.columns) - 0.5)
    axes.set_ylim(len(data.rows) - 0.5, -0.5)
    axes.set_xticks(range(len(data.columns)), data.columns)
    axes.set_yticks(range(len(data.rows)), data.rows if named else [""] * len(data.rows))
    axes.tick_params(length=0)
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(data.title)
    axes.set_xlabel(data.x_label)
    if named:
        axes.set_ylabel(data.y_label)


def _value(row: Mapping[str, Any], key: str) -> str:
    return row["settings"].get(key, NOT_SET)


def _thresholds(row: Mapping[str, Any]) -> str:
    parts = [f"{short} {row['settings'][key]}" for key, short in (("mmap_threshold", "mmap"), ("trim_threshold", "trim"))
             if key in row["settings"]]
    return "\n".join(parts) or "thresholds\nnot set"


def _map(sweep: Mapping[str, Any], rows: Sequence[Mapping[str, Any]], quantity: tuple, x_of: Callable, y_of: Callable,
         x_label: str, y_label: str) -> MapData:
    name, title, text, offset = quantity
    columns = _in_order(x_of(row) for row in rows)
    lines = _in_order(y_of(row) for row in rows)
    by_place = {(x_of(row), y_of(row)): row for row in rows}
    values = tuple(tuple(_figure(by_place.get((column, line)), name) for column in columns) for line in lines)
    words = tuple(tuple(_word(by_place.get((column, line))) for column in columns) for line in lines)
    installed = next(((columns.index(x_of(row)), lines.index(y_of(row))) for row in rows
                      if row["allocator"] == sweep["baseline"]), None)
    measured = [row[name] for row in sweep["rows"] if row[name] is not None]
    return MapData(title, x_label, y_label, tuple(columns), tuple(lines), values, words, installed,
                   min(measured, default=0.0), max(measured, default=0.0), offset, text)


def _figure(row: Mapping[str, Any] | None, name: str) -> float | None:
    return None if row is None else row[name]


def _word(row: Mapping[str, Any] | None) -> str:
    """Nothing for a setting that was not planned; the status for one that failed."""
    if row is None:
        return ""
    return brief(row["status_text"] or "not run").split(" (")[0]


def _in_order(names) -> list[str]:
    """Distinct names, `not set` first, sizes by size."""
    def position(name: str) -> tuple[int, int, str]:
        size = labels.parse_scaled(name)
        return (0, 0, "") if "not set" in name else (1, size, "") if size is not None else (2, 0, name)
    return sorted(dict.fromkeys(names), key=position)


def _shade(data: MapData, value: float) -> float:
    """0 for the lowest, 1 for the highest, by logarithm; a factor under 1.25 over the whole map stays pale."""
    low, high, here = (np.log(max(number, 0.0) + data.offset + 1e-9) for number in (data.low, data.high, value))
    return float(np.clip((here - low) / max(high - low, np.log(1.25)), 0, 1))
