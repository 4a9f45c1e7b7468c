"""The gate's own errors: how often it alarms where nothing differs, and what it finds of what was made worse.

`comparison_blocks` successive pairs of a group are one comparison, judged by the same functions as any other. Whole gates
are drawn from the measured comparisons: a hundred cells, each a comparison of `aa` with a random sign, because the two
sides of an A/A pair are exchangeable, and for the confirmation two other comparisons of the same cell.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping, Sequence

import numpy as np
from scipy import stats

from .. import SCHEMA_VERSION
from ..errors import HeapwiseError
from ..records.folder import GroupRuns, ResultFolder, read_folder
from ..records.metrics import Metric
from ..records.pairs import Pairs, pairs_of
from ..records.work import GroupWork
from .policy import REGRESSION, is_flagged, judge
from .statistics import FEWEST_PAIRS_FOR_VERDICT, SIGNIFICANCE, Comparison, compare
from .summary import comparison_entry, measured_metrics

TIME = "wall_per_operation_ns"
FAULTS = "minor_faults_per_operation"
MEMORY = "rss_peak_growth_bytes"
STAGES = ("aa", "time", "memory")
CELLS_OF_A_GATE = 100
GATES_DRAWN = 1000
SEED = 20
Entry = dict[str, Any]


@dataclass(frozen=True)
class Cell:
    """One group of a campaign. `samples`: of each comparison the pairs of each metric."""

    runs: GroupRuns
    seconds: float
    injection: Mapping[str, float]
    samples: tuple[Mapping[Metric, Pairs], ...]

    @property
    def label(self) -> dict[str, Any]:
        return {"title": self.runs.group.title, "allocator": self.runs.group.baseline,
                "comparisons_count": len(self.samples), "pairs_count": self.pairs_count, "comparison_seconds": self.seconds}

    @property
    def pairs_count(self) -> int:
        return len(next(iter(self.samples[0].values())).candidate)

    def metric(self, name: str) -> Metric | None:
        return next((metric for metric in self.samples[0] if metric.name == name), None)

    def compared(self, name: str) -> list[Comparison]:
        """One metric of every comparison."""
        metric = self.metric(name)
        return [] if metric is None else [_compared(sample[metric], metric) for sample in self.samples]


def calibration_of(path: Path) -> dict[str, Any]:
    """The document of $defs/calibration in the schema, of the campaigns that are there. Raises HeapwiseError where none
    is, or one is too short."""
    folders = {stage: read_folder(path / stage) for stage in STAGES if (path / stage).is_dir()}
    if not folders:
        raise HeapwiseError(f"{path} holds no calibration: none of {', '.join(STAGES)} is in it. Fill it with "
                            f"`heapwise gate --aa --out {path}`.")
    environment = next(iter(folders.values())).manifest["environment"]
    return {"schema_version": SCHEMA_VERSION, "kind": "calibration", "environment": environment,
            **{stage: _PARTS[stage](cells_of(folder)) for stage, folder in folders.items()}}


def cells_of(folder: ResultFolder) -> list[Cell]:
    """The groups of a campaign cut into comparisons; what is left over at the end of a group is no comparison."""
    cells = []
    for place, (runs, node) in enumerate(zip(folder.groups, folder.manifest["plan"])):
        size = node.get("comparison_blocks")
        if size is None or len(runs.blocks) < 2 * size:
            raise HeapwiseError(f"{folder.path}: {runs.group.title} has {len(runs.blocks)} pairs, at least two comparisons "
                                "are needed; go on with `heapwise gate --aa --resume`")
        parts = [replace(runs, blocks=runs.blocks[begin:begin + size])
                 for begin in range(0, len(runs.blocks) - size + 1, size)]
        samples = tuple(_sample(part) for part in parts)
        if any(len(pairs.candidate) < size for sample in samples for pairs in sample.values()) or not all(samples):
            raise HeapwiseError(f"{folder.path}: some pairs of {runs.group.title} under {runs.group.baseline} have no figures. "
                                f"`python -m heapwise summarize {folder.path}` says what went wrong; begin anew without it.")
        cells.append(Cell(runs, _seconds_of(folder, place) * size, node.get("injection", {}), samples))
    return cells


def _sample(runs: GroupRuns) -> dict[Metric, Pairs]:
    work = GroupWork(runs)
    candidate = next(name for name in runs.group.allocators if name != runs.group.baseline)
    return {metric: pairs_of(work, candidate, metric) for metric in measured_metrics(work)}


def _seconds_of(folder: ResultFolder, place: int) -> float:
    """Of one block of the group: from its start to that of the block after it, the median."""
    starts = sorted((min(record.started_unix_ns for record in block.values()), index)
                    for index, runs in enumerate(folder.groups) for block in runs.blocks)
    lengths = [(after - start) / 1e9 for (start, index), (after, _) in itertools.pairwise(starts) if index == place]
    return float(np.median(lengths))


def _compared(pairs: Pairs, metric: Metric) -> Comparison:
    return compare(pairs.candidate, pairs.baseline, metric, pairs.logs)


def _aa_row(cell: Cell) -> dict[str, Any]:
    times = cell.compared(TIME)
    effects = np.array([one.ratio.centre - 1 for one in times])
    return {**cell.label, "effect_sd": float(effects.std(ddof=1)), "effect_largest": float(np.abs(effects).max()),
            "half_width": float(np.median([(one.ratio.high - one.ratio.low) / 2 for one in times])),
            **_alarms(times), "faults_alarms_count": _alarms(cell.compared(FAULTS))["alarms_count"],
            "memory_alarms_count": _alarms(cell.compared(MEMORY))["alarms_count"]}


def _aa_total(cells: Sequence[Cell]) -> dict[str, Any]:
    """All cells together, as they are and once more cut into comparisons of 8 pairs, of which there are many."""
    times = [one for cell in cells for one in cell.compared(TIME)]
    short = [one for cell in cells for one in _short_comparisons(cell)]
    effects = np.array([one.ratio.centre - 1 for one in times])
    return {"comparisons_count": len(times), "effect_sd": float(effects.std(ddof=1)),
            "effect_largest": float(np.abs(effects).max()), **_alarms(times),
            "short": {"comparisons_count": len(short), **_alarms(short)}}


def _short_comparisons(cell: Cell) -> Iterator[Comparison]:
    metric, size = cell.metric(TIME), FEWEST_PAIRS_FOR_VERDICT
    for sample in cell.samples:
        pairs = sample[metric]
        for begin in range(0, cell.pairs_count - size + 1, size):
            part = slice(begin, begin + size)
            yield compare(pairs.candidate[part], pairs.baseline[part], metric, pairs.logs[part])


def _alarms(comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """How many have p < .05, and the 95 % interval of their share (Clopper-Pearson)."""
    alarms = sum(one.p_value is not None and one.p_value < SIGNIFICANCE for one in comparisons)
    if not comparisons:
        return {"alarms_count": 0, "alarms_share_low": 0.0, "alarms_share_high": 1.0}
    interval = stats.binomtest(alarms, len(comparisons)).proportion_ci(method="exact")
    return {"alarms_count": alarms, "alarms_share_low": float(interval.low), "alarms_share_high": float(interval.high)}


def _gates(cells: Sequence[Cell]) -> dict[str, Any]:
    """Gates of a hundred cells drawn from the comparisons of `aa`: how many raise an alarm."""
    drawer = _Drawer(cells, np.random.default_rng(SEED))
    flagged, alarms = 0, 0
    for _ in range(GATES_DRAWN):
        screen, confirmation = drawer.gate()
        flagged += len(screen)
        alarms += any(one.outcome == REGRESSION for one in judge(screen, confirmation).judgements)
    interval = stats.binomtest(alarms, GATES_DRAWN).proportion_ci(method="exact")
    return {"gates_count": GATES_DRAWN, "cells_count": CELLS_OF_A_GATE, "alarms_count": alarms,
            "alarms_share_high": float(interval.high), "flagged_per_gate": flagged / GATES_DRAWN}


class _Drawer:
    """Draws gates: only what the screen flags can alarm, so nothing else of a gate is kept. Each comparison is made once."""

    def __init__(self, cells: Sequence[Cell], random: np.random.Generator) -> None:
        self._cells = cells
        self._random = random
        self._flagged: dict[tuple[int, int, int], list[Entry]] = {}
        self._again: dict[tuple[Any, ...], list[Entry]] = {}

    def gate(self) -> tuple[list[Entry], list[Entry]]:
        """The flagged entries of a screen, and the same figures measured again."""
        screen: list[Entry] = []
        confirmation: list[Entry] = []
        for number in range(CELLS_OF_A_GATE):
            cell = int(self._random.integers(len(self._cells)))
            first, second, third = (int(place) for place in self._random.permutation(len(self._cells[cell].samples))[[0, 1, -1]])
            signs = tuple(int(sign) for sign in self._random.choice((-1, 1), 3))
            name = {"parameters": {"cell": number}}  # the cells of a gate are distinct
            for entry in self._flagged_entries(cell, first, signs[0]):
                screen.append({**entry, **name})
                again = self._again_entries(cell, (second, third), signs[1:], entry["metric"])
                confirmation.extend({**other, **name} for other in again)
        return screen, confirmation

    def _flagged_entries(self, cell: int, sample: int, sign: int) -> list[Entry]:
        key = (cell, sample, sign)
        if key not in self._flagged:
            self._flagged[key] = [entry for entry in entries_of(self._cells[cell], (sample,), (sign,)) if is_flagged(entry)]
        return self._flagged[key]

    def _again_entries(self, cell: int, samples: tuple[int, ...], signs: tuple[int, ...], metric: str) -> list[Entry]:
        key = (cell, samples, signs, metric)
        if key not in self._again:
            self._again[key] = entries_of(self._cells[cell], samples, signs, metric)
        return self._again[key]


def entries_of(cell: Cell, samples: Sequence[int], signs: Sequence[int], only: str | None = None) -> list[Entry]:
    """The comparison entries of some samples taken together, of all metrics or of one; a sign of -1 exchanges the sides
    of a sample."""
    group = cell.runs.group
    candidate = next(name for name in group.allocators if name != group.baseline)
    entries = []
    for metric in cell.samples[0] if only is None else [cell.metric(only)]:
        parts = [_turned(cell.samples[sample][metric], sign) for sample, sign in zip(samples, signs)]
        logs = None if any(part.logs is None for part in parts) else np.concatenate([part.logs for part in parts])
        joined = Pairs(np.concatenate([part.candidate for part in parts]),
                       np.concatenate([part.baseline for part in parts]), logs)
        entries.append(comparison_entry(group, candidate, group.baseline, metric, _compared(joined, metric), 0))
    return entries


def _turned(pairs: Pairs, sign: int) -> Pairs:
    return pairs if sign > 0 else Pairs(pairs.baseline, pairs.candidate, None if pairs.logs is None else -pairs.logs)


def _time_row(cell: Cell) -> dict[str, Any]:
    times = cell.compared(TIME)
    return {**cell.label, "injected_share": 0.03, **_found(cell, TIME, times)}


def _memory_rows(cell: Cell) -> Iterator[dict[str, Any]]:
    """Faults and memory where what is injected is more than what counts as nothing."""
    for name, injected in ((FAULTS, 0.005), (MEMORY, 0.03)):
        metric = cell.metric(name)
        baseline = np.median([sample[metric].baseline for sample in cell.samples])
        if injected * baseline > metric.negligible:
            yield {**cell.label, "metric": name, "injected_share": injected, **_found(cell, name, cell.compared(name))}


def _found(cell: Cell, name: str, comparisons: Sequence[Comparison]) -> dict[str, Any]:
    """What the comparisons read, how many call it worse, and in how many a gate would: a screen and two others to
    confirm it."""
    effects = [one.ratio.centre - 1 for one in comparisons]
    low, median, high = (float(value) for value in np.percentile(effects, (5, 50, 95)))
    return {"effect_median": median, "effect_low": low, "effect_high": high,
            "worse_count": sum(one.verdict == "worse" for one in comparisons),
            "found_count": sum(_gate_finds(cell, name, place) for place in range(len(comparisons)))}


def _gate_finds(cell: Cell, name: str, place: int) -> bool:
    others = [(place + step) % len(cell.samples) for step in (1, 2)]
    screen, again = entries_of(cell, (place,), (1,), name), entries_of(cell, others, (1, 1), name)
    return any(one.outcome == REGRESSION for one in judge(screen, again).judgements)


_PARTS: Mapping[str, Callable[[Sequence[Cell]], dict[str, Any]]] = {
    "aa": lambda cells: {"rows": [_aa_row(cell) for cell in cells], "total": _aa_total(cells), "gates": _gates(cells)},
    "time": lambda cells: {"rows": [_time_row(cell) for cell in cells]},
    "memory": lambda cells: {"rows": [row for cell in cells for row in _memory_rows(cell)]},
}
