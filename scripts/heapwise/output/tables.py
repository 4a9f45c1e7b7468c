"""The tables of a summary, as data: which rows, columns, words and notes. render.py prints them.

One table for each workload cell: the baseline's row has absolute values, every other row ratios to
it; where a ratio says nothing (a 0 on either side) the difference stands with its sign. A pass that
failed shows its status as a word in the place of its figures.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate, takewhile
from types import MappingProxyType
from typing import Any, Iterable, Mapping, Sequence

from .. import labels
from ..inference.statistics import FEWEST_PAIRS_FOR_VERDICT
from ..inference.sweep import AXES
from ..records.cells import cell_key, common_parameters, group_key, join_passes
from ..records.metrics import STEPS, STEP_LABELS, negligible_of, unit_of

Node = Mapping[str, Any]
RARE_IN_NEGLIGIBLES = 10
MARKS = {"worse": "▲", "better": "▼", "same": "=", "undecided": "~", "no_data": " ", None: " "}
LEGEND = (
    "ratios to the baseline, lower is better: ▲ worse, ▼ better, = same, ~ undecided (Wilcoxon signed-rank inside "
    "blocks, Benjamini-Hochberg, p < .05, and an effect outside the metric's band)",
    f"[low, high] is a 95 % interval; (low…high) and no mark: fewer than {FEWEST_PAIRS_FOR_VERDICT} blocks, the range, "
    "no verdict",
)
HIGHER_SIGN = "↑"
# The marks keep their meaning, so that ▲ finds all that got worse; the arrow of the heading says which way is better.
HIGHER_LEGEND = (f"{HIGHER_SIGN} in a heading: there higher is better, so ▼ better stands at a ratio above 1, ▲ worse at "
                 "one below",)
RESPONSE_LEGEND = ("response: time of a request from when it was due to its answer, with its wait behind the ones before",)
CELL_LEGEND = (
    "p50, p99, p99.9: of malloc (those of free and of the first write are in summary.md); RSS is growth over the start of "
    "the measured region",
)

FRAGMENTATION_LEGEND = (
    "live, internal, external and unreturned make up the growth of RSS at the end: what was asked for, what it was rounded "
    "up by, what else is resident after the allocator was asked to release memory, and what it then gave back",
)


def legend_of(summary: Node) -> tuple[str, ...]:
    """How to read the tables of a summary."""
    groups = summary["groups"]
    higher = any(metric["better"] == "higher" for group in groups for metric in group.get("user_metrics", ()))
    cells = any(group["purpose"] != "command" for group in groups)
    responses = any(group["pass"] == "open_loop" for group in groups)
    split = any(group["pass"] == "fragmentation" for group in groups)
    return (LEGEND + (HIGHER_LEGEND if higher else ()) + (CELL_LEGEND if cells else ())
            + (RESPONSE_LEGEND if responses else ()) + (FRAGMENTATION_LEGEND if split else ()))


@dataclass(frozen=True)
class Text:
    """One entry of a table. `tone` is better, worse, same, failed, strong or plain; `span` columns wide."""

    text: str
    tone: str = "plain"
    span: int = 1


@dataclass(frozen=True)
class Column:
    """A metric in a table. With `interval`, its low and high stand behind the ratio."""

    metric: str
    pass_name: str
    heading: str
    interval: bool = False


@dataclass(frozen=True)
class Table:
    title: str
    subtitle: str
    headings: tuple[str, ...]
    rows: tuple[tuple[Text, ...], ...]
    notes: tuple[str, ...] = ()


PERCENTILES = (("p50", "p50"), ("p99", "p99"), ("p999", "p99.9"))
TERMINAL_COLUMNS = (
    Column("wall_per_operation_ns", "throughput", "time/op", interval=True),
    Column("allocate_p50_ns", "latency", "p50"),
    Column("allocate_p99_ns", "latency", "p99"),
    Column("allocate_p999_ns", "latency", "p99.9"),
    *(Column(f"request_{percentile}_ns", "open_loop", f"response {words}") for percentile, words in PERCENTILES),
    Column("rss_peak_growth_bytes", "memory", "peak RSS"),
    Column("rss_end_growth_bytes", "memory", "end RSS"),
    Column("vsz_peak_bytes", "memory", "VSZ"),
    Column("minor_faults_per_operation", "memory", "minor/op"),
    Column("major_faults_count", "memory", "major"),
    Column("system_calls_per_operation", "system_calls", "calls/op"),
)
SWEEP_FIGURES = (("wall_per_operation_ns", "time/op", "ns"), ("minor_faults_per_operation", "minor/op", "faults/op"),
                 ("rss_peak_growth_bytes", "peak RSS", "bytes"), ("rss_drained_growth_bytes", "RSS after free", "bytes"),
                 ("system_calls_per_operation", "calls/op", "calls/op"))
TIME_COLUMNS = (
    Column("wall_per_operation_ns", "throughput", "time/op", interval=True),
    Column("cpu_per_operation_ns", "throughput", "CPU/op", interval=True),
)
LATENCY_COLUMNS = tuple(
    Column(f"{step}_{percentile}_ns", "latency", f"{STEP_LABELS[step]} {words}", interval=True)
    for step in STEPS for percentile, words in PERCENTILES)
RESPONSE_COLUMNS = tuple(replace(column, interval=True) for column in TERMINAL_COLUMNS if column.pass_name == "open_loop")
MEMORY_COLUMNS = (
    *(replace(column, interval=True) for column in TERMINAL_COLUMNS if column.pass_name == "memory"),
    Column("rss_drained_growth_bytes", "memory", "RSS after free", interval=True),
    Column("system_calls_per_operation", "system_calls", "calls/op", interval=True),
)
PRESSURE = (("cgroup_peak_bytes", "charged"), ("cgroup_limit_hits_count", "limit hits"))
SHARE_PASS = "malloc_share"


class CellView:
    """All groups of one purpose and one cell, with lookups by pass, allocator and metric.

    The pass malloc_share is one run of a program beside those that are compared: it is in `share`,
    and `groups` and `allocators` are without it.
    """

    def __init__(self, groups: Sequence[Node], comparisons: Iterable[Node], own_costs: Iterable[Node]) -> None:
        self.share = next((group for group in groups if group["pass"] == SHARE_PASS), None)
        groups = [group for group in groups if group["pass"] != SHARE_PASS] or groups
        self.groups = {group["pass"]: group for group in groups}
        self.baseline, self.purpose = groups[0]["baseline"], groups[0]["purpose"]
        self.workload, self.threads = groups[0]["workload"], groups[0]["threads"]
        self.parameters, self._title = common_parameters(groups), groups[0].get("title", "")
        self.program: Node | None = groups[0].get("program")
        self.user_metrics: Sequence[Node] = groups[0].get("user_metrics", ())
        keys = {group_key(group) for group in groups}
        self._comparisons = {(c["pass"], c["allocator"], c["metric"]): c for c in comparisons if group_key(c) in keys}
        self._runs = {(group["pass"], one["allocator"]): one for group in groups for one in group["allocators"]}
        self.own_cost = next((c["wall_per_operation_ns"] for c in own_costs if cell_key(c) == cell_key(groups[0])), None)

    @property
    def title(self) -> str:
        return labels.cell(self.workload, self.parameters, self.threads, self._title)

    @property
    def allocators(self) -> list[str]:
        return list(dict.fromkeys(one["allocator"] for group in self.groups.values() for one in group["allocators"]))

    def runs(self, pass_name: str, allocator: str) -> Node | None:
        return self._runs.get((pass_name, allocator))

    def comparison(self, pass_name: str, allocator: str, metric: str) -> Node | None:
        return self._comparisons.get((pass_name, allocator, metric))

    def measures(self, column: Column) -> bool:
        """Whether the column's pass was planned, and (once anything is ok) anyone has the metric."""
        members = [one for (pass_name, _), one in self._runs.items() if pass_name == column.pass_name]
        return any(column.metric in one["medians"] for one in members) or (
            bool(members) and not any(one["medians"] for one in members))

    def all_zero(self, column: Column) -> bool:
        values = self.medians(column.pass_name, column.metric).values()
        return bool(values) and not any(values)

    def medians(self, pass_name: str, metric: str) -> dict[str, float]:
        """Of the allocators that have the metric."""
        return {allocator: one["medians"][metric] for (name, allocator), one in self._runs.items()
                if name == pass_name and metric in one["medians"]}


