"""`--memory-limit`: runs in memory cgroups of this machine, and what is said where there can be none."""
from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import pytest

from heapwise_command import BUILD, ROOT, Heapwise, manifest, records

MIB = 1 << 20
CELL = ["--profile", "smoke", "--workloads", "small_churn:live=100K,operations=200K", "--allocators", "glibc refmalloc"]
TRY = ["--repetitions", "2", "--warmup", "0", "--allocators", "glibc jemalloc", "--out", "a"]
NOT_POSSIBLE = "a memory limit is not possible here"
SERVER = Path(__file__).with_name("small_server.py")
PYTHON = os.path.realpath(sys.executable)


@pytest.fixture(scope="module")
def why_not(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the command says where no memory cgroup can be made; empty where one can."""
    if not (BUILD / "heapwise").exists():
        return f"no heapwise in {BUILD}"
    command = Heapwise(tmp_path_factory.mktemp("probe"))
    answer = command.run("try", "--memory-limit", "64M", "--repetitions", "1", "--warmup", "0", "--allocators", "glibc",
                         "--out", "a", "--", "true")
    return answer.err.strip().splitlines()[-1] if NOT_POSSIBLE in answer.err else ""


@pytest.fixture
def limited(heapwise: Heapwise, why_not: str) -> Heapwise:
    """The command where memory cgroups can be made; elsewhere a skip that says why not."""
    if why_not:
        pytest.skip(why_not)
    return heapwise


def held(folder: Path) -> list[dict]:
    """The records of the runs that are held to the limit."""
    return [record for record in records(folder) if record["cell"]["allocator"] != "null"]


def outcomes(folder: Path) -> set[tuple[str, str]]:
    return {(record["status"], record["status_detail"]) for record in held(folder)}


def cgroups_of(process: int) -> list[Path]:
    return list(Path("/sys/fs/cgroup").rglob(f"heapwise-{process}-*"))


def assert_valid(folder: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "results" / "schema.json").read_text())
    for name, documents in (("run_record", records(folder)), ("manifest", [manifest(folder)]),
                            ("summary", [json.loads((folder / "summary.json").read_text())])):
        for document in documents:
            jsonschema.validate(document, {**schema, "$ref": f"#/$defs/{name}"})


def test_below_what_a_cell_needs_every_run_is_out_of_memory(limited: Heapwise) -> None:
    """Catches a limit that holds nobody, a kill told as a crash, and cells left out because they cannot fit."""
    process = limited.start("bench", *CELL, "--memory-limit", "16M", "--out", "a")
    out, errors = process.communicate(timeout=120)
    assert process.returncode == 1, errors
    folder = limited.folder / "a"
    assert outcomes(folder) == {("out_of_memory", "killed by the kernel at the memory limit of 16M")}
    assert all(record["signal"] == signal.SIGKILL and not record["metrics"] for record in held(folder))
    assert "measured under a memory limit of 16M" in out and "under a memory limit of 16M" in errors
    assert manifest(folder)["memory_limit_bytes"] == 16 * MIB
    assert cgroups_of(process.pid) == []
    assert_valid(folder)


def test_above_it_all_is_well_and_the_cgroup_is_in_the_records(limited: Heapwise) -> None:
    """Catches a run that is charged elsewhere, and the null allocator, which never uses memory twice, held to the limit."""
    answer = limited.run("bench", *CELL, "--memory-limit", "96M", "--out", "a")
    assert answer.code == 0, answer.err
    folder = limited.folder / "a"
    for record in held(folder):
        if record["cell"]["pass"] != "memory":
            assert not any(name.startswith("cgroup_") for name in record["metrics"])
            continue
        figures = record["metrics"]
        grown = figures["rss_peak_bytes"] - figures["rss_before_bytes"]
        assert grown > 16 * MIB and grown < figures.get("cgroup_peak_bytes", 96 * MIB) <= 96 * MIB
        assert figures["cgroup_limit_hits_count"] == 0
    assert_valid(folder)


def test_without_the_option_nothing_is_said_of_a_limit(heapwise: Heapwise) -> None:
    """Catches 0 in the place of none."""
    answer = heapwise.run("bench", *CELL, "--passes", "memory", "--out", "a")
    assert answer.code == 0, answer.err
    assert manifest(heapwise.folder / "a")["memory_limit_bytes"] is None
    assert "limit" not in answer.out + answer.err


def test_resume_keeps_the_limit(limited: Heapwise) -> None:
    """Catches a second half that is measured without the limit of the first."""
    limited.run("bench", *CELL, "--memory-limit", "16M", "--out", "a")
    journal = limited.folder / "a" / "runs.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:len(lines) // 2]))
    assert limited.run("bench", "--resume", "a").code == 1
    assert len(records(limited.folder / "a")) >= len(lines)
    assert {status for status, _ in outcomes(limited.folder / "a")} == {"out_of_memory"}


def test_ctrl_c_leaves_no_cgroup(limited: Heapwise) -> None:
    """Catches groups that pile up in the session of whoever stops campaigns."""
    process = limited.start("bench", "--profile", "smoke", "--workloads", "small_churn:live=1K,operations=50M",
                            "--allocators", "glibc", "--memory-limit", "64M", "--out", "a")
    for _ in range(1000):
        if cgroups_of(process.pid) or process.poll() is not None:
            break
        time.sleep(0.01)
    assert cgroups_of(process.pid), "no group was made"
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert cgroups_of(process.pid) == []


def test_a_program_is_held_with_all_the_processes_it_starts(limited: Heapwise) -> None:
    """Catches a limit for the first process alone, and a killed child that its shell passes on as an exit code."""
    answer = limited.run("try", *TRY, "--memory-limit", "48M", "--", "sh", "-c", "head -c 200M /dev/zero | tail; exit $?")
    assert answer.code == 1, answer.err
    found = outcomes(limited.folder / "a")
    assert {status for status, _ in found} == {"out_of_memory"}
    assert all(detail.startswith("1 of its processes was killed by the kernel at the memory limit of 48M: "
                                 "exit code 137 instead of 0") for _, detail in found)
    assert_valid(limited.folder / "a")


def test_a_program_that_fits_has_its_cgroup_in_the_records(limited: Heapwise) -> None:
    """Catches counters that only workloads have."""
    answer = limited.run("try", *TRY, "--memory-limit", "256M", "--", "sh", "-c", "head -c 20M /dev/zero | tail | wc -c")
    assert answer.code == 0, answer.err
    measured = [record for record in records(limited.folder / "a") if record["cell"]["pass"] == "command"]
    assert measured and all(20 * MIB < record["metrics"].get("cgroup_peak_bytes", 256 * MIB) <= 256 * MIB
                            for record in measured)


def test_a_server_is_held_and_its_client_is_not(limited: Heapwise) -> None:
    """Catches a server that dies at its limit and is told as a crash or as its client's failure."""
    server = shutil.copy(SERVER, limited.folder)  # a copy: test_serve.py counts what runs of the original
    answer = limited.run("try", *TRY, "--memory-limit", "40M",
                         "--serve", f"exec {PYTHON} {server} serve $HEAPWISE_RUN_DIR/s",
                         "--drive", f"{PYTHON} {server} ask $HEAPWISE_RUN_DIR/s 1000")
    assert answer.code == 1, answer.err
    found = outcomes(limited.folder / "a")
    assert {status for status, _ in found} == {"out_of_memory"}
    assert all("of its processes was killed by the kernel at the memory limit of 40M: the server ended" in detail
               for _, detail in found)


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become a user who may not make cgroups")
@pytest.mark.usefixtures("heapwise")
def test_where_cgroups_cannot_be_made_nothing_runs() -> None:
    """Catches a campaign that goes on without the limit, or a folder of one that never began."""
    if not all(parent.stat().st_mode & 0o001 for parent in (BUILD, *BUILD.parents)):
        pytest.skip(f"other users cannot reach {BUILD}")
    nobody = 65534
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        folder.chmod(0o777)
        process = Heapwise(folder).start("bench", *CELL, "--memory-limit", "64M", "--out", "a", user=nobody)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 2, errors
        assert NOT_POSSIBLE in errors and "run as root" in errors
        assert not (folder / "a").exists()
