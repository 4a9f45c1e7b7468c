"""The README's matrix: cells × allocators, time an operation over peak RSS in each place, the workloads by family.

For Markdown alone: an entry has two lines, the second of them small, and the lowest figures of a row are bold. A cell whose
time says nothing has the second line only.
"""

from __future__ import annotations

from typing import Sequence

from .. import labels
from ..records.catalogue import Catalogue
from ..records.cells import cell_key
from .tables import CellView, Column, Table, Text, figure_text

TIME = Column("wall_per_operation_ns", "throughput", "time/op")
MEMORY = Column("rss_peak_growth_bytes", "memory", "peak RSS")
LEGEND = ("first line: time an operation; small: peak RSS; the baseline's column has its figures, the others ratios to them",
          "bold: the lowest of the row, and the baseline where that is not told apart from it")
OTHERS = "other"  # workloads that the suite no longer has
NOT_PLANNED = "·"


def matrix(views: Sequence[CellView], catalogue: Catalogue) -> Table:
    """Of cells that several folders have the first one's. Families and workloads in the catalogue's order."""
    views = [view for view in _first_of_each(views) if any(column.pass_name in view.groups for column in (TIME, MEMORY))]
    baselines = list(dict.fromkeys(view.baseline for view in views))
    others = list(dict.fromkeys(spec for view in views for spec in view.allocators if spec not in baselines))
    places = {workload.name: place for place, workload in enumerate(catalogue.workloads)}
    families = {workload.name: workload.family for workload in catalogue.workloads}
    rows: list[tuple[Text, ...]] = []
    shown = None
    for view in sorted(views, key=lambda view: places.get(view.workload, len(places))):
        family = families.get(view.workload, OTHERS)
        if family != shown:
            rows.append((Text(family, "strong"), *(Text("") for _ in ("baseline", *others))))
            shown = family
        rows.append((Text(_title(view)), *(Text(text) for text in _entries(view, others))))
    return Table("", "", ("cell", " / ".join(baselines), *others), tuple(rows))


def _first_of_each(views: Sequence[CellView]) -> list[CellView]:
    cells: dict[str, CellView] = {}
    for view in views:
        cells.setdefault(cell_key({"workload": view.workload, "parameters": view.parameters, "threads": view.threads}), view)
    return list(cells.values())


def _title(view: CellView) -> str:
    """The workload, and on a small line what makes it this cell."""
    rest = view.title.removeprefix(view.workload).lstrip(":, ")
    return f"{view.workload}<br><sub>{rest}</sub>" if rest else view.workload


def _entries(view: CellView, others: Sequence[str]) -> list[str]:
    lines = [_line(view, column, others) for column in (TIME, MEMORY) if column.pass_name in view.groups]
    small = [f"<sub>{text}</sub>" if MEMORY.pass_name in view.groups else "" for text in lines[-1]]
    times = lines[0] if TIME.pass_name in view.groups else [""] * len(small)
    return ["<br>".join(filter(None, entry)) for entry in zip(times, small)]


def _line(view: CellView, column: Column, others: Sequence[str]) -> list[str]:
    """One metric of each allocator, the baseline first."""
    lowest = _lowest(view, column)
    words = []
    for spec in (view.baseline, *others):
        if view.runs(column.pass_name, spec) is None:
            words.append(NOT_PLANNED)
            continue
        figure = figure_text(view, spec, column)
        text = figure.text.strip()
        words.append(f"*{text}*" if figure.tone == "failed" else f"**{text}**" if spec in lowest else text)
    return words


def _lowest(view: CellView, column: Column) -> set[str]:
    """The allocators whose ratio, as it is printed, is the lowest; where a ratio says nothing, whose figure is."""
    medians = view.medians(column.pass_name, column.metric)
    compared = {spec: view.comparison(column.pass_name, spec, column.metric) for spec in medians if spec != view.baseline}
    has_ratios = all(one is not None and one["ratio"] is not None for one in compared.values())
    figures = {spec: compared[spec]["ratio"] if spec in compared else 1.0 for spec in medians} if has_ratios else medians
    if not figures:
        return set()
    printed = labels.ratio if has_ratios else str
    lowest = {spec for spec, figure in figures.items() if printed(figure) == printed(min(figures.values()))}
    is_uncertain = has_ratios and all(compared[spec]["verdict"] in ("same", "undecided") for spec in lowest if spec in compared)
    return lowest | ({view.baseline} & figures.keys() if is_uncertain else set())
