"""The gate's rules, as pure functions on comparison entries: what is a regression, what is not known, what passes.

Measured in pairs (`judge`)
  screen         flagged: 8 pairs or more, p < .05 (not adjusted), the 95 % interval excludes equality, and the estimate
                 is worse by more than the floor
  confirmation   of the flagged, those that fresh processes show again, worse by more than the floor in 16 pairs or
                 more, with p < .01 adjusted by Holm over all that were flagged (one family): regressions
  not confirmed  flagged and not shown again: listed, a pass
  inconclusive   too few pairs in the screen or in the confirmation; a time whose interval reaches beyond what must be
                 found (`detect`; 10 % of whole runs), because a regression of that size could hide in it, in the screen or, for what is
                 flagged and not confirmed, in the confirmation; a baseline whose runs fail

Two folders (`judge_folders`)
  system calls, faults and memory are regressions where interval or range exclude equality, beyond the same floors; two
  runs a side are enough. Time can be flagged and not confirmed: inconclusive. What has no verdict is not judged.

The floor of a time is its band; that of faults and memory half the band, because an effect of the band's size must be
found, and an alarm at the effect itself would find it every second time; that of system calls is 0.
A candidate whose runs fail where the baseline's do not is a regression, whatever its figures are.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, Sequence

from ..records.metrics import band_of, negligible_of
from ..records.pairs import LOCKSTEP
from .statistics import FEWEST_PAIRS_FOR_VERDICT, FEWEST_RUNS_FOR_VERDICT, SIGNIFICANCE, holm

Node = Mapping[str, Any]
FEWEST_PAIRS_TO_CONFIRM = 16
CONFIRMED = 0.01
DETECT = 0.03
# Whole runs of threads vary by tens of per cent, and no turns of milliseconds narrow that.
DETECT_OF_WHOLE_RUNS = 0.10
REGRESSION, INCONCLUSIVE, NOT_CONFIRMED = "regression", "inconclusive", "not_confirmed"
IMPROVEMENT, PASS, NOT_JUDGED = "improvement", "pass", "not_judged"
OUTCOMES = (REGRESSION, INCONCLUSIVE, NOT_CONFIRMED, IMPROVEMENT, PASS, NOT_JUDGED)  # the gravest first
INCOMPARABLE = "incomparable"
EXIT_CODES = {PASS: 0, REGRESSION: 1, INCOMPARABLE: 3, INCONCLUSIVE: 4}
TIME_OF_FOLDERS = ("slower, and folders cannot confirm it: keep both libraries and measure them with "
                   "`heapwise gate --baseline old=PATH --candidate new=PATH`")
_RUN_FIELDS = ("workload", "parameters", "threads", "pass", "purpose", "allocator")


@dataclass(frozen=True)
class Runs:
    """How the runs of a candidate and of its baseline ended in one group: why each failed by itself, in words.

    None: it is ok, or it ended because the other process of its pair failed."""

    cell: Node  # the fields of an entry but its metric, and `title`
    candidate: tuple[str | None, ...]
    baseline: tuple[str | None, ...]
    planned_count: int


@dataclass(frozen=True)
class Judgement:
    """Of one metric of a cell, or where `metric` is None of its runs. `cause`: which rule leaves it inconclusive."""

    outcome: str
    cell: Node
    metric: str | None = None
    reason: str = ""
    cause: str = ""
    screen: Node | None = None
    confirmation: Node | None = None
    p_holm: float | None = None


@dataclass(frozen=True)
class GateResult:
    """All judgements, those of runs first. `incomparable`: nothing of the candidate may be set against the baseline."""

    judgements: tuple[Judgement, ...]
    incomparable: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def verdict(self) -> str:
        if self.incomparable:
            return INCOMPARABLE
        counts = self.counts
        return next((outcome for outcome in (REGRESSION, INCONCLUSIVE) if counts[outcome]), PASS)

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.verdict]

    @property
    def counts(self) -> dict[str, int]:
        found = Counter(one.outcome for one in self.judgements)
        return {outcome: found[outcome] for outcome in OUTCOMES}


@dataclass(frozen=True)
class _Effect:
    """An entry's ratio less 1, or without one its difference, turned so that above 0 is what is looked for."""

    centre: float
    low: float
    high: float
    floor: float
    is_negligible: bool

    @property
    def is_beyond_floor(self) -> bool:
        return self.centre > self.floor and not self.is_negligible

    @property
    def excludes_equality(self) -> bool:
        return self.low > 0


Finder = Callable[..., Judgement]


def run_key(node: Node) -> str:
    """Equal for the runs of an allocator in a group, its entries, and those that measured the same again."""
    return json.dumps([node[name] for name in _RUN_FIELDS], sort_keys=True)


def entry_key(entry: Node) -> str:
    return json.dumps([run_key(entry), entry["metric"]])


