"""`heapwise claims`: its verdicts against what is known of one C library, its forms, and what it says where it cannot test."""
from __future__ import annotations

import ctypes.util
import json
import os
import platform
import re
import subprocess
from pathlib import Path

import pytest

from heapwise.records.schema import Checker
from heapwise_command import BUILD, Heapwise

HOLDS, HOLDS_IF, NOT = "holds", "holds_if", "does_not_hold"

# What the experiments must come to with glibc 2.36 on x86-64: the article's sentences as they were checked by hand.
KNOWN_VERDICTS: dict[str, str] = {
    "1.1": HOLDS, "1.2": HOLDS, "1.3": HOLDS_IF, "1.3b": HOLDS_IF,
    "2.1": HOLDS, "2.2": HOLDS_IF, "2.3": HOLDS_IF, "2.4": HOLDS, "2.5": HOLDS_IF, "2.6": HOLDS, "2.7": HOLDS_IF, "2.8": HOLDS,
    "2.9": NOT, "2.10": HOLDS, "2.11": NOT,
    "3.0": HOLDS, "3.1": HOLDS_IF, "3.1b": HOLDS_IF, "3.1c": NOT, "3.1d": HOLDS_IF, "3.2": NOT, "3.2c": HOLDS, "3.3": HOLDS, "3.4": HOLDS_IF,
    "3.4b": HOLDS_IF, "3.4c": HOLDS_IF, "3.4d": HOLDS_IF, "3.5": HOLDS_IF, "3.5b": HOLDS,
    "4.1": HOLDS, "4.2": HOLDS_IF, "4.3": HOLDS, "4.4": HOLDS_IF,
    "5.1": HOLDS,
    "6.1": HOLDS, "6.2": HOLDS, "6.3": HOLDS_IF, "6.3d": NOT, "6.4": NOT, "6.5": HOLDS_IF,
    "7.1": HOLDS_IF, "7.2": HOLDS,
    "8.1": HOLDS, "8.2": HOLDS, "8.3": HOLDS_IF, "8.4": HOLDS_IF, "8.5": HOLDS, "8.6": HOLDS,
    "9.1": HOLDS, "9.2": HOLDS, "9.3": HOLDS_IF, "9.4": HOLDS, "9.5": NOT, "9.6": HOLDS_IF, "9.7": HOLDS_IF, "9.8": HOLDS,
    "10.1": NOT, "10.2": NOT, "10.3": NOT, "10.4": NOT,
    "11": HOLDS,
}

# Figures that follow from that C library's source, pages of 4 KiB and the machine's words: claim -> run -> name -> figure.
KNOWN_FIGURES: dict[str, dict[int, dict[str, int]]] = {
    "2.4": {0: {"step_bytes": 8192}},
    "3.1": {0: {"first_growth_bytes": 135_168}},
    "3.1b": {0: {"largest_heap_bytes": 131_048, "smallest_mapped_bytes": 131_049}},
    "3.1c": {0: {"largest_heap_bytes": 134_472}, 1: {"largest_heap_bytes": 131_048}},
    "3.2": {0: {"least_hidden_bytes": 8, "most_hidden_bytes": 8, "mapped_hidden_bytes": 16, "least_usable_bytes": 24,
                "rule_sizes_count": 4096}},
    "3.4": {0: {"mapped_chunk_bytes": 1_052_672, "largest_heap_bytes": 1_052_648}},
    "3.4c": {0: {"largest_followed_bytes": 33_550_312, "smallest_not_followed_bytes": 33_550_313}},
    "3.4d": {0: {"mapped_blocks_count": 65_536}},
    "3.5": {0: {"largest_heap_bytes": 65_512}},
    "4.2": {0: {"mapped_growth_bytes": 1_052_672, "small_growth_bytes": 135_168, "thread_growth_bytes": 64 << 20}},
    "4.3": {0: {"allocate_vsz_bytes": (100 << 20) + 4096, "touch_faults_count": 25_600}},
    "6.1": {0: {"returned_vsz_bytes": (10 << 20) + 4096, "returned_rss_bytes": (10 << 20) + 4096}},
    "6.3": {0: {"largest_kept_top_bytes": 135_200, "smallest_returned_top_bytes": 135_216, "smallest_trimming_chunk_bytes": 65_536}},
    "8.1": {0: {"malloc_faults_count": 1, "write_faults_count": 256}},
    "8.4": {0: {"faults_count": 0}, 1: {"faults_count": 224 * 100}, 2: {"faults_count": 257 * 100}},
    "9.8": {0: {"first_faults_count": 256, "minor_faults_count": 0}},
    "10.1": {0: {"small_smblks_count": 13, "middle_ordblks_count": 13, "large_ordblks_count": 20}},
    "10.2": {0: {"largest_fast_bytes": 120, "largest_cached_bytes": 1032, "cached_count": 7}},
}


