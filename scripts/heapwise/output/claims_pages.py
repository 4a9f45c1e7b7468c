"""docs/claims.md: the eleven questions, each with its answer, pictures and claims; all of it from claims.json."""

from __future__ import annotations

from collections import Counter
from typing import Any, Mapping, Sequence

from .. import labels
from ..records.claims import Claim, Claims, Question
from .render import markdown_table
from .tables import Table, Text

VERDICTS = {"holds": "Holds", "holds_if": "Holds if", "does_not_hold": "Does not hold", "not_testable": "Not testable here"}

# Of a question's number its pictures: the name, and the words for who cannot see it.
PICTURES_OF_QUESTIONS = {
    3: (("dynamic-threshold", "The size from which malloc maps, after each of a series of frees"),),
    6: (("giving-back", "brk and RSS while blocks are freed in three orders, then trimmed"),),
    7: (("fragmentation", "RSS over live bytes, for a plateau of random sizes and for a ladder of rising ones"),),
    8: (("cost-ladder", "What a touch, a minor fault and a major fault cost"),),
    9: (("cliff", "Time an operation over the size of the block, by malloc's settings"),
        ("trim-threshold", "Faults an operation over M_TRIM_THRESHOLD"),
        ("top-pad", "Faults an operation over M_TOP_PAD")),
}


def claims_pages(claims: Claims, pictures: Mapping[int, Sequence[str]]) -> list[str]:
    """Markdown. `pictures`: of a question's number the lines that show its pictures."""
    lines = [*_conditions(claims), "", *markdown_table(_count(claims)), ""]
    for question in claims.questions:
        lines.extend([f"## {question.number}. {question.title}", "", question.answer, ""])
        lines.extend(pictures.get(question.number, ()))
        for claim in question.claims:
            lines.extend(_claim(claim))
    return [*lines, *(_settings(claims.settings) if claims.settings else ())]


def _conditions(claims: Claims) -> list[str]:
    here = claims.conditions
    huge_pages = here["huge_pages"] or "none"
    return [f"Measured with glibc {here['libc_version']} on {here['machine']}, Linux {here['kernel']}, pages of {here['page_bytes']} "
            f"bytes, transparent huge pages: {huge_pages}, {'with' if here['has_swap'] else 'no'} swap, "
            f"{'as root' if here['is_root'] else 'not as root'}."]


def _count(claims: Claims) -> Table:
    """Of each question how many claims have which verdict."""
    rows = [_counted(f"[{one.number}. {one.title}](#{anchor(one)})", one.claims) for one in claims.questions]
    total = _counted("all", [claim for one in claims.questions for claim in one.claims])
    return Table("", "", ("question", *(word.lower() for word in VERDICTS.values())), (*rows, total))


def _counted(name: str, claims: Sequence[Claim]) -> tuple[Text, ...]:
    counts = Counter(claim.verdict for claim in claims)
    return (Text(name), *(Text(str(counts[verdict] or "")) for verdict in VERDICTS))


def anchor(question: Question) -> str:
    """Of the question's heading, as pages that show Markdown make it."""
    kept = "".join(letter for letter in f"{question.number}. {question.title}".lower() if letter.isalnum() or letter in " -")
    return kept.replace(" ", "-")


def _settings(settings: Mapping[str, Any]) -> list[str]:
    """The table of settings and sizes, at the sizes that a reader knows; the picture has all."""
    sizes = settings["shown_sizes_bytes"]
    cells = {(cell["spec"], cell["size_bytes"]): cell for cell in settings["cells"]}
    rows = tuple((Text(row["spec"]), *(Text(_cost(cells.get((row["spec"], size)))) for size in sizes))
                 for row in settings["settings"] if not row["missing"])
    headings = ("settings", *(labels.scaled(size) for size in sizes))
    return ["## The settings, side by side", "",
            "One block of a size is allocated, each of its pages written, and it is freed, again and again by one thread: time an "
            "operation (minor faults an operation; system calls where there are any).", "",
            *markdown_table(Table("", "", headings, rows)), ""]


def _cost(cell: Mapping[str, Any] | None) -> str:
    if cell is None or cell.get("missing"):
        return ""
    faults, calls = cell["minor_faults_per_operation"], cell.get("system_calls_per_operation")
    details = [f"{faults:.0f}" if faults == round(faults) else labels.significant(faults)]
    if calls is not None and round(calls, 1) > 0:
        number = f"{calls:.1f}".removesuffix(".0")
        details.append(f"{number} {'call' if number == '1' else 'calls'}")
    return f"{labels.duration(cell['operation_ns'])} ({'; '.join(details)})"


def _claim(claim: Claim) -> list[str]:
    return [f"**{claim.id} {claim.says}** {_verdict(claim)}", "", *([_sentence(claim.measured), ""] if claim.measured else []),
            f"*{claim.truth}*", "", "<details><summary>How it was tested, why it is so, how to see it</summary>", "",
            f"- done: {claim.experiment}", f"- because: {claim.mechanism}", f"- on a process of your own: `{claim.see_it}`",
            f"- step by step: `heapwise claims --explain {claim.id}`", "", "</details>", ""]


def _verdict(claim: Claim) -> str:
    words = VERDICTS[claim.verdict]
    if not claim.condition:
        return f"{words}."
    return f"{words}{'' if claim.verdict == 'holds_if' else ':'} {claim.condition}."


def _sentence(text: str) -> str:
    """With a capital and a full stop, as in an article."""
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
