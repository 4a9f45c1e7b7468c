"""What `heapwise inspect` says of processes whose memory is known, and of those it cannot look at."""
from __future__ import annotations

import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from heapwise_command import BUILD, ROOT, Answer, Heapwise

MEBIBYTE = 1 << 20
THREADS = 6
LARGE_BYTES, TOUCHED_BYTES, SHARED_BYTES, ARENA_BYTES = 100 * MEBIBYTE, 50 * MEBIBYTE, 20 * MEBIBYTE, MEBIBYTE // 16

# Blocks from the C library itself: one large one of which half is used, a memfd, and one in each thread's arena.
KNOWN = f"""
import ctypes, mmap, os, sys, threading
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
def take(size, used):
    block = libc.malloc(ctypes.c_size_t(size))
    ctypes.memset(block, 1, used)
take({LARGE_BYTES}, {TOUCHED_BYTES})
file = os.memfd_create("known")
os.ftruncate(file, {SHARED_BYTES})
shared = mmap.mmap(file, {SHARED_BYTES})
shared[:] = bytes({SHARED_BYTES})
barrier, forever = threading.Barrier({THREADS} + 1), threading.Event()
def work():
    take({ARENA_BYTES}, {ARENA_BYTES})
    barrier.wait()
    forever.wait()
for _ in range({THREADS}):
    threading.Thread(target=work, daemon=True).start()
barrier.wait()
print("ready", flush=True)
forever.wait()
"""

# A block that the C library maps, fills and unmaps each time: larger than its threshold can become.
CHURNING = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.free.argtypes = [ctypes.c_void_p]
print("ready", flush=True)
while True:
    block = libc.malloc(ctypes.c_size_t(64 << 20))
    ctypes.memset(block, 1, 64 << 20)
    libc.free(block)
"""

SLEEPING = "import time; print('ready', flush=True); time.sleep(100)"


class Targets:
    """Starts processes to look at, ready when they are returned; ends them all."""

    def __init__(self) -> None:
        self.processes: list[subprocess.Popen[str]] = []

    def start(self, program: str, user: int | None = None, **environment: str) -> subprocess.Popen[str]:
        process = subprocess.Popen([sys.executable, "-I", "-c", program], stdout=subprocess.PIPE, text=True, user=user,
                                   env={**os.environ, **environment})
        self.processes.append(process)
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
        return process

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def targets() -> Iterator[Targets]:
    started = Targets()
    yield started
    started.end()


def inspect(heapwise: Heapwise, process: subprocess.Popen[str] | int, *words: str) -> Answer:
    number = process if isinstance(process, int) else process.pid
    return heapwise.run("inspect", str(number), *words)


def inspection_of(heapwise: Heapwise, process: subprocess.Popen[str] | int, *words: str) -> dict:
    answer = inspect(heapwise, process, "--json", *words)
    assert answer.code == 0, answer.err
    return json.loads(answer.out)


def rules_of(inspection: dict) -> list[str]:
    return [advice["rule"] for advice in inspection["advice"]]


def size_in_status(process: subprocess.Popen[str], key: str) -> int:
    status = Path(f"/proc/{process.pid}/status").read_text()
    return 1024 * int(re.search(rf"^{key}:\s+(\d+) kB", status, re.MULTILINE)[1])


def test_known_memory_is_found_under_its_kind(heapwise: Heapwise, targets: Targets) -> None:
    """Catches memory of one kind told as another's, and memory that is in no kind or in two."""
    process = targets.start(KNOWN)
    memory = inspection_of(heapwise, process)["memory"]
    kinds, arenas = memory["kinds"], memory["arenas"]
    assert TOUCHED_BYTES <= kinds["anonymous"]["rss_bytes"] < TOUCHED_BYTES + 20 * MEBIBYTE
    assert kinds["anonymous"]["vsz_bytes"] >= LARGE_BYTES
    assert kinds["shared_memory"]["rss_bytes"] == SHARED_BYTES
    assert arenas["arenas_count"] == arenas["heaps_count"] == THREADS
    assert kinds["arenas"]["vsz_bytes"] == arenas["address_space_bytes"] == THREADS * 64 * MEBIBYTE
    assert THREADS * ARENA_BYTES <= kinds["arenas"]["rss_bytes"] <= arenas["opened_bytes"]
    stack_mappings = 1 + 2 * THREADS  # each thread's with its guard
    assert kinds["stacks"]["mappings_count"] == stack_mappings
    assert kinds["heap"]["mappings_count"] == 1
    assert memory["total"]["vsz_bytes"] == size_in_status(process, "VmSize")
    assert memory["total"]["rss_bytes"] == pytest.approx(size_in_status(process, "VmRSS"), rel=0.05)


