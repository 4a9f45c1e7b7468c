"""refmalloc's targets beside the figures, as data: one row a target; and a line on all cells of the full profile."""

from __future__ import annotations

from typing import Sequence

from .. import labels
from ..inference.statistics import FEWEST_PAIRS_FOR_VERDICT
from ..inference.summary import effect_fields
from ..inference.targets import DUELS, FULL, MOST_RSS_AGAINST_GLIBC, THP, TRY_TRUE, Miss, Rival, Standing, Tally, Target
from ..records.metrics import label_of, unit_of
from .tables import Table, Text, effect_words

HEADINGS = ("workload", "metric", "target", "refmalloc", "glibc", "best peer", "refmalloc / best peer", "target met")
NOT_MEASURED = Text("not measured")
SOURCE_WORDS = {DUELS: "", FULL: "", THP: ", huge pages", TRY_TRUE: ", an empty program"}
LEGEND = (
    "a target limits refmalloc's median; those of time hold for a quiet machine with two virtual CPUs",
    "best peer: of the allocators other than glibc the one with the least",
    "time of a single thread: measured in lockstep with each other allocator in turn, refmalloc's figure is that of its duel with "
    "the best peer and glibc's that of its own, so the ratio is finer than the figures are",
    "all else: whole runs, compared inside blocks; RSS of a workload is growth from before its warm-up on, faults are those of "
    "the measured region",
    "huge pages: with them enabled for all that can",
    f"[low, high] is a 95 % interval; (low…high) the range of fewer than {FEWEST_PAIRS_FOR_VERDICT} blocks",
)


def target_table(found: Sequence[Standing]) -> Table:
    """The targets in order; `not measured` in the place of what no folder has."""
    return Table("refmalloc's targets", "", HEADINGS, tuple(_row(one) for one in found))


def tally_line(ahead: Tally, memory: Tally, level: Tally) -> str:
    """How refmalloc does on all cells, with those on which it does not."""
    within = f"{100 * (MOST_RSS_AGAINST_GLIBC - 1):.0f} %"
    return (f"On the cells of the full profile refmalloc is ahead of glibc in time on {_tally_words(ahead)}; at most {within} behind "
            f"it in peak RSS on {_tally_words(memory)}; level with or ahead of the best peer in time on {_tally_words(level)}.")


def _row(standing: Standing) -> tuple[Text, ...]:
    target, best = standing.target, standing.best_peer
    unit = unit_of(target.metric, target.pass_name)
    return (Text(f"{target.cell}{SOURCE_WORDS[target.source]}"), Text(label_of(target.metric, target.pass_name)),
            Text(_limit_words(target, unit)),
            NOT_MEASURED if standing.ours is None else Text(labels.quantity(standing.ours, unit)),
            _figure(standing.glibc, unit), _figure(best, unit, named=True),
            NOT_MEASURED if best is None else Text(_effect(best, unit)), _met(standing))


def _limit_words(target: Target, unit: str) -> str:
    limit = f"≤ {labels.quantity(target.limit, unit)}"
    return f"{limit} ({target.words})" if target.words else limit


def _figure(rival: Rival | None, unit: str, named: bool = False) -> Text:
    if rival is None:
        return NOT_MEASURED
    figure = labels.quantity(rival.figure, unit)
    return Text(f"{figure} ({rival.spec})" if named else figure)


def _effect(rival: Rival, unit: str) -> str:
    comparison = rival.comparison
    centre, low, high = effect_words({**effect_fields(comparison), "unit": unit})
    if low == high:
        return centre
    return f"{centre} [{low}, {high}]" if comparison.pairs_count >= FEWEST_PAIRS_FOR_VERDICT else f"{centre} ({low}…{high})"


def _met(standing: Standing) -> Text:
    if standing.excess is None:
        return NOT_MEASURED
    return Text("yes") if standing.excess <= 0 else Text(f"missed by {labels.significant(100 * standing.excess, 2)} %", "strong")


def _tally_words(tally: Tally) -> str:
    words = f"{tally.cells_count - len(tally.missed)} of {tally.cells_count}"
    return f"{words} (not on {', '.join(map(_miss_words, tally.missed))})" if tally.missed else words


def _miss_words(miss: Miss) -> str:
    return f"`{miss.cell}`: " + ("no figures" if miss.ratio is None else f"{labels.ratio(miss.ratio)} {miss.peer}".rstrip())
