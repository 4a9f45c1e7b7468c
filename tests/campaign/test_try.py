"""`heapwise try` on programs of all kinds."""
from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from heapwise_command import Heapwise, manifest, records, summary

QUICK = ["--repetitions", "2", "--warmup", "0", "--allocators", "glibc jemalloc", "--out", "a"]


def compile_program(folder: Path, source: str, *flags: str) -> Path:
    code = folder / "program.c"
    code.write_text(source)
    program = folder / "program"
    done = subprocess.run(["cc", "-o", str(program), str(code), *flags], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"cannot compile: {done.stderr!r}")
    return program


def compared(heapwise: Heapwise) -> list[dict]:
    """Without the run that estimates malloc's share."""
    return [record for record in records(heapwise.folder / "a") if record["cell"]["pass"] == "command"]


def statuses(heapwise: Heapwise) -> list[str]:
    return [record["status"] for record in compared(heapwise)]


def test_an_ordinary_program_runs_under_each_allocator(heapwise: Heapwise) -> None:
    """Catches a preload that is ignored: the witness inside the program says who answers."""
    answer = heapwise.run("try", *QUICK, "--", "sh", "-c", "echo out; echo err >&2; cat")
    assert answer.code == 0, answer.err
    for record in compared(heapwise):
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
    assert "statically" in compared(heapwise)[0]["status_detail"]


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
    by_allocator = {record["cell"]["allocator"]: record["status"] for record in compared(heapwise)}
    assert by_allocator == {"jemalloc": "wrong_allocator", "as_linked": "ok"}


def test_an_exit_code_that_was_not_expected_is_a_crash(heapwise: Heapwise) -> None:
    """Catches a program that fails at once and is the fastest of all."""
    assert heapwise.run("try", *QUICK, "--", "sh", "-c", "exit 3").code == 1
    assert set(statuses(heapwise)) == {"crashed"}
    answer = heapwise.run("try", *QUICK[:-1], "b", "--expect-exit", "3", "--", "sh", "-c", "exit 3")
    assert answer.code == 0, answer.err


def test_a_file_that_comes_out_differently_is_a_finding(heapwise: Heapwise) -> None:
    """Catches a program that computes something else under another allocator."""
    script = "case $LD_PRELOAD in *jemalloc*) echo wrong;; *) echo right;; esac > made"
    answer = heapwise.run("try", *QUICK, "--check-file", "made", "--", "sh", "-c", script)
    assert answer.code == 1, answer.err
    findings = summary(heapwise.folder / "a")["findings"]
    assert [(finding["kind"], finding["allocator"]) for finding in findings] == [("file_differs", "jemalloc")]
    assert answer.out.index("made") < answer.out.index("wall time")


def test_output_that_differs_is_a_finding_unless_a_filter_takes_it_out(heapwise: Heapwise) -> None:
    """Catches wrong results that pass, and a line with the time of day that is taken for one."""
    script = "case $LD_PRELOAD in *jemalloc*) echo at 9;; *) echo at 8;; esac; echo sum 4"
    answer = heapwise.run("try", *QUICK, "--", "sh", "-c", script)
    assert answer.code == 1, answer.err
    assert [finding["kind"] for finding in summary(heapwise.folder / "a")["findings"]] == ["output_differs"]
    answer = heapwise.run("try", *QUICK[:-1], "b", "--filter", "grep -v ^at", "--", "sh", "-c", script)
    assert answer.code == 0, answer.err


def test_a_program_that_is_not_repeatable_is_told_and_not_judged(heapwise: Heapwise) -> None:
    """Catches the blame for a random number going to an allocator."""
    answer = heapwise.run("try", *QUICK, "--", "sh", "-c", "head -c 8 /dev/urandom")
    assert answer.code == 0, answer.err
    assert [finding["kind"] for finding in summary(heapwise.folder / "a")["findings"]] == ["not_repeatable"]


def test_a_program_that_prints_without_end_is_stopped(heapwise: Heapwise) -> None:
    """Catches a full disk."""
    answer = heapwise.run("try", *QUICK, "--output-limit", "1M", "--", "yes")
    assert answer.code == 1
    record = compared(heapwise)[0]
    assert record["status"] == "too_much_output"
    assert "--output-limit" in record["status_detail"]