def test_it_is_said_in_words_and_in_json_alike(heapwise: Heapwise, targets: Targets) -> None:
    """Catches fields that the schema does not describe, and sentences that only people or only programs get."""
    process = targets.start(KNOWN, GLIBC_TUNABLES="glibc.malloc.mmap_threshold=64M", MALLOC_TOP_PAD_="4096")
    inspection = inspection_of(heapwise, process)
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((ROOT / "results" / "schema.json").read_text())
    jsonschema.validate(inspection, {**schema, "$ref": "#/$defs/inspection"})
    assert inspection["process"]["pid"] == process.pid
    assert inspection["process"]["threads_count"] == THREADS + 1
    assert inspection["malloc"]["allocator"] == "glibc" and inspection["malloc"]["origin"] == "c_library"
    assert {"name": "MALLOC_TOP_PAD_", "value": "4096"} in inspection["settings"]
    assert "tunables_have_suffix" in rules_of(inspection)
    page = " ".join(inspect(heapwise, process).out.split())
    for words in ("glibc, the C library's own", "MALLOC_TOP_PAD_=4096", f"{THREADS} beside the heap", "20.0 MiB",
                  "minor faults", "over 1.0 s", *(advice["sentence"] for advice in inspection["advice"])):
        assert words in page, words


def test_which_malloc_answers_is_told(heapwise: Heapwise, targets: Targets) -> None:
    """Catches a preloaded allocator that is overlooked, and arenas of the C library seen in its memory."""
    library = BUILD / "librefmalloc.so"
    inspection = inspection_of(heapwise, targets.start(KNOWN, LD_PRELOAD=str(library)))
    assert inspection["malloc"]["origin"] == "preloaded" and inspection["malloc"]["allocator"] == "refmalloc"
    assert inspection["malloc"]["library_path"] == str(library.resolve())
    assert inspection["memory"]["arenas"]["heaps_count"] == 0
    assert "preload_is_missing" not in rules_of(inspection)


def test_churn_is_seen_at_once(heapwise: Heapwise, targets: Targets) -> None:
    """Catches rates of a sample that is too short or of the wrong process, and CPU time that is not its own."""
    inspection = inspection_of(heapwise, targets.start(CHURNING))
    rates = inspection["rates"]
    assert 0.9e9 < rates["sample_ns"] < 3e9
    assert rates["minor_faults_per_second"] > 10_000
    assert 0.05 < rates["user_cpu_share"] + rates["system_cpu_share"] < 1.2
    churn = next(advice for advice in inspection["advice"] if advice["rule"] == "faults_churn")
    assert any("mmap_threshold=64M,trim_threshold=256M" in command for command in churn["next"])


def test_a_quiet_process_is_left_in_peace(heapwise: Heapwise, targets: Targets) -> None:
    """Catches faults, CPU time or a stop that the looking itself causes in the process."""
    process = targets.start(SLEEPING)
    files = [Path(f"/proc/{process.pid}/{name}") for name in ("stat", "status", "maps")]
    while files[0].read_text().split()[2] != "S":
        time.sleep(0.01)
    before = [file.read_text() for file in files]
    rates = inspection_of(heapwise, process)["rates"]
    assert rates["minor_faults_per_second"] == rates["major_faults_per_second"] == rates["user_cpu_share"] == 0
    assert [file.read_text() for file in files] == before