def known_libc() -> bool:
    return platform.machine() == "x86_64" and platform.libc_ver() == ("glibc", "2.36")


@pytest.fixture(scope="module")
def everything(tmp_path_factory) -> dict:
    """All claims, examined once."""
    folder = tmp_path_factory.mktemp("claims")
    answer = Heapwise(folder).run("claims", "--json", "--out", "found", timeout_seconds=240)
    assert answer.code == 0, answer.err
    document = json.loads(answer.out)
    assert document == json.loads((folder / "found" / "claims.json").read_text())
    return document


def claims_of(document: dict) -> dict[str, dict]:
    return {claim["id"]: claim for question in document["questions"] for claim in question["claims"]}


def test_every_sentence_has_a_row(everything) -> None:
    """Would catch: a claim that was left out, or one that nobody knows the answer of."""
    assert list(claims_of(everything)) == list(KNOWN_VERDICTS)


def test_what_is_told_conforms_to_the_schema(everything) -> None:
    """Would catch: a field that the only list of fields does not have."""
    assert Checker("claims").problems(everything) == []


@pytest.mark.skipif(not known_libc(), reason="verdicts are known of glibc 2.36 on x86-64")
@pytest.mark.parametrize("claim_id", KNOWN_VERDICTS)
def test_the_verdict_is_what_was_found_by_hand(everything, claim_id: str) -> None:
    """Would catch: an experiment that does something else than it says, a judgement the wrong way round."""
    claim = claims_of(everything)[claim_id]
    if claim["verdict"] == "not_testable":
        pytest.skip(claim["condition"])
    assert claim["verdict"] == KNOWN_VERDICTS[claim_id], claim["measured"]


@pytest.mark.skipif(not known_libc(), reason="figures are known of glibc 2.36 on x86-64")
@pytest.mark.parametrize("claim_id", KNOWN_FIGURES)
def test_the_figures_are_those_of_that_c_library(everything, claim_id: str) -> None:
    """Would catch: an experiment that is off by a header, a page, or what the experiment itself allocates."""
    claim = claims_of(everything)[claim_id]
    if claim["verdict"] == "not_testable":
        pytest.skip(claim["condition"])
    for run, figures in KNOWN_FIGURES[claim_id].items():
        values = claim["runs"][run]["values"]
        assert {name: values[name] for name in figures} == figures


def test_a_row_without_a_verdict_says_why(everything) -> None:
    """Would catch: `not testable` with nothing that a reader could change."""
    for claim in claims_of(everything).values():
        if claim["verdict"] == "not_testable":
            assert claim["condition"] and not claim["measured"], claim["id"]
        else:
            assert claim["measured"], claim["id"]


def test_only_examines_what_is_named(heapwise: Heapwise) -> None:
    """Would catch: --only that runs everything, or loses the order of the questions."""
    document = json.loads(heapwise.run("claims", "--json", "--only", "4.3,3.1").out)
    assert list(claims_of(document)) == ["3.1", "4.3"]
    assert set(claims_of(json.loads(heapwise.run("claims", "--json", "--only", "5").out))) == {"5.1"}


def test_an_unknown_claim_is_named_with_its_neighbour(heapwise: Heapwise) -> None:
    """Would catch: a typing error that examines nothing and looks like success."""
    answer = heapwise.run("claims", "--only", "3.44")
    assert answer.code == 2
    assert "'3.44'" in answer.err and "did you mean" in answer.err


def test_what_cannot_be_explained_or_kept_is_said_before_anything_runs(heapwise: Heapwise) -> None:
    """Would catch: a question explained by its first claim alone; a minute of measuring lost for want of a folder."""
    question = heapwise.run("claims", "--explain", "4")
    assert question.code == 2 and "'4'" in question.err
    nowhere = heapwise.run("claims", "--out", "/proc/nowhere")
    assert nowhere.code == 2 and "choose another with --out" in nowhere.err and "runs" not in nowhere.err


