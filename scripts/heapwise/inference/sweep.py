"""Sweeps over one allocator's settings: which M_MMAP_THRESHOLD, with which M_TRIM_THRESHOLD and M_TOP_PAD? How many arenas?

Makes the rows of a sweep (one a setting, the passes joined) from a summary's groups and
comparisons, and the sentence that reads them.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from ..labels import duration, joined, memory, parse_scaled, parse_spec
from ..records.cells import common_parameters, group_key, join_passes

AXES = ("mmap_threshold", "trim_threshold", "top_pad")
NEAR_BEST = 1.10
MOST_NAMED = 4
FIGURES = ("wall_per_operation_ns", "minor_faults_per_operation", "rss_peak_growth_bytes", "rss_drained_growth_bytes",
           "system_calls_per_operation")


def sweeps(groups: Sequence[Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One sweep for each cell with groups of purpose `sweep`."""
    result = []
    for members in join_passes(groups, "sweep"):
        keys = {group_key(group) for group in members}
        ratios = {entry["allocator"]: entry for entry in comparisons
                  if entry["metric"] == "wall_per_operation_ns" and group_key(entry) in keys}
        rows = _rows(members, ratios)
        first = members[0]
        result.append({"title": first.get("title", ""), "workload": first["workload"], "parameters": common_parameters(members),
                       "threads": first["threads"], "baseline": first["baseline"],
                       "reading": reading(rows, first["baseline"]), "rows": rows})
    return result


def reading(rows: Sequence[Mapping[str, Any]], baseline: str) -> str:
    """One sentence: which settings are within 10 % of the best time, and at which RSS; of a workload without a time, what stays
    resident when everything was freed."""
    timed = [row for row in rows if row["wall_per_operation_ns"] is not None]
    if not timed:
        return _reading_of_memory(rows, baseline)
    best = min(row["wall_per_operation_ns"] for row in timed)
    near = sorted((row for row in timed if row["wall_per_operation_ns"] <= NEAR_BEST * best),
                  key=lambda row: (row["rss_peak_growth_bytes"] is None, row["rss_peak_growth_bytes"] or 0.0))
    more = [f"{len(near) - MOST_NAMED} more"] if len(near) > MOST_NAMED else []
    named = joined([setting_name(row["settings"]) for row in near[:MOST_NAMED]] + more)
    verb = "is" if len(near) == 1 else "are"
    text = f"Within 10 % of the best time ({duration(best)} an operation) {verb} {named}{_rss_range(near)}"
    installed = next((row for row in rows if row["allocator"] == baseline), None)
    if installed is None or installed["wall_per_operation_ns"] is None or installed in near:
        return text + "."
    times = installed["wall_per_operation_ns"] / best
    rss = installed["rss_peak_growth_bytes"]
    at = f" at {memory(rss)}" if rss is not None else ""
    return f"{text}; {setting_name(installed['settings'])} takes {duration(installed['wall_per_operation_ns'])}" \
           f"{at}, {times:.3g} times the best."


def _reading_of_memory(rows: Sequence[Mapping[str, Any]], baseline: str) -> str:
    kept = [(row["rss_drained_growth_bytes"], row) for row in rows if row.get("rss_drained_growth_bytes") is not None]
    if not kept:
        return "No setting gave a time or a memory, so the sweep has no answer."
    least, best = min(kept, key=lambda pair: pair[0])
    text = f"When everything was freed, least stays resident with {setting_name(best['settings'])}: {memory(least)}"
    installed = next((value for value, row in kept if row["allocator"] == baseline), None)
    if installed is None or best["allocator"] == baseline:
        return text + "."
    return f"{text}; as installed {memory(installed)}."


def is_over_thresholds(sweep: Mapping[str, Any]) -> bool:
    """Whether a sweep can be drawn over mmap_threshold, trim_threshold and top_pad."""
    return any(key in row["settings"] for row in sweep["rows"] for key in AXES)


def setting_name(settings: Mapping[str, str]) -> str:
    """`mmap_threshold=2M,trim_threshold=1G`, as in a spec, or that nothing is set."""
    return ",".join(f"{key}={value}" for key, value in settings.items()) or "as installed"


def order_of_setting(settings: Mapping[str, str]) -> tuple[Any, ...]:
    """As installed first, then by mmap_threshold, trim_threshold and top_pad in bytes."""
    def position(key: str) -> int:
        value = parse_scaled(settings[key]) if key in settings else None
        return -1 if value is None else value

    others = sorted((key, value) for key, value in settings.items() if key not in AXES)
    return (len(settings) > 0, others, *(position(key) for key in AXES))


def _rows(groups: Sequence[Mapping[str, Any]], ratios: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    names = dict.fromkeys(one["allocator"] for group in groups for one in group["allocators"])
    rows = []
    for allocator in names:
        members = [one for group in groups for one in group["allocators"] if one["allocator"] == allocator]
        medians = {name: value for one in members for name, value in one["medians"].items()}
        failures = dict.fromkeys(one["status_text"] for one in members if one["status_text"])
        entry = ratios.get(allocator, {})
        rows.append({"allocator": allocator, "settings": parse_spec(allocator)[1],
                     **{name: medians.get(name) for name in FIGURES},
                     **{name: entry.get(name) for name in ("ratio", "ratio_low", "ratio_high")},
                     "blocks_count": max((one["ok_count"] for one in members), default=0),
                     "status_text": "; ".join(failures) or None})
    return sorted(rows, key=lambda row: order_of_setting(row["settings"]))


def _rss_range(rows: Sequence[Mapping[str, Any]]) -> str:
    values = [row["rss_peak_growth_bytes"] for row in rows if row["rss_peak_growth_bytes"] is not None]
    if not values:
        return ""
    low, high = memory(min(values)), memory(max(values))
    return f", at a peak RSS of {low}" if low == high else f", at a peak RSS of {low} to {high}"