def cell_views(summary: Node, purpose: str) -> list[CellView]:
    """The cells of one purpose, in the order of the plan."""
    return [CellView(groups, summary["comparisons"], summary["own_costs"])
            for groups in join_passes(summary["groups"], purpose)]


def pressure_columns(view: CellView, pass_name: str) -> tuple[Column, ...]:
    """What a memory cgroup counted; none where no run had one."""
    return tuple(Column(metric, pass_name, heading) for metric, heading in PRESSURE if view.medians(pass_name, metric))


def with_pressure(view: CellView, columns: Sequence[Column]) -> tuple[Column, ...]:
    """The columns of a cell, and behind those of its memory the cgroup's."""
    end = max((place for place, column in enumerate(columns, start=1) if column.pass_name == "memory"), default=0)
    return (*columns[:end], *(pressure_columns(view, "memory") if end else ()), *columns[end:])


def cell_table(view: CellView, columns: Sequence[Column]) -> Table | None:
    """The table of one cell; None when none of the columns' passes was planned."""
    present = [column for column in columns if view.measures(column)]
    notes = []
    major = next((column for column in present if column.metric == "major_faults_count"), None)
    if major is not None and view.all_zero(major):
        present.remove(major)
        at_limit = any(view.medians(major.pass_name, "cgroup_limit_hits_count").values())
        notes.append("major faults: 0" + ("" if at_limit else ", no memory pressure"))
    if not present:
        return None
    rows = _without_empty_marks([_row(view, allocator, present) for allocator in view.allocators])
    if view.purpose != "command":  # whose failures are findings
        notes.extend(failure_notes(view))
    own = f"; the cell itself costs {labels.duration(view.own_cost)}/op" if view.own_cost is not None else ""
    return Table(view.title, _blocks_text(view) + own,
                 ("allocator", *(column.heading for column in present)), rows, tuple(notes))