def test_the_page_names_question_claim_and_verdict(heapwise: Heapwise) -> None:
    """Would catch: a page whose verdicts stand under another claim."""
    answer = heapwise.run("claims", "--only", "4.3")
    assert answer.code == 0, answer.err
    assert re.search(r"^4\. How do VSZ and RSS grow\?$", answer.out, re.MULTILINE)
    assert re.search(r"^  4\.3  .+$", answer.out, re.MULTILINE)
    assert "verdict   holds" in answer.out and "1 claim: 1 hold" in answer.out
    assert "\033[" not in answer.out


def test_explain_shows_the_experiment_step_by_step(heapwise: Heapwise) -> None:
    """Would catch: a trace without its addresses, or one that is not of the claim."""
    answer = heapwise.run("claims", "--explain", "3.1")
    assert answer.code == 0, answer.err
    steps = [line for line in answer.out.splitlines() if re.search(r"malloc\(", line) and "0x" in line]
    assert len(steps) >= 2, answer.out
    for word in ("brk", "VSZ KiB", "RSS KiB", "because", "see it", "strace"):
        assert word in answer.out


def other_malloc() -> str:
    for name in ("jemalloc", "mimalloc", "tcmalloc_minimal"):
        found = ctypes.util.find_library(name)
        for folder in ("/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"):
            if found and (Path(folder) / found).exists():
                return str(Path(folder) / found)
    return ""


def test_a_preloaded_allocator_is_named_and_its_rows_are_skipped(heapwise: Heapwise) -> None:
    """Would catch: another allocator's behaviour sold as glibc's."""
    library = other_malloc()
    if not library:
        pytest.skip("no other allocator is installed: apt-get install libjemalloc2")
    document = json.loads(heapwise.run("claims", "--json", "--only", "3.1", "--keep-environment", LD_PRELOAD=library).out)
    claim = claims_of(document)["3.1"]
    assert claim["verdict"] == "not_testable" and Path(library).name.split(".so")[0] in claim["condition"]
    clean = json.loads(heapwise.run("claims", "--json", "--only", "3.1", LD_PRELOAD=library).out)
    assert claims_of(clean)["3.1"]["verdict"] == HOLDS_IF


def test_settings_of_malloc_are_left_out_unless_they_are_to_be_kept(heapwise: Heapwise) -> None:
    """Would catch: a user's tunables that change what is said of the defaults."""
    tunables = "glibc.malloc.mmap_threshold=65536"
    kept = json.loads(heapwise.run("claims", "--json", "--only", "3.1", "--keep-environment", GLIBC_TUNABLES=tunables).out)
    assert claims_of(kept)["3.1"]["verdict"] == "not_testable" and tunables in claims_of(kept)["3.1"]["condition"]
    left_out = json.loads(heapwise.run("claims", "--json", "--only", "3.1", GLIBC_TUNABLES=tunables).out)
    assert claims_of(left_out)["3.1"]["verdict"] == HOLDS_IF


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_who_is_not_root_still_gets_the_other_rows(heapwise: Heapwise) -> None:
    """Would catch: a command that fails as a whole where one row needs rights."""
    nobody = 65534
    process = heapwise.start("claims", "--json", "--only", "1.2,3.1", user=nobody)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    found = claims_of(json.loads(out))
    assert found["3.1"]["verdict"] == HOLDS_IF
    assert found["1.2"]["verdict"] == "not_testable" and "root" in found["1.2"]["condition"]


def test_an_experiment_by_hand_says_what_there_is() -> None:
    """Would catch: a program whose help is empty, or that takes a wrong name for success."""
    program = str(BUILD / "heapwise-experiment")
    shown = subprocess.run([program, "--help"], capture_output=True, text=True, timeout=20, check=False)
    assert shown.returncode == 0 and "first_malloc" in shown.stderr
    assert subprocess.run([program, "no_such"], capture_output=True, timeout=20, check=False).returncode == 2


def test_an_experiment_is_a_fresh_c_process() -> None:
    """Would catch: the C++ runtime linked in, whose start-up pool changes what the first mallocs do."""
    needed = subprocess.run(["ldd", str(BUILD / "heapwise-experiment")], capture_output=True, text=True, timeout=20, check=True).stdout
    assert "libstdc++" not in needed and "libc.so" in needed