def test_a_program_that_takes_the_machines_memory_is_stopped(heapwise: Heapwise) -> None:
    """Catches the kernel's killer choosing something else on the machine."""
    answer = heapwise.run("try", *QUICK, "--memory-floor", str(available_bytes() - (200 << 20)), "--",
                          sys.executable, "-c", "kept = [b'x' * (1 << 20) for _ in range(1500)]; input()")
    assert answer.code == 1
    record = compared(heapwise)[0]
    assert record["status"] == "out_of_memory", record
    assert "--memory-floor" in record["status_detail"]


def available_bytes() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))


def test_a_program_that_reads_the_terminal_finds_none(heapwise: Heapwise) -> None:
    """Catches a run that is stopped in the background until its time is up."""
    answer = heapwise.run("try", *QUICK, "--", "sh", "-c", "read answer < /dev/tty")
    assert answer.code == 1
    assert {record["status"] for record in compared(heapwise)} == {"crashed"}
    assert "/dev/tty" in compared(heapwise)[0]["status_detail"]


def test_input_is_read_from_a_file(heapwise: Heapwise) -> None:
    """Catches a filter program that is measured on nothing."""
    (heapwise.folder / "in").write_text("12345")
    answer = heapwise.run("try", *QUICK, "--input", "in", "--", "cat")
    assert answer.code == 0, answer.err
    assert {record["outcome"]["stdout_bytes"] for record in compared(heapwise)} == {5}


def test_a_shell_around_a_static_program_proves_nothing(heapwise: Heapwise) -> None:
    """Catches the shell's allocator that passes for the program's."""
    source = "#include <string.h>\n#include <unistd.h>\nstatic char b[1 << 26]; " \
             "int main(void) { memset(b, 1, sizeof b); usleep(300000); return 0; }"
    program = compile_program(heapwise.folder, source, "-static")
    answer = heapwise.run("try", *QUICK, "--", "sh", "-c", f"{program}; true")
    assert answer.code == 1
    assert set(statuses(heapwise)) == {"not_preloadable"}
    assert "statically" in compared(heapwise)[0]["status_detail"]


def test_every_process_of_a_tree_counts(heapwise: Heapwise) -> None:
    """Catches figures of a shell in place of those of its children, running at the same time."""
    work = f"{sys.executable} -c 'import time; kept = b\"x\" * 60_000_000; time.sleep(1)'"
    answer = heapwise.run("try", *QUICK, "--", "sh", "-c", f"{work} & {work} & wait")
    assert answer.code == 0, answer.err
    for record in compared(heapwise):
        assert record["metrics"]["tree_peak_bytes"] > 100_000_000 > record["metrics"]["rss_peak_bytes"]
        assert record["metrics"]["minor_faults_count"] > 2 * 60_000_000 / 4096 * 0.9
        assert max(record["timeline"]["processes_count"]) >= 3


def test_a_stopped_try_is_resumed(heapwise: Heapwise) -> None:
    """Catches a resumed campaign that runs another program, or begins anew."""
    words = ["try", "--repetitions", "6", "--warmup", "0", "--allocators", "glibc jemalloc", "--out", "a", "--",
             "sh", "-c", "sleep 0.2; echo done"]
    running = heapwise.start(*words)
    time.sleep(1.5)
    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)
    assert running.returncode == 130
    begun = len(records(heapwise.folder / "a"))
    answer = heapwise.run("try", "--resume", "a")
    assert answer.code == 0, answer.err
    done = [record for record in records(heapwise.folder / "a") if record["status"] == "ok"]
    assert len({(record["group"], record["block"], record["cell"]["allocator"]) for record in done}) == 13
    assert len(done) <= 13 + begun
    assert heapwise.run("bench", "--resume", "a").code == 2


def test_the_share_of_malloc_is_told(heapwise: Heapwise) -> None:
    """Catches hope for what another malloc cannot give: Python's small objects come from a pool of its own."""
    code = "kept = [str(i) for i in range(400_000)]; import time; time.sleep(0.2)"
    shares = {}
    for folder, variables in (("pool", {}), ("malloc", {"PYTHONMALLOC": "malloc"})):
        answer = heapwise.run("try", "--repetitions", "1", "--warmup", "0", "--allocators", "glibc", "--out", folder,
                              "--", sys.executable, "-c", code, **variables)
        assert answer.code == 0, answer.err
        assert "malloc owns" in answer.out
        record = next(one for one in records(heapwise.folder / folder) if one["cell"]["pass"] == "malloc_share")
        shares[folder] = record["metrics"]["malloc_bytes"] / record["metrics"]["tree_bytes"]
    assert shares["pool"] < 0.5 < shares["malloc"]


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
    for record in compared(heapwise):
        assert (record["status"] == "ok") == (record["cell"]["allocator"] == "glibc")
