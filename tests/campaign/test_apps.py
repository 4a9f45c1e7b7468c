"""The real programs of workloads/apps, run for real: one that needs nothing but what the tests need, and all on demand."""
from __future__ import annotations

import json
import os

import pytest

from heapwise_command import ROOT, Heapwise, records, summary

ALL = sorted(file.parent.name for file in (ROOT / "workloads" / "apps").glob("*/app.json"))
# All of them take minutes and databases: `make test-full` asks for that.
CHOSEN = ALL if os.environ.get("HEAPWISE_TEST_ALL_APPS") else ["sqlite3"]


@pytest.mark.parametrize("name", CHOSEN)
def test_a_real_program_runs_and_does_the_same_work_under_each_allocator(heapwise: Heapwise, name: str) -> None:
    """Catches a description that no longer fits its program, and a check that sees a difference where there is none."""
    answer = heapwise.run("bench", "--profile", "smoke", "--workloads", f"apps/{name}", "--allocators",
                          "glibc refmalloc jemalloc", "--out", "a", timeout_seconds=400)
    assert answer.code == 0, answer.err + answer.out
    found = summary(heapwise.folder / "a")
    assert found["findings"] == []
    compared = [record for record in records(heapwise.folder / "a") if record["cell"]["pass"] == "command"]
    assert {record["cell"]["allocator"] for record in compared} >= {"glibc", "refmalloc", "jemalloc"}
    for record in compared:
        assert record["status"] == "ok"
        library = {"glibc": "libc.so", "refmalloc": "librefmalloc", "jemalloc": "libjemalloc"}.get(record["cell"]["allocator"], "")
        assert library in record["identity"]["library_path"]


def test_list_names_the_programs_and_what_they_miss(heapwise: Heapwise) -> None:
    """Catches a program that is left out of the list because its package is not there."""
    answer = heapwise.run("list", "--json", PATH="/nonexistent")
    assert answer.code == 0, answer.err
    apps = {app["name"]: app for app in json.loads(answer.out)["apps"]}
    assert sorted(apps) == [f"apps/{name}" for name in ALL]
    assert "redis-server" in apps["apps/redis"]["missing"]
    assert "apt-get install" in apps["apps/redis"]["missing"]


def test_a_missing_program_is_refused_by_name_and_left_out_of_all(heapwise: Heapwise) -> None:
    """Catches a campaign over an empty list, and one that ends for want of a single package."""
    by_name = heapwise.run("bench", "--workloads", "apps/redis", PATH="/nonexistent")
    assert by_name.code == 2
    assert "apt-get install redis-server" in by_name.err
    of_all = heapwise.run("bench", "--workloads", "apps", "--allocators", "jemaloc", PATH="/nonexistent")
    assert of_all.code == 2
    unknown = heapwise.run("bench", "--workloads", "apps/rediss")
    assert unknown.code == 2
    assert "did you mean 'apps/redis'" in unknown.err