def _row(view: CellView, allocator: str, columns: Sequence[Column]) -> tuple[Text, ...]:
    is_baseline = allocator == view.baseline
    row = [Text(f"{allocator} (baseline)", "strong") if is_baseline else Text(allocator)]
    position = 0
    while position < len(columns):
        pass_name = columns[position].pass_name
        stretch = list(takewhile(lambda column: column.pass_name == pass_name, columns[position:]))
        absent = absent_word(view, pass_name, allocator)
        if absent is not None:
            row.append(Text(absent, "failed", span=len(stretch)))
        else:
            row.extend(_figure(view, allocator, column, is_baseline) for column in stretch)
        position += len(stretch)
    return tuple(row)


def _without_empty_marks(rows: Sequence[tuple[Text, ...]]) -> tuple[tuple[Text, ...], ...]:
    """The rows without the room for marks in columns that have none."""
    unmarked: dict[int, bool] = {}
    for row in rows:
        for position, text in positions(row):
            if text.span == 1 and text.tone != "failed":
                unmarked[position] = unmarked.get(position, True) and text.text.endswith("  ")
    return tuple(tuple(replace(text, text=text.text[:-2]) if unmarked.get(position) and text.text.endswith("  ") else text
                       for position, text in positions(row)) for row in rows)


def positions(row: Sequence[Text]) -> list[tuple[int, Text]]:
    """Each entry with the number of its first column."""
    ends = list(accumulate((text.span for text in row), initial=0))
    return list(zip(ends, row))


