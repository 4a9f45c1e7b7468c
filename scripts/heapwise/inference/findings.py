"""What a user of `try` must know before any figure: failures, and other work than the baseline's.

A finding of any kind but `not_repeatable` (which says something of the command and nothing of an
allocator) makes `heapwise try` exit with 1. What a reader should know beside that is a note.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, Iterable, Sequence

from ..labels import cell, joined
from ..records.folder import Record
from ..records.work import EXIT_CODE, STATE, GroupWork, Product, made

EXITING_KINDS = ("failed", "exit_code_differs", "file_differs", "state_differs", "output_differs", "stderr_differs",
                 "metric_missing")
Finding = dict[str, Any]


def unequal_runs_count(works: Sequence[GroupWork]) -> int:
    """Runs that ended ok and are still behind a finding of EXITING_KINDS."""
    return sum(1 for work in works for _ in work.unequal_runs())


def findings_of(work: GroupWork) -> list[Finding]:
    """The findings of one group of commands, the gravest first."""
    group, blocks = work.runs.group, work.runs.blocks
    if group.cell.pass_name != "command" or not blocks:
        return []
    found = [*_failures(work), *_other_work(work), *_missing_metrics(work)]
    found.sort(key=lambda one: EXITING_KINDS.index(one[0]))
    command = str(dict(group.cell.parameters).get("command", ""))
    return [{"kind": kind, "title": _title(work), "command": command, "allocator": allocator, "text": text}
            for kind, allocator, text in [*found, *_not_repeatable(work)]]


def notes_of(work: GroupWork) -> list[str]:
    """Remarks and processes left behind, each once with how often and under which allocators."""
    if work.runs.group.purpose != "command":
        return []
    counted: dict[str, Counter[str]] = {}
    for allocator in _allocators(work):
        for record in work.runs.records(allocator):
            for text in record.outcome.get("remarks", ()):
                counted.setdefault(text, Counter())[allocator] += 1
    share = ", malloc's share" if work.runs.group.cell.pass_name == "malloc_share" else ""
    total = len(work.runs.blocks) * len(_allocators(work))
    return [f"{_title(work)}{share}: {text} ({_how_often(runs, total)})" for text, runs in counted.items()]


def _title(work: GroupWork) -> str:
    group = work.runs.group
    return cell(group.cell.workload, dict(group.cell.parameters), group.cell.threads, group.title)


def _allocators(work: GroupWork) -> list[str]:
    names = list(work.runs.group.allocators)
    return names if work.runs.group.baseline in names else [work.runs.group.baseline, *names]


def _failures(work: GroupWork) -> Iterable[tuple[str, str, str]]:
    total = len(work.runs.blocks)
    for allocator in _allocators(work):
        failed = Counter(("exit_code_differs" if record.ok else "failed", work.failure_words(record))
                         for record in work.runs.records(allocator)
                         if not record.ok or EXIT_CODE in work.differences(record))
        for (kind, words), number in failed.most_common():
            yield kind, allocator, words if number == total else f"{words} in {number} of {total} runs"


def _other_work(work: GroupWork) -> Iterable[tuple[str, str, str]]:
    for allocator in work.runs.group.allocators:
        ok = [record for record in work.runs.records(allocator) if record.ok]
        for product, agreed in work.agreed.items():
            other = [record for record in ok if product in work.differences(record)]
            if other and product != EXIT_CODE:
                text = f"{product.name} differs from the baseline's in {len(other)} of {len(ok)} runs"
                varies = len({made(record, product) for record in ok}) > 1
                own = "; its own runs differ from each other" if varies else ""
                yield product.kind, allocator, text + _sizes(other[0], product, agreed) + own + _doubt(work)


def _sizes(record: Record, product: Product, agreed: Any) -> str:
    """` (5 bytes instead of 4)`, for what has a size."""
    ours = made(record, product)
    if product == STATE:
        return ""
    if ours is None:
        return " (it was not written)"
    if ours[0] == agreed[0]:
        return " (as many bytes, other content)"
    return f" ({ours[0]:,} bytes instead of {agreed[0]:,})"


def _doubt(work: GroupWork) -> str:
    return "" if work.baseline_runs_count > 1 else \
        "; whether the baseline's own runs agree takes two of them at least: use more --repetitions"


def _missing_metrics(work: GroupWork) -> Iterable[tuple[str, str, str]]:
    ok = {allocator: [record for record in work.runs.records(allocator) if record.ok] for allocator in _allocators(work)}
    for metric in work.runs.group.user_metrics:
        without = {allocator: sum(metric.name in work.missing_metrics(record) for record in records)
                   for allocator, records in ok.items()}
        found, check = f"metric {metric.name} was not found in", f"check its pattern '{metric.pattern}' against what the command prints"
        if any(ok.values()) and all(without[allocator] == len(ok[allocator]) for allocator in ok):
            yield "metric_missing", work.runs.group.baseline, f"{found} any run; {check}"
            continue
        for allocator, number in without.items():
            if number:
                yield "metric_missing", allocator, f"{found} {number} of {len(ok[allocator])} runs; {check}"


def _not_repeatable(work: GroupWork) -> Iterable[tuple[str, str, str]]:
    unstable = dict(work.unstable)
    exit_codes = unstable.pop(EXIT_CODE, None)
    baseline = work.runs.group.baseline
    if exit_codes:
        codes = joined(sorted(map(str, exit_codes)))
        yield "not_repeatable", baseline, f"not repeatable: the baseline's own exit codes are {codes}, so they are not compared"
    if unstable:
        names = joined([product.name for product in unstable])
        verb, pronoun = ("differs", "it is") if len(unstable) == 1 else ("differ", "they are")
        filtered = any(product.name == "stdout" for product in unstable)
        remedy = "; --filter can take out what may differ, such as times" if filtered else ""
        yield "not_repeatable", baseline, \
            f"not repeatable: {names} {verb} between runs of the baseline itself, so {pronoun} not compared{remedy}"


def _how_often(runs: Counter[str], total: int) -> str:
    """`8 of 24 runs: glibc 8`, or that it was in all of them."""
    number = sum(runs.values())
    if number == total:
        return "in every run" if total > 1 else "in its run"
    return f"{number} of {total} runs: {', '.join(f'{allocator} {times}' for allocator, times in runs.items())}"
