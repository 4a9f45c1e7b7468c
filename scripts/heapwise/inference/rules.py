"""Rules that no run of any result folder may break. Each gives how many runs it is about and the breaches in words."""

from __future__ import annotations

from typing import Callable, Iterator, Mapping, Sequence

from ..labels import cell, joined
from ..records.folder import Group, Record
from ..records.work import GroupWork

Breaches = tuple[int, list[str]]


def title_of_group(group: Group) -> str:
    """The group's cell as people read it."""
    return cell(group.cell.workload, dict(group.cell.parameters), group.cell.threads, group.title)


def _runs(works: Sequence[GroupWork]) -> Iterator[tuple[GroupWork, Record]]:
    """Those of the complete blocks."""
    return ((work, record) for work in works for block in work.runs.blocks for record in block.values())


def _words(work: GroupWork, record: Record) -> str:
    return f"{title_of_group(work.runs.group)}, {record.cell.pass_name}, block {record.block}, {record.allocator}"


def without_identity(works: Sequence[GroupWork]) -> Breaches:
    """Runs that ended ok and do not say which library answered."""
    ok = [one for one in _runs(works) if one[1].ok]
    return len(ok), [f"{_words(*one)} names no library" for one in ok if not one[1].identity.get("library_path")]


def with_two_libraries(works: Sequence[GroupWork]) -> Breaches:
    """Specs that were not one build in all runs of a workload. `as_linked` is another one in each program."""
    libraries: dict[tuple[str, str], set[str]] = {}
    named = [record for _, record in _runs(works) if record.ok and record.identity.get("library_path")]
    for record in named:
        build = f"{record.identity['library_path']} {record.identity.get('build_id', '')}".strip()
        libraries.setdefault((record.cell.workload, record.allocator), set()).add(build)
    return len(named), [f"{allocator} on {workload} was {joined(sorted(builds))}"
                        for (workload, allocator), builds in libraries.items() if len(builds) > 1]


def with_other_work(works: Sequence[GroupWork]) -> Breaches:
    """Groups whose runs did not all make the same number of operations, and blocks, which share a seed, whose runs did not
    make the same number of heap calls."""
    runs_count, breaches = 0, []
    for work in works:
        done = [(record.block, record.work["operations_count"], record.work.get("heap_calls_count", 0))
                for _, record in _runs([work]) if record.ok and "operations_count" in record.work]
        runs_count += len(done)
        blocks = {block for block, _, _ in done}
        unlike = len({operations for _, operations, _ in done}) > 1 or len(set(done)) > len(blocks)
        if unlike:
            counts = joined([f"{operations:,} with {calls:,}" for operations, calls in sorted({one[1:] for one in done})])
            where = f"{title_of_group(work.runs.group)}, {work.runs.group.cell.pass_name}"
            breaches.append(f"{where}: operations with heap calls were {counts}")
    return runs_count, breaches


def failed_checks(works: Sequence[GroupWork]) -> Breaches:
    """Runs of the pass that checks every object and counts every call, and that found something wrong."""
    checked = [one for one in _runs(works) if one[1].cell.pass_name == "checked"]
    failed = [one for one in checked if not one[1].ok]
    return len(checked), [f"{_words(*one)}: {one[0].failure_words(one[1])}" for one in failed]


RULES: Mapping[str, Callable[[Sequence[GroupWork]], Breaches]] = {
    "identity": without_identity, "one_library": with_two_libraries, "same_work": with_other_work,
    "checked": failed_checks}
