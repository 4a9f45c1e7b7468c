"""What `heapwise list` tells people, and that programs are told the same."""
from __future__ import annotations

import json
import re

import pytest

from heapwise_command import Heapwise

COLUMNS = 100  # where there is no terminal


def catalogue_of(heapwise: Heapwise, *names: str) -> dict:
    return json.loads(heapwise.run("list", "--json", *names).out)


def test_list_names_what_is_there_and_what_is_missing(heapwise: Heapwise) -> None:
    """Catches a catalogue that people and programs are told differently."""
    catalogue = catalogue_of(heapwise)
    text = heapwise.run("list").out
    assert {"glibc", "refmalloc", "jemalloc"} <= {one["name"] for one in catalogue["allocators"]}
    for one in catalogue["allocators"] + catalogue["workloads"]:
        assert one["name"] in text
    for allocator in catalogue["allocators"]:
        assert allocator["library_path"] or allocator["missing"]


def test_workloads_stand_under_the_heading_of_their_family(heapwise: Heapwise) -> None:
    """Catches a workload under another family's heading, and a family with two headings."""
    catalogue = catalogue_of(heapwise)
    parts = re.split(r"^Workloads: (.+)$", heapwise.run("list").out.partition("\nReal programs")[0], flags=re.MULTILINE)
    shown = {family: re.findall(r"^  (\w+)  ", lines, re.MULTILINE) for family, lines in zip(parts[1::2], parts[2::2])}
    assert len(shown) == len(parts[1::2])
    expected: dict[str, list[str]] = {}
    for workload in catalogue["workloads"]:
        expected.setdefault(workload["family"], []).append(workload["name"])
    assert shown == expected


def test_what_else_can_be_measured_is_said(heapwise: Heapwise) -> None:
    """Catches a pass that a workload can have and nobody is told of, or that is promised and then refused."""
    catalogue = catalogue_of(heapwise)
    for workload in catalogue["workloads"]:
        assert {"memory", "checked"} <= set(workload["passes"])
        text = heapwise.run("list", workload["name"]).out
        for name in ("open_loop", "fragmentation"):
            assert (name in text.partition("also: ")[2].partition("\n")[0]) == (name in workload["passes"]), workload["name"]
            bench = heapwise.run("bench", "--workloads", workload["name"], "--passes", name, "--allocators", "glibc",
                                 "--out", "/proc/none")
            assert ("cannot have it" in bench.err) == (name not in workload["passes"]), bench.err


def test_lines_fit_a_terminal(heapwise: Heapwise) -> None:
    """Catches lines that a terminal breaks in the middle of a word."""
    for line in heapwise.run("list").out.splitlines():
        assert len(line) <= COLUMNS or len(line.split()) == 1, line


@pytest.mark.parametrize(("names", "sections"), [
    (["small_churn"], {"workloads": ["small_churn"]}),
    (["jemalloc", "small_churn", "glibc"], {"allocators": ["glibc", "jemalloc"], "workloads": ["small_churn"]}),
    (["apps/perl"], {"apps": ["apps/perl"]}),
])
def test_what_is_named_is_shown_and_nothing_else(heapwise: Heapwise, names: list[str], sections: dict) -> None:
    """Catches a name that is taken for everything or for nothing."""
    catalogue, text = catalogue_of(heapwise, *names), heapwise.run("list", *names).out
    for section in ("allocators", "workloads", "apps"):
        assert [one["name"] for one in catalogue[section]] == sections.get(section, [])
    for heading, section in (("Allocators", "allocators"), ("Workloads", "workloads"), ("Real programs", "apps")):
        assert (heading in text) == (section in sections)


def test_the_rows_of_the_profiles_can_be_asked_for(heapwise: Heapwise) -> None:
    """Catches documents that keep a list of profile rows of their own, and rows of a workload that is not there."""
    catalogue = catalogue_of(heapwise)
    names = {workload["name"]: workload for workload in catalogue["workloads"]}
    assert {"smoke", "quick", "full"} <= {profile["name"] for profile in catalogue["profiles"]}
    for profile in catalogue["profiles"]:
        assert profile["summary"] and profile["rows"]
        for row in profile["rows"]:
            workload = names[row["workload"].partition(":")[0]]
            assert row["passes"] and set(row["passes"]) <= set(workload["passes"])
    rows = [row["workload"] for profile in catalogue_of(heapwise, "small_churn")["profiles"] for row in profile["rows"]]
    assert rows and all(row.startswith("small_churn") for row in rows)