@pytest.mark.parametrize(("words", "said"), [
    ([], "inspect takes the number of a process"),
    (["redis"], "'redis' is not the number of a process; find it with: pgrep -a NAME"),
    (["0"], "is not the number of a process"),
    (["12.5"], "is not the number of a process"),
    (["1", "--for", "5"], "write 90s, 5m or 1h"),
    (["1", "--watch", "often"], "is no number of seconds"),
    (["1", "--watch", "0"], "is no number of seconds"),
    (["1", "--wach"], "did you mean '--watch'"),
])
def test_wrong_words_are_refused_with_a_remedy(heapwise: Heapwise, words: list[str], said: str) -> None:
    """Catches words that are ignored, and errors that only say that there is one."""
    answer = heapwise.run("inspect", *words)
    assert answer.code == 2 and said in answer.err and not answer.out, answer.err


def test_a_process_that_has_gone_is_refused(heapwise: Heapwise) -> None:
    """Catches figures of nothing."""
    process = subprocess.Popen(["true"])
    process.wait()
    answer = inspect(heapwise, process.pid)
    assert answer.code == 2 and f"there is no process {process.pid}" in answer.err and not answer.out


def test_a_zombie_is_told_as_one(heapwise: Heapwise) -> None:
    """Catches a process without memory told as one that uses none."""
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    answer = inspect(heapwise, process.pid)
    process.wait()
    assert answer.code == 2 and "(a zombie)" in answer.err and f"process {os.getpid()}" in answer.err


def test_a_thread_of_the_kernel_is_told_as_one(heapwise: Heapwise) -> None:
    """Catches a kernel thread told as another user's process, or as one that has ended."""
    try:
        if Path("/proc/2/comm").read_text() != "kthreadd\n":
            pytest.skip("process 2 is no thread of the kernel here")
    except FileNotFoundError:
        pytest.skip("this container does not see the kernel's threads")
    answer = inspect(heapwise, 2)
    assert answer.code == 2 and "process 2 (kthreadd) is a thread of the kernel" in answer.err


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become another user")
def test_anothers_process_is_refused_with_what_to_type(heapwise: Heapwise, targets: Targets) -> None:
    """Catches a refusal that does not say who may look."""
    if not all(parent.stat().st_mode & 0o001 for parent in (BUILD, *BUILD.parents)):
        pytest.skip(f"other users cannot reach {BUILD}")
    nobody, process = 65534, targets.start(SLEEPING)
    heapwise.folder.chmod(0o777)
    refused = subprocess.run(heapwise.command("inspect", str(process.pid)), cwd="/", capture_output=True, text=True, user=nobody,
                             timeout=60, check=False)
    assert refused.returncode == 2 and not refused.stdout
    assert "belongs to root" in refused.stderr and f"type: sudo heapwise inspect {process.pid}" in refused.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root, to become another user")
def test_ones_own_process_takes_no_root(heapwise: Heapwise) -> None:
    """Catches a reading that only root may do and that is not needed."""
    if not all(parent.stat().st_mode & 0o001 for parent in (BUILD, *BUILD.parents)):
        pytest.skip(f"other users cannot reach {BUILD}")
    with subprocess.Popen(["sleep", "100"], user=65534) as process:
        answer = subprocess.run(heapwise.command("inspect", str(process.pid), "--json"), cwd="/", capture_output=True, text=True,
                                user=65534, timeout=60, check=False)
        process.kill()
    assert answer.returncode == 0, answer.stderr
    assert json.loads(answer.stdout)["memory"]["total"]["rss_bytes"] > 0


def test_it_can_look_at_itself_and_at_a_thread(heapwise: Heapwise, targets: Targets) -> None:
    """Catches a command that waits for itself, and a thread's number that is refused."""
    itself = subprocess.run(["sh", "-c", f"exec {BUILD}/heapwise inspect $$ --json"], capture_output=True, text=True, timeout=60,
                            check=False)
    assert itself.returncode == 0 and json.loads(itself.stdout)["process"]["is_self"]
    process = targets.start(KNOWN)
    thread = max(int(entry.name) for entry in Path(f"/proc/{process.pid}/task").iterdir())
    answer = inspect(heapwise, thread, "--json")
    assert answer.code == 0 and json.loads(answer.out)["process"]["pid"] == process.pid
    assert f"{thread} is a thread of process {process.pid}" in answer.err


