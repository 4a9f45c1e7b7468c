"""How the runs of a candidate and of its baseline ended, as the gate's policy judges them.

A run that ended because the other process of its pair failed has not failed by itself: its own side is not blamed.
"""

from __future__ import annotations

from typing import Any, Iterable, Mapping

from ..errors import HeapwiseError
from ..labels import status_text
from ..records.folder import Cell, Group, Record, ResultFolder
from ..records.work import GroupWork
from .policy import Runs
from .summary import COMPARED_PURPOSES, allocators_of, cell_fields

OTHERS_FAILURE = "partner_failed"
Place = tuple[Cell, str]


def runs_of_pairs(folder: ResultFolder, again: ResultFolder | None) -> list[Runs]:
    """Those of every group of the plan, in its order; with what was measured again, where it was."""
    confirmed = {_place(runs.group): GroupWork(runs) for runs in again.groups} if again else {}
    found = []
    for work in map(GroupWork, folder.groups):
        group = work.runs.group
        candidate = _candidate(group, folder)
        works = [one for one in (work, confirmed.get(_place(group))) if one]
        sides = (tuple(own for one in works for own in _own_failures(one, allocator))
                 for allocator in (candidate, group.baseline))
        found.append(Runs(_cell(group, candidate, group.baseline), *sides, group.blocks_planned))
    if not found:
        raise HeapwiseError(f"the plan of {folder.path} is empty. Choose other --workloads.")
    return found


def runs_of_folders(baseline: ResultFolder, candidate: ResultFolder) -> list[Runs]:
    """Those of each allocator in each cell that both folders ran, itself in A its baseline; none without an ok run."""
    before, after = _works_by_allocator(baseline), _works_by_allocator(candidate)
    found = []
    for key in (key for key in after if key in before):
        sides = tuple(tuple(own for work in side[key] for own in _own_failures(work, key[1]))
                      for side in (after, before))
        if all(sides) and any(own is None for side in sides for own in side):
            group = after[key][0].runs.group
            found.append(Runs(_cell(group, key[1], key[1]), *sides, group.blocks_planned))
    return found


def nothing_ran(folder: ResultFolder) -> str:
    """How runs failed where none of either side is ok and not the candidate alone is to blame; otherwise nothing."""
    words, candidate_alone = [], False
    for work in map(GroupWork, folder.groups):
        names = (_candidate(work.runs.group, folder), work.runs.group.baseline)
        ours, theirs = (work.runs.records(name) for name in names)
        if any(work.failure_words(record) is None for record in (*ours, *theirs)):
            return ""
        candidate_alone |= any(other.status == OTHERS_FAILURE for other in theirs)
        words.extend(filter(None, map(work.failure_words, (*ours, *theirs))))
    return "" if candidate_alone or not words else status_text(words, len(words)) or ""


def _works_by_allocator(folder: ResultFolder) -> dict[tuple[Place, str], list[GroupWork]]:
    """The groups of each allocator in each cell: a pair each, say."""
    found: dict[tuple[Place, str], list[GroupWork]] = {}
    for work in map(GroupWork, folder.groups):
        if work.runs.group.purpose in COMPARED_PURPOSES:
            for name in allocators_of(work.runs):
                found.setdefault((_place(work.runs.group), name), []).append(work)
    return found


def _place(group: Group) -> Place:
    return group.cell, group.purpose


def _candidate(group: Group, folder: ResultFolder) -> str:
    others = [name for name in group.allocators if name != group.baseline]
    if len(others) != 1:
        raise HeapwiseError(f"{folder.path} is no folder of a gate: a group of its plan sets {len(others)} allocators "
                            f"against {group.baseline}. Judge it against another folder: --baseline DIR_A "
                            f"--candidate {folder.path}.")
    return others[0]


def _own_failures(work: GroupWork, allocator: str) -> Iterable[str | None]:
    return (_own_failure(work, record) for record in work.runs.records(allocator))


def _own_failure(work: GroupWork, record: Record) -> str | None:
    return None if record.status == OTHERS_FAILURE else work.failure_words(record)


def _cell(group: Group, allocator: str, baseline: str) -> Mapping[str, Any]:
    return {**cell_fields(group.cell), "pass": group.cell.pass_name, "purpose": group.purpose,
            "title": group.title, "allocator": allocator, "baseline": baseline}