def floor_of(entry: Node) -> float:
    """How far a ratio must be from 1 before anything is said."""
    band = band_of(entry["metric"], entry["pass"])
    return band / 2 if entry["metric_class"] == "near_exact" else band


def is_flagged(entry: Node) -> bool:
    """Whether the screen has a suspicion against the candidate."""
    return _is_shown(entry, entry["p_value"])


def judge(screen: Sequence[Node], confirmation: Sequence[Node], runs: Sequence[Runs] = (),
          detect: float = DETECT) -> GateResult:
    """Judges what was measured in pairs: entries of the screen, those of the flagged groups measured again, and how
    the runs of both ended. Without `runs` nothing is said of groups that have no entry."""
    again = {entry_key(entry): entry for entry in confirmation}
    flagged = [entry_key(entry) for entry in screen if is_flagged(entry)]
    adjusted = dict(zip(flagged, holm([_p_of_confirmation(again.get(key)) for key in flagged])))
    measured = {run_key(entry) for entry in screen}
    of_runs = [found for one in runs if (found := judge_runs(one, run_key(one.cell) in measured))]
    failed = {run_key(one.cell) for one in of_runs}
    of_entries = [_judge_entry(entry, again.get(entry_key(entry)), adjusted.get(entry_key(entry)), detect,
                               run_key(entry) in failed) for entry in screen]
    return GateResult((*of_runs, *of_entries))


def judge_folders(entries: Sequence[Node], runs: Sequence[Runs] = (), refused: bool = False) -> GateResult:
    """Judges what two folders have in common. `refused`: some class of metric may not be compared."""
    of_runs = [found for one in runs if (found := judge_runs(one, has_figures=True))]
    failed = {run_key(one.cell) for one in of_runs}
    of_entries = [_judge_sittings(entry, run_key(entry) in failed) for entry in entries]
    judgements = (*of_runs, *of_entries)
    nothing = (refused and not entries) or all(one.outcome == NOT_JUDGED for one in judgements)
    return GateResult(judgements, incomparable=nothing)


def judge_runs(runs: Runs, has_figures: bool) -> Judgement | None:
    """What the ends of a group's runs say; None where there is nothing to say."""
    if not runs.candidate or not runs.baseline:
        return Judgement(INCONCLUSIVE, runs.cell, cause="too_few_pairs", reason="no block is complete, "
                         f"{runs.planned_count} were planned: raise the time budget")
    candidate, baseline = (sum(words is not None for words in side) for side in (runs.candidate, runs.baseline))
    if candidate and (not baseline or (candidate == len(runs.candidate) and baseline < len(runs.baseline))):
        return Judgement(REGRESSION, runs.cell, reason=_failures(runs.candidate))
    if baseline:
        return Judgement(INCONCLUSIVE, runs.cell, cause="baseline_failed",
                         reason=f"baseline {_failures(runs.baseline)}")
    if not has_figures:
        return Judgement(INCONCLUSIVE, runs.cell, cause="too_few_pairs", reason="no run has figures: see runs.jsonl")
    return None


def _failures(sides: Sequence[str | None]) -> str:
    """`crashed (signal 11) in 8 of 8 runs`, the most frequent first."""
    counted = Counter(words for words in sides if words is not None)
    return "; ".join(f"{words} in {number} of {len(sides)} runs" for words, number in counted.most_common())


def _judge_entry(entry: Node, again: Node | None, p_holm: float | None, detect: float, failed: bool) -> Judgement:
    found = _judging(entry)
    pairs, fewest = entry["blocks_count"], FEWEST_PAIRS_FOR_VERDICT
    if pairs < fewest and failed:
        return found(NOT_JUDGED, "its runs are judged")
    if pairs < fewest:
        return found(INCONCLUSIVE, f"{pairs} of {fewest} pairs: {fewest - pairs} missing", "too_few_pairs")
    if is_flagged(entry):
        return _judge_flagged(_judging(entry, again, p_holm), again, p_holm, detect)
    if _is_shown(entry, entry["p_value"], sign=-1):
        return found(IMPROVEMENT)
    if _could_hide(entry, detect):
        return found(INCONCLUSIVE, _blind_words(entry, detect), "blind")
    return found(PASS)


def _judging(entry: Node, again: Node | None = None, p_holm: float | None = None) -> Finder:
    """Makes judgements of one entry: outcome, reason, cause."""
    return lambda outcome, reason="", cause="": Judgement(outcome, entry, entry["metric"], reason, cause, entry, again,
                                                          p_holm)