def test_a_watch_prints_lines_and_then_all(heapwise: Heapwise, targets: Targets) -> None:
    """Catches escape sequences in a file, and a watch that does not end."""
    answer = inspect(heapwise, targets.start(KNOWN), "--watch", "0.2", "--for", "1s")
    assert answer.code == 0, answer.err
    heading, *lines = answer.out.splitlines()
    assert heading.split() == ["seconds", "RSS", "VSZ", "swap", "minor/s", "major/s", "user", "kernel"]
    looks = lines[:lines.index("")]
    assert 2 <= len(looks) <= 6 and all(len(line) == len(heading) for line in looks)
    assert "What this suggests" in answer.out and "\x1b" not in answer.out


def test_a_watch_in_json_is_an_object_a_line(heapwise: Heapwise, targets: Targets) -> None:
    """Catches a stream that no program can read while it grows."""
    answer = heapwise.run("inspect", "--json", "--for", "1s", "--watch", "0.25", str(targets.start(SLEEPING).pid))
    looks = [json.loads(line) for line in answer.out.splitlines()]
    assert 2 <= len(looks) <= 5
    assert 0.9e9 < looks[-1]["overall"]["sample_ns"] < 3e9
    samples = [look["rates"]["sample_ns"] for look in looks]
    assert sum(samples) == looks[-1]["overall"]["sample_ns"]


def test_watch_without_a_number_takes_the_process(heapwise: Heapwise, targets: Targets) -> None:
    """Catches the number of a process taken for an interval of an hour."""
    answer = heapwise.run("inspect", "--for", "1s", "--watch", str(targets.start(SLEEPING).pid))
    assert answer.code == 0 and "What this suggests" in answer.out, answer.err


def test_on_a_terminal_the_page_is_rewritten(heapwise: Heapwise, targets: Targets) -> None:
    """Catches pages that scroll by."""
    ours, theirs = pty.openpty()
    process = targets.start(SLEEPING)
    with subprocess.Popen(heapwise.command("inspect", str(process.pid), "--watch", "0.3", "--for", "1s"), stdout=theirs,
                          stderr=subprocess.PIPE) as watch:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # how a terminal says that nobody writes any more
            pass
    os.close(ours)
    assert watch.returncode == 0
    assert shown.count(b"\x1b[H\x1b[J") >= 3
    assert b"What this suggests" in shown.rsplit(b"\x1b[H\x1b[J", 1)[1]


def test_a_process_that_ends_meanwhile_leaves_its_last_figures(heapwise: Heapwise, targets: Targets) -> None:
    """Catches a watch that waits for ever, or takes the end of a process for an error of its own."""
    for words in (("--for", "1m"), ("--watch", "0.2")):
        process = targets.start(KNOWN)
        watch = heapwise.start("inspect", str(process.pid), *words)
        time.sleep(1)
        process.kill()
        process.wait()
        out, err = watch.communicate(timeout=20)
        assert watch.returncode == 0 and f"process {process.pid} has ended; these are its last figures" in err
        assert "shared memory" in out


@pytest.mark.parametrize(("words", "code"), [(["--watch", "0.2"], 0), (["--for", "1m"], 130)])
def test_ctrl_c_ends_with_what_is_known(heapwise: Heapwise, targets: Targets, words: list[str], code: int) -> None:
    """Catches a Ctrl-C that loses what was seen, and a short sample told as a whole one."""
    watch = heapwise.start("inspect", str(targets.start(SLEEPING).pid), *words)
    time.sleep(1)
    watch.send_signal(signal.SIGINT)
    out, _ = watch.communicate(timeout=20)
    assert watch.returncode == code and "What this suggests" in out
