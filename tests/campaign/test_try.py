"""`heapwise try` on programs of all kinds."""
from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from heapwise_command import Heapwise, manifest, records

QUICK = ["--repetitions", "2", "--warmup", "0", "--allocators", "glibc jemalloc", "--out", "a"]


def compile_program(folder: Path, source: str, *flags: str) -> Path:
    code = folder / "program.c"
    code.write_text(source)
    program = folder / "program"
    done = subprocess.run(["cc", "-o", str(program), str(code), *flags], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot compile: {done.stderr!r}")
    return program


def statuses(heapwise: Heapwise) -> list[str]:
    return [record["status"] for record in records(heapwise.folder / "a")]


def test_an_ordinary_program_runs_under_each_allocator(heapwise: Heapwise) -> None:
    """Catches a preload that is ignored: the witness inside the program says who answers."""
    answer = heapwise.run("try", *QUICK, "--", "sh", "-c", "echo out; echo err >&2; cat")
    assert answer.code == 0, answer.err
    for record in records(heapwise.folder / "a"):
        assert record["status"] == "ok"
        assert record["cell"]["allocator"].split(":")[0] in ("glibc", "jemalloc")
        wanted = "jemalloc" if record["cell"]["allocator"] == "jemalloc" else "libc.so"
        assert wanted in record["identity"]["library_path"]
        assert record["outcome"]["stdout_bytes"] == 4
        assert record["outcome"]["stderr_bytes"] == 4
        assert record["outcome"]["processes"]
        assert record["metrics"]["wall_ns"] > 0
    assert manifest(heapwise.folder / "a")["kind"] == "try"


def test_a_static_program_is_not_preloadable(heapwise: Heapwise) -> None:
    """Catches a comparison of a program with itself."""
    program = compile_program(heapwise.folder, "int main(void) { return 0; }", "-static")
    answer = heapwise.run("try", *QUICK, "--", str(program))
    assert answer.code == 1
    assert set(statuses(heapwise)) == {"not_preloadable"}
    assert "statically" in records(heapwise.folder / "a")[0]["status_detail"]


def test_a_program_with_its_own_malloc_is_the_wrong_allocator(heapwise: Heapwise) -> None:
    """Catches figures of the program's own malloc under another's name."""
    source = """
        #include <stddef.h>
        static char pool[1 << 20]; static size_t used;
        void* malloc(size_t size) { void* p = pool + used; used += (size + 15) & ~15ul; return p; }
        void free(void* p) { (void)p; }
        int main(void) { return malloc(10) == 0; }
    """
    program = compile_program(heapwise.folder, source, "-rdynamic", "-fno-builtin")
    answer = heapwise.run("try", "--repetitions", "2", "--warmup", "0", "--allocators", "jemalloc as_linked",
                          "--out", "a", "--", str(program))
    assert answer.code == 1, answer.err
    by_allocator = {record["cell"]["allocator"]: record["status"] for record in records(heapwise.folder / "a")}
    assert by_allocator == {"jemalloc": "wrong_allocator", "as_linked": "ok"}


def test_an_exit_code_that_was_not_expected_is_a_crash(heapwise: Heapwise) -> None:
    """Catches a program that fails at once and is the fastest of all."""
    assert heapwise.run("try", *QUICK, "--", "sh", "-c", "exit 3").code == 1
    assert set(statuses(heapwise)) == {"crashed"}
    answer = heapwise.run("try", *QUICK[:-1], "b", "--expect-exit", "3", "--", "sh", "-c", "exit 3")
    assert answer.code == 0, answer.err


def test_a_file_that_comes_out_differently_fails_the_run(heapwise: Heapwise) -> None:
    """Catches a program that computes something else under another allocator."""
    script = "case $LD_PRELOAD in *jemalloc*) echo wrong;; *) echo right;; esac > made"
    answer = heapwise.run("try", *QUICK, "--check-file", "made", "--", "sh", "-c", script)
    assert answer.code == 1, answer.err
    assert sorted(statuses(heapwise)) == ["integrity_failed", "integrity_failed", "ok", "ok"]


def test_a_file_that_is_not_written_fails_the_run(heapwise: Heapwise) -> None:
    """Catches a check against a file of the day before."""
    (heapwise.folder / "made").write_text("old")
    os.utime(heapwise.folder / "made", (1, 1))
    answer = heapwise.run("try", *QUICK, "--check-file", "made", "--", "true")
    assert answer.code == 1
    assert set(statuses(heapwise)) == {"integrity_failed"}


def test_the_users_own_malloc_variables_are_kept_and_told(heapwise: Heapwise) -> None:
    """Catches a service that is measured without the settings it is deployed with."""
    answer = heapwise.run("try", *QUICK, "--", "sh", "-c", 'test "$MALLOC_TOP_PAD_" = 4096',
                          MALLOC_TOP_PAD_="4096")
    assert answer.code == 0, answer.err
    assert "MALLOC_TOP_PAD_=4096" in answer.err


def test_a_crashing_library_is_a_status_of_its_own(heapwise: Heapwise, evil: Path) -> None:
    """Catches METHOD's crash recorded as 0.00 s."""
    spec = f"mine={evil / 'libevil_crash.so'}"
    answer = heapwise.run("try", "--repetitions", "2", "--warmup", "0", "--allocators", f"glibc {spec}",
                          "--out", "a", "--", "python3", "-c", "print([str(i) for i in range(100000)][-1])",
                          PYTHONMALLOC="malloc")
    assert answer.code == 1, answer.err
    for record in records(heapwise.folder / "a"):
        assert (record["status"] == "ok") == (record["cell"]["allocator"] == "glibc")