def absent_word(view: CellView, pass_name: str, allocator: str) -> str | None:
    """The word that stands for a pass without figures; None when there are figures."""
    runs = view.runs(pass_name, allocator)
    if runs is None:
        return "not run"
    if runs["ok_count"] > 0:
        return None
    failed = [status for status in runs["statuses"] if status != "ok"]
    if failed:
        return labels.short_status(failed[0])
    other = [words for kind, words in labels.OTHER_WORK_WORDS.items() if kind in runs.get("unequal", {})]
    return other[0] if other else "no blocks"


def figure_text(view: CellView, allocator: str, column: Column) -> Text:
    """One allocator's figure of one metric, or the word that stands for it."""
    absent = absent_word(view, column.pass_name, allocator)
    return Text(absent, "failed") if absent else _figure(view, allocator, column, allocator == view.baseline)


def _figure(view: CellView, allocator: str, column: Column, is_baseline: bool) -> Text:
    runs = view.runs(column.pass_name, allocator)
    unit = unit_of(column.metric, column.pass_name)
    median = runs["medians"].get(column.metric)
    if median is None:
        return Text("none  ")
    comparison = view.comparison(column.pass_name, allocator, column.metric)
    if is_baseline or comparison is None or comparison["blocks_count"] == 0:
        return Text(labels.quantity(median, unit) + "  ", "strong" if is_baseline else "plain")
    return comparison_text(comparison, column.interval)


def comparison_text(comparison: Node, with_interval: bool) -> Text:
    """A ratio, or the difference where there is none, with its interval and the verdict's mark."""
    verdict = comparison["verdict"]
    mark = MARKS[verdict]
    if _is_plainer_absolute(comparison):
        centre = low = high = labels.quantity(comparison["median"], comparison["unit"])
    else:
        centre, low, high = effect_words(comparison)
    if with_interval and low != high:
        ranged = verdict is None
        centre += f" ({low}…{high})" if ranged else f" [{low}, {high}]"
    return Text(f"{centre} {mark}", verdict if verdict in ("better", "worse", "same") else "plain")


def effect_words(comparison: Node) -> tuple[str, str, str]:
    """The ratio, or the difference where there is none, with its low and high."""
    if comparison["ratio"] is not None:
        low, high = (labels.ratio(comparison[f"ratio_{end}"])[:-1] for end in ("low", "high"))
        return labels.ratio(comparison["ratio"]), low, high
    low, high = (labels.signed_quantity(comparison[f"difference_{end}"], comparison["unit"]) for end in ("low", "high"))
    return labels.signed_quantity(comparison["difference"], comparison["unit"]), low, high


def _is_plainer_absolute(comparison: Node) -> bool:
    """Whether the figure itself says more: none at all, or rarer faults than would matter on both sides."""
    if comparison["ratio"] is None:
        return comparison["median"] == 0
    negligible = negligible_of(comparison["metric"], comparison["pass"])
    ends = comparison["difference_low"], comparison["difference_high"]
    return (comparison["unit"] == "faults/op" and all(abs(end) <= negligible for end in ends)
            and comparison["baseline_median"] <= RARE_IN_NEGLIGIBLES * negligible)


def _blocks_text(view: CellView) -> str:
    parts = []
    for pass_name, group in view.groups.items():
        done, planned = group["blocks_count"], group["blocks_planned_count"]
        parts.append(f"{pass_name.replace('_', ' ')} {done}" + (f" of {planned}" if done < planned else ""))
    return f"blocks: {', '.join(parts)}"


def failure_notes(view: CellView) -> list[str]:
    notes: dict[tuple[str, str], list[str]] = {}
    for pass_name in view.groups:
        for allocator in view.allocators:
            runs = view.runs(pass_name, allocator)
            if runs is not None and runs["status_text"]:
                notes.setdefault((allocator, runs["status_text"]), []).append(pass_name.replace("_", " "))
    return [f"{allocator}: {text} ({', '.join(passes)})" for (allocator, text), passes in notes.items()]