def _judge_flagged(found: Finder, again: Node | None, p_holm: float, detect: float) -> Judgement:
    pairs = again["blocks_count"] if again else 0
    if pairs < FEWEST_PAIRS_TO_CONFIRM:
        return found(INCONCLUSIVE, f"worse, and measured again in {pairs} of {FEWEST_PAIRS_TO_CONFIRM} pairs",
                     "confirmation_incomplete")
    if p_holm < CONFIRMED and _worsening(again).is_beyond_floor:
        return found(REGRESSION)
    if _could_hide(again, detect):
        return found(INCONCLUSIVE, f"worse, not confirmed, {_blind_words(again, detect)}", "blind")
    return found(NOT_CONFIRMED)


def _judge_sittings(entry: Node, failed: bool) -> Judgement:
    found = _judging(entry)
    runs, one_sided = entry["blocks_count"], (entry["median"] is None) != (entry["baseline_median"] is None)
    if runs == 0 and one_sided and not failed:
        return found(INCONCLUSIVE, entry.get("reason", "only one folder has it"), "too_few_pairs")
    if runs == 0 or entry["ratio"] is None and entry["difference"] is None:
        return found(NOT_JUDGED, "its runs are judged" if failed else entry.get("reason", "no figures"))
    if entry["metric_class"] == "noisy":
        return _judge_time_of_sittings(found, entry)
    if runs < FEWEST_RUNS_FOR_VERDICT:
        return found(INCONCLUSIVE, f"{runs} of {FEWEST_RUNS_FOR_VERDICT} runs a side", "too_few_pairs")
    for outcome, sign in ((REGRESSION, 1), (IMPROVEMENT, -1)):
        effect = _worsening(entry, sign)
        if effect.excludes_equality and effect.is_beyond_floor:
            return found(outcome)
    return found(PASS)


def _judge_time_of_sittings(found: Finder, entry: Node) -> Judgement:
    """p is adjusted here: nothing comes after it that would sort out what chance has flagged."""
    p_value = entry["p_adjusted"]
    if p_value is None:
        return found(NOT_JUDGED, entry.get("reason", f"time takes {FEWEST_PAIRS_FOR_VERDICT} blocks in each folder, "
                                           f"one has {entry['blocks_count']}"))
    for outcome, sign in ((INCONCLUSIVE, 1), (IMPROVEMENT, -1)):
        if _is_shown(entry, p_value, sign):
            return found(outcome, *((TIME_OF_FOLDERS, "cannot_confirm") if sign > 0 else ()))
    return found(PASS)


def _worsening(entry: Node, sign: int = 1) -> _Effect:
    """The entry's effect, turned so that above 0 is worse, or with `sign` -1 better."""
    turn = sign if entry.get("better", "lower") == "lower" else -sign
    name, equality = ("difference", 0.0) if entry["ratio"] is None else ("ratio", 1.0)
    centre, *ends = (turn * (entry[key] - equality) for key in (name, f"{name}_low", f"{name}_high"))
    negligible = negligible_of(entry["metric"], entry["pass"])
    floor = negligible if entry["ratio"] is None else floor_of(entry)
    # A metric without a negligible difference is judged by its ratio alone: that of slices in lockstep is better known.
    is_negligible = negligible > 0 and turn * entry["difference"] <= negligible
    return _Effect(centre, min(ends), max(ends), floor, is_negligible)


def _is_shown(entry: Node, p_value: float | None, sign: int = 1) -> bool:
    """Whether the entry speaks for a change for the worse, or with `sign` -1 for the better."""
    if entry["blocks_count"] < FEWEST_PAIRS_FOR_VERDICT or p_value is None or p_value >= SIGNIFICANCE:
        return False
    effect = _worsening(entry, sign)
    return effect.excludes_equality and effect.is_beyond_floor


def _p_of_confirmation(again: Node | None) -> float:
    """1 for what was not measured again often enough: it stays in the family."""
    if again is None or again["blocks_count"] < FEWEST_PAIRS_TO_CONFIRM or again["p_value"] is None:
        return 1.0
    return again["p_value"]


def _could_hide(entry: Node, detect: float) -> bool:
    """Whether a time's interval reaches beyond what must be found."""
    return (entry["metric_class"] == "noisy" and entry["ratio"] is not None
            and _worsening(entry).high > _to_be_found(entry, detect))


def _to_be_found(entry: Node, detect: float) -> float:
    return detect if entry["pass"] == LOCKSTEP else max(detect, DETECT_OF_WHOLE_RUNS)


def _blind_words(entry: Node, detect: float) -> str:
    """An interval's width falls with the root of the pairs; it has to fit between equality and `detect`."""
    detect = _to_be_found(entry, detect)
    half_width, pairs = (entry["ratio_high"] - entry["ratio_low"]) / 2, entry["blocks_count"]
    needed = max(pairs + 1, math.ceil(round(pairs * (half_width / (detect / 2)) ** 2, 3)))
    return f"{100 * detect:g} % slower could hide: about {needed} pairs instead of {pairs}"
