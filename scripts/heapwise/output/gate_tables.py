"""The tables of a gate, as data, from its document alone. gate_text.py prints them.

One table for each outcome, the gravest first; what passes and what is not judged is counted. A row is one metric of one
cell: both medians, the effect of the screen (or between the folders) with its interval, and what the gate makes of it.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Mapping

from .. import labels
from ..inference.policy import OUTCOMES
from ..inference.statistics import FEWEST_PAIRS_FOR_VERDICT
from ..records.metrics import label_of
from .tables import Table, Text, effect_words, title_of

Node = Mapping[str, Any]
SHOWN = {"regression": ("regressions", "worse, or failing where the baseline does not"),
         "inconclusive": ("inconclusive", "neither a regression nor a pass"),
         "not_confirmed": ("not confirmed", "worse in the screen and not in fresh processes: a pass"),
         "improvement": ("improvements", "better, not measured again")}
TONES = {"regression": "worse", "improvement": "better", "inconclusive": "failed"}
COUNTED = {"regression": ("regression", "regressions"), "inconclusive": ("inconclusive",) * 2,
           "not_confirmed": ("not confirmed",) * 2, "improvement": ("improvement", "improvements"),
           "pass": ("pass", "passes"), "not_judged": ("not judged",) * 2}
NO_EFFECT = "·"
HEADINGS = ("", "baseline", "candidate", "effect", "")
LEGEND = ("effect: candidate against baseline, [low, high] is its 95 % interval, (low…high) with fewer than "
          f"{FEWEST_PAIRS_FOR_VERDICT} blocks the range")


def gate_tables(document: Node) -> list[Table]:
    """A table for each outcome that a reader has to look at."""
    rows = {outcome: tuple(_row(one) for one in document["judgements"] if one["outcome"] == outcome)
            for outcome in SHOWN}
    return [Table(f"{title} ({len(rows[outcome])})", subtitle, HEADINGS, rows[outcome])
            for outcome, (title, subtitle) in SHOWN.items() if rows[outcome]]


def full_table(document: Node) -> Table:
    """Every judgement, the gravest first, each with its outcome in a word."""
    ranked = sorted(document["judgements"], key=lambda one: OUTCOMES.index(one["outcome"]))
    rows = tuple((*_row(one)[:-1], Text(_first_words(one))) if one["screen"] else _row(one) for one in ranked)
    return Table("", "", HEADINGS, rows)


def not_judged_lines(document: Node) -> list[str]:
    """What is not judged, that of one reason together."""
    reasons = Counter(one["reason"] for one in document["judgements"] if one["outcome"] == "not_judged")
    return [f"{number} not judged: {reason}" for reason, number in reasons.most_common()]


def verdict_line(document: Node) -> str:
    """`REGRESSION: new=./new.so against old=./old.so: 2 regressions, 1 inconclusive, 40 passes`."""
    counts = [f"{number} {COUNTED[outcome][number != 1]}" for outcome, number in document["counts"].items() if number]
    found = ", ".join(counts) or "nothing may be compared"
    sides = f"{document['candidate']['title']} against {document['baseline']['title']}"
    return f"{document['verdict'].upper()}: {sides}: {found}"


def metric_words(judgement: Node) -> str:
    """What was judged of a cell: a metric, or its runs."""
    words = f"runs ({judgement['pass'].replace('_', ' ')})" if judgement["metric"] is None else \
        label_of(judgement["metric"], judgement["pass"])
    of_itself = judgement["allocator"] == judgement["baseline"]  # between two folders, which hold several
    return f"{words} of {judgement['allocator']}" if of_itself else words


def cell_words(judgement: Node) -> str:
    return title_of(judgement) if judgement["purpose"] != "sweep" else f"{title_of(judgement)} (sweep)"


def reason_words(judgement: Node) -> str:
    """Why, in a table's last column: for what was measured again, with which result."""
    if judgement["reason"] or judgement["confirmation"] is None:
        return str(judgement["reason"])
    again = judgement["confirmation"]
    return f"again {effect_text(again)} in {again['blocks_count']} pairs, p {_p_words(judgement['p_holm'])}"


def effect_text(entry: Node) -> str:
    """`+4.8 % [+3.9, +5.6]`; from a doubling on, or where there is no ratio, as other tables have it."""
    if entry["ratio"] is None and entry["difference"] is None:
        return NO_EFFECT
    centre, low, high = effect_words(entry)
    if entry["ratio"] is not None and entry["ratio_high"] < 2:
        centre, low, high = (labels.change(entry[name]) for name in ("ratio", "ratio_low", "ratio_high"))
        low, high = low.removesuffix(" %"), high.removesuffix(" %")
    if low == high:
        return centre
    is_range = entry["blocks_count"] < FEWEST_PAIRS_FOR_VERDICT
    return f"{centre} ({low}…{high})" if is_range else f"{centre} [{low}, {high}]"


def _row(judgement: Node) -> tuple[Text, ...]:
    tone, entry = TONES.get(judgement["outcome"], "plain"), judgement["screen"]
    name = Text(f"{cell_words(judgement)}: {metric_words(judgement)}")
    if entry is None:
        return (name, Text(reason_words(judgement), tone, span=len(HEADINGS) - 1))
    medians = (entry["baseline_median"], entry["median"])
    return (name, *(Text(NO_EFFECT if value is None else labels.quantity(value, entry["unit"])) for value in medians),
            Text(effect_text(entry), tone), Text(reason_words(judgement)))


def _first_words(judgement: Node) -> str:
    return "; ".join(filter(None, (COUNTED[judgement["outcome"]][0], reason_words(judgement))))


def _p_words(p_value: float) -> str:
    return f"{p_value:.2g}" if p_value >= 0.0001 else "< 0.0001"