def matrix_table(shown: Sequence[tuple[CellView, Column]], name: str = "cell",
                 unplanned: Text = Text("not run", "failed"),
                 facts: Mapping[str, Sequence[str]] = MappingProxyType({})) -> Table:
    """Cells as rows, each with one metric, allocators as columns; words in the place of missing figures. `facts`: more
    columns behind the cells, a heading and a text for each cell."""
    views = [view for view, _ in shown]
    baselines = list(dict.fromkeys(view.baseline for view in views))
    others = list(dict.fromkeys(spec for view in views for spec in view.allocators if spec not in baselines))
    rows = []
    for place, (view, column) in enumerate(shown):
        row = [Text(view.title), *(Text(texts[place]) for texts in facts.values())]
        row.extend(figure_text(view, spec, column) if view.runs(column.pass_name, spec) else unplanned
                   for spec in (view.baseline, *others))
        rows.append(tuple(row))
    return Table("", "", (name, *facts, " / ".join(baselines), *others), _without_empty_marks(rows))


def sweep_table(sweep: Node) -> Table:
    """One row a setting; glibc as installed first and marked."""
    others = sorted({key for row in sweep["rows"] for key in row["settings"] if key not in AXES})
    keys = [key for key in (*AXES, *others) if any(key in row["settings"] for row in sweep["rows"])] or ["setting"]
    figures = [figure for figure in SWEEP_FIGURES if any(row.get(figure[0]) is not None for row in sweep["rows"])]
    headings = [*keys, *(heading for _, heading, _ in figures)]
    if figures and figures[0][0] == "wall_per_operation_ns":
        headings.insert(len(keys) + 1, "ratio")
    rows = tuple(_sweep_row(row, keys, figures, row["allocator"] == sweep["baseline"]) for row in sweep["rows"])
    notes = tuple(f"{row['allocator']}: {row['status_text']}" for row in sweep["rows"] if row["status_text"])
    return Table(f"sweep: {title_of(sweep)}", f"baseline {sweep['baseline']} as installed", tuple(headings), rows, notes)


def _sweep_row(row: Node, keys: Sequence[str], figures: Sequence[tuple[str, str, str]], is_baseline: bool) -> tuple[Text, ...]:
    tone = "strong" if is_baseline else "plain"
    cells = [Text("as installed" if is_baseline and not position else row["settings"].get(key, "·"), tone)
             for position, key in enumerate(keys)]
    if all(row.get(name) is None for name, _, _ in figures):
        with_ratio = len(figures) + any(name == "wall_per_operation_ns" for name, _, _ in figures)
        return (*cells, Text((row["status_text"] or "no blocks").split(";")[0][:40], "failed", span=max(1, with_ratio)))
    for name, _, unit in figures:
        value = row.get(name)
        cells.append(Text("none" if value is None else labels.quantity(value, unit), tone))
        if name == "wall_per_operation_ns":
            cells.append(Text(_sweep_ratio(row), tone))
    return tuple(cells)


def _sweep_ratio(row: Node) -> str:
    if row["ratio"] is None:
        return ""
    low, high = labels.ratio(row["ratio_low"])[:-1], labels.ratio(row["ratio_high"])[:-1]
    if low == high:
        return labels.ratio(row["ratio"])
    ends = f" [{low}, {high}]" if row["blocks_count"] >= FEWEST_PAIRS_FOR_VERDICT else f" ({low}…{high})"
    return labels.ratio(row["ratio"]) + ends


def title_of(node: Node) -> str:
    """The cell of a group, comparison or sweep as people read it."""
    return labels.cell(node["workload"], node["parameters"], node["threads"], node.get("title", ""))


def own_cost_table(summary: Node) -> Table | None:
    """What each cell costs without a heap."""
    costs = summary["own_costs"]
    if not costs:
        return None
    rows = tuple((Text(title_of(cost)),
                  Text(labels.duration(cost["wall_per_operation_ns"])) if cost["wall_per_operation_ns"] is not None
                  else Text(cost["status_text"] or "no blocks", "failed"),
                  Text(str(cost["blocks_count"]))) for cost in costs)
    return Table("the harness's own cost", "measured on the null allocator; every time above contains it",
                 ("cell", "time/op", "blocks"), rows)
