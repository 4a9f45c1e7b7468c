"""What a user of `try` must know before any figure: failures, other exit codes, other outputs.

A run whose exit code differs from the baseline's in the same block did not do the same work: it
has no figures in any comparison. Outputs are compared only where the baseline's own runs agree
with each other; where they do not, the command is not repeatable and that is the finding.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from .folder import GroupRuns, Record
from .labels import joined, status_words

STREAMS = ("stdout", "stderr")


def comparable(record: Record, baseline: Record) -> bool:
    """Whether the run did the baseline's work, as far as status and exit code tell."""
    if not record.ok:
        return False
    return not baseline.ok or record.outcome.get("exit_code") == baseline.outcome.get("exit_code")


def failure_words(record: Record, baseline: Record) -> str | None:
    """Why the record has no figures; None when it has."""
    if not record.ok:
        return status_words(record.status, record.status_detail, record.signal)
    if comparable(record, baseline):
        return None
    return f"exit code {record.outcome.get('exit_code')} instead of {baseline.outcome.get('exit_code')}"


def findings_of(runs: GroupRuns) -> list[dict[str, Any]]:
    """The findings of one group of purpose `command`, the gravest first."""
    if runs.group.purpose != "command" or not runs.blocks:
        return []
    command = str(dict(runs.group.cell.parameters).get("command", ""))
    baseline = [record for record in runs.records(runs.group.baseline) if record.ok]

    def finding(kind: str, allocator: str, text: str) -> dict[str, Any]:
        return {"kind": kind, "command": command, "allocator": allocator, "text": text}

    result = [finding(kind, allocator, text) for allocator in _allocators(runs)
              for kind, text in _failures(runs, allocator)]
    unstable = [stream for stream in STREAMS if len({_stream(record, stream) for record in baseline}) > 1]
    exit_codes = {record.outcome.get("exit_code") for record in baseline}
    if len(exit_codes) > 1:
        result.append(finding("not_repeatable", runs.group.baseline,
                              f"not repeatable: the baseline's own exit codes are {joined(sorted(map(str, exit_codes)))}"))
    if unstable:
        result.append(finding("not_repeatable", runs.group.baseline,
                              f"not repeatable: {joined(unstable)} differs between runs of the baseline itself, "
                              "so it is not compared"))
    for allocator in runs.group.allocators:
        for stream in STREAMS:
            if stream not in unstable and allocator != runs.group.baseline:
                result.extend(finding("output_differs", allocator, text)
                              for text in _other_output(runs, allocator, stream))
    return result


def _allocators(runs: GroupRuns) -> list[str]:
    names = list(runs.group.allocators)
    return names if runs.group.baseline in names else [runs.group.baseline, *names]


def _failures(runs: GroupRuns, allocator: str) -> list[tuple[str, str]]:
    failed: Counter[tuple[str, str]] = Counter()
    for block in runs.blocks:
        record, baseline = block[allocator], block[runs.group.baseline]
        words = failure_words(record, baseline)
        if words is not None:
            failed["exit_code_differs" if record.ok else "failed", words] += 1
    total = len(runs.blocks)
    return [(kind, words if number == total else f"{words} in {number} of {total} runs")
            for (kind, words), number in failed.most_common()]


def _other_output(runs: GroupRuns, allocator: str, stream: str) -> list[str]:
    pairs = [(block[allocator], block[runs.group.baseline]) for block in runs.blocks]
    pairs = [(ours, theirs) for ours, theirs in pairs if ours.ok and theirs.ok]
    other = [(ours, theirs) for ours, theirs in pairs if _stream(ours, stream) != _stream(theirs, stream)]
    if not other:
        return []
    ours, theirs = other[0]
    return [f"{stream} differs from the baseline's in {len(other)} of {len(pairs)} runs "
            f"({ours.outcome.get(f'{stream}_bytes')} bytes instead of {theirs.outcome.get(f'{stream}_bytes')})"]


def _stream(record: Record, stream: str) -> tuple[Any, Any]:
    return record.outcome.get(f"{stream}_bytes"), record.outcome.get(f"{stream}_digest")
