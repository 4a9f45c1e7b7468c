"""claims.json: read, shown as an article, drawn, packed and checked."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from heapwise.commands import reference, validate
from heapwise.errors import HeapwiseError
from heapwise.output.claims_pages import PICTURES_OF_QUESTIONS, anchor, claims_pages
from heapwise.output.plots.claims import claim_pictures
from heapwise.output.plots.figure import close
from heapwise.records.claims import CLAIMS_FILE, claims_from, read_claims

ORDERS = ("lifo", "fifo", "pinned")


def run_with(curves: dict[str, list[list[float]]]) -> dict:
    return {"experiment": "freeing", "arguments": [], "environment": [], "values": {"blocks_count": 7}, "texts": {}, "steps": [],
            "curves": curves, "exit_code": 0, "signal": 0}


def claim_of(claim_id: str, verdict: str, condition: str = "", curves: dict | None = None) -> dict:
    return {"id": claim_id, "says": f"What {claim_id} says.", "experiment": "what is done", "verdict": verdict, "condition": condition,
            "measured": "" if verdict == "not_testable" else f"7 blocks of {claim_id}", "truth": f"The truth of {claim_id}.",
            "mechanism": "sysmalloc", "see_it": "strace -e brk PROGRAM", "took_ns": 5, "runs": [run_with(curves or {})]}


def document() -> dict:
    freeing = {f"{order}_{trimmed}{what}_bytes": [[0, 4096], [10, 0]] for order in ORDERS for trimmed in ("", "trimmed_")
               for what in ("rss", "brk")}
    plateau = {"plateau_rss_bytes": [[0, 4096], [9, 8192]], "plateau_live_bytes": [[0, 4096], [9, 4096]]}
    questions = [(3, "Where does malloc get its memory from?", [claim_of("3.1", "holds_if", "the top is empty"),
                                                               claim_of("3.2", "does_not_hold")]),
                 (6, "What does free give back?", [claim_of("6.1", "holds", curves=freeing),
                                                  claim_of("6.2", "not_testable", "no valgrind: apt-get install valgrind")]),
                 (7, "How does memory fragment?", [claim_of("7.1", "holds", curves=plateau)])]
    return {"schema_version": 1, "environment": environment(),
            "conditions": {"libc_version": "2.36", "machine": "x86_64", "kernel": "6.1", "malloc_library": "/lib/libc.so.6",
                           "huge_pages": "madvise", "page_bytes": 4096, "is_root": True, "has_swap": False, "has_seccomp": False,
                           "malloc_settings": []},
            "questions": [{"number": number, "title": title, "answer": f"The answer to {number}.", "claims": claims}
                          for number, title, claims in questions],
            "settings_table": settings()}


def settings() -> dict:
    cell = {"spec": "glibc", "size_bytes": 1 << 20, "operations_count": 9, "operation_ns": 2100.0, "fastest_operation_ns": 2000.0,
            "minor_faults_per_operation": 0.0, "system_calls_per_operation": 0.0, "missing": ""}
    lazy = {**cell, "spec": "glibc:mmap_threshold=128K", "operation_ns": 414000.0, "minor_faults_per_operation": 256.0,
            "system_calls_per_operation": 2.0}
    larger = [{**one, "size_bytes": 4 << 20} for one in (cell, lazy)]
    curve = [[0, 256], [1 << 20, 128], [2 << 20, 0]]
    return {"complete": True, "settings": [{"spec": one["spec"], "preloaded": False, "missing": ""} for one in (cell, lazy)],
            "sizes_bytes": [1 << 20, 4 << 20], "shown_sizes_bytes": [1 << 20], "cells": [cell, lazy, *larger], "edges": [],
            "series": [{"name": name, "spec": "glibc", "size_bytes": 1 << 20, "x": "x", "y": "y", "points": points}
                       for name, points in (("faults_against_trim_threshold", curve), ("faults_against_top_pad", curve),
                                            ("dynamic_threshold", [[0, 131072], [1, 1 << 20]]),
                                            ("dynamic_threshold_freed", [[1, 1 << 20], [2, 1 << 21]]))],
            "cost_ladder": {"page_again_ns": 19.0, "minor_fault_ns": 1500.0, "page_cache_ns": 600.0, "major_fault_ns": 90000.0,
                            "pages_count": 64}}


def environment() -> dict:
    """That of any committed reference: the same function of the program wrote it."""
    manifest = Path(__file__).resolve().parents[2] / "results" / "reference" / "full" / "manifest.json"
    return json.loads(manifest.read_text())["environment"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "found").mkdir()
    (tmp_path / "found" / CLAIMS_FILE).write_text(json.dumps(document()))
    return tmp_path / "found"


def test_the_page_gives_each_claim_its_own_verdict_and_truth() -> None:
    """Would catch: a verdict, condition or truth that stands under another claim."""
    page = "\n".join(claims_pages(claims_from(document()), {6: ["![freed](freed.png)", ""]}))
    assert "**3.1 What 3.1 says.** Holds if the top is empty." in page
    assert "**3.2 What 3.2 says.** Does not hold." in page
    assert "**6.2 What 6.2 says.** Not testable here: no valgrind: apt-get install valgrind." in page
    assert page.index("## 6. What does free give back?") < page.index("![freed](freed.png)") < page.index("**6.1")
    assert page.count("*The truth of 3.1.*") == 1 and "7 blocks of 3.1." in page
    assert "heapwise claims --explain 7.1" in page


def test_the_page_counts_verdicts_by_question() -> None:
    """Would catch: an overview that loses a claim, or links to a heading that is not there."""
    claims = claims_from(document())
    page = claims_pages(claims, {})
    (total,) = [line for line in page if line.startswith("| all |")]
    assert [cell.strip() for cell in total.strip("|").split("|")] == ["all", "2", "1", "1", "1"]
    assert anchor(claims.questions[0]) == "3-where-does-malloc-get-its-memory-from"
    assert any(f"(#{anchor(claims.questions[0])})" in line for line in page)


def test_the_table_of_settings_shows_time_faults_and_calls() -> None:
    """Would catch: a cell under another size, or calls where there are none."""
    page = claims_pages(claims_from(document()), {})
    (as_installed,) = [line for line in page if line.startswith("| glibc |")]
    assert "2.10 µs (0)" in as_installed
    (mapped,) = [line for line in page if line.startswith("| glibc:mmap_threshold=128K |")]
    assert "414 µs (256; 2 calls)" in mapped


def test_every_picture_that_the_page_shows_can_be_drawn() -> None:
    """Would catch: a picture under a name that no question shows, and one that cannot be drawn."""
    drawn = dict(claim_pictures(claims_from(document())))
    assert sorted(drawn) == sorted(name for pictures in PICTURES_OF_QUESTIONS.values() for name, _ in pictures)
    for draw in drawn.values():
        close(draw())


def test_pictures_without_data_are_left_out() -> None:
    """Would catch: an empty picture, or a crash, where the table was not asked for."""
    bare = document()
    del bare["settings_table"]
    for question in bare["questions"]:
        for claim in question["claims"]:
            claim["runs"] = []
    assert not list(claim_pictures(claims_from(bare)))


def test_a_folder_is_packed_with_its_pictures(folder: Path, tmp_path: Path) -> None:
    """Would catch: a reference without the document, or with pictures that the page does not find."""
    reference.pack(folder, "claims", tmp_path / "reference")
    assert read_claims(tmp_path / "reference" / "claims").claim("6.1").verdict == "holds"
    names = {file.name for file in (tmp_path / "reference" / "pictures").iterdir()}
    assert names == {f"claims-{name}.png" for pictures in PICTURES_OF_QUESTIONS.values() for name, _ in pictures}


def test_a_folder_is_held_against_the_schema(folder: Path) -> None:
    """Would catch: a field that the only list of fields does not have."""
    assert validate.problems(folder) == ([], 1)
    changed = document()
    changed["questions"][0]["claims"][0]["verdict"] = "perhaps"
    (folder / CLAIMS_FILE).write_text(json.dumps(changed))
    assert len(validate.problems(folder)[0]) == 1


def test_a_missing_document_says_how_to_make_one(tmp_path: Path) -> None:
    """Would catch: a traceback in the place of a command to type."""
    with pytest.raises(HeapwiseError, match="heapwise claims --out"):
        read_claims(tmp_path)
