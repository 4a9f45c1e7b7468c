"""`heapwise try --serve`: servers of all habits, and what they leave running."""
from __future__ import annotations

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from heapwise_command import Heapwise, records, summary

SERVER = Path(__file__).with_name("small_server.py")
PYTHON = os.path.realpath(sys.executable)
QUICK = ["--repetitions", "2", "--warmup", "0", "--allocators", "glibc jemalloc", "--out", "a"]


def serve(*habits: str) -> str:
    return f"exec {PYTHON} {SERVER} serve $HEAPWISE_RUN_DIR/s {' '.join(habits)}"


def drive(times: int = 200) -> str:
    return f"{PYTHON} {SERVER} ask $HEAPWISE_RUN_DIR/s {times}"


def compared(heapwise: Heapwise) -> list[dict]:
    return [record for record in records(heapwise.folder / "a") if record["cell"]["pass"] == "command"]


def details(heapwise: Heapwise) -> set[tuple[str, str]]:
    return {(record["status"], record["status_detail"]) for record in compared(heapwise)}


def servers_alive() -> list[int]:
    """Processes of this machine that run the small server."""
    alive = []
    for process in Path("/proc").iterdir():
        try:
            words = (process / "cmdline").read_bytes().split(b"\0") if process.name.isdigit() else []
        except OSError:
            continue
        if str(SERVER).encode() in words and b"serve" in words:
            alive.append(int(process.name))
    return alive


@pytest.fixture(autouse=True)
def nothing_is_left_running():
    """Catches, in every test here, a server that outlives its campaign."""
    yield
    assert servers_alive() == []


def test_a_server_is_measured_while_its_client_runs(heapwise: Heapwise) -> None:
    """Catches figures of the client, of the start, or of no server at all."""
    answer = heapwise.run("try", *QUICK, "--serve", serve(), "--drive", drive(),
                          "--metric", "asked=asked=([0-9]+):higher", PYTHONMALLOC="malloc")
    assert answer.code == 0, answer.err
    for record in compared(heapwise):
        assert record["status"] == "ok", record["status_detail"]
        metrics = record["metrics"]
        assert metrics["user_asked"] == 200
        assert metrics["rss_peak_bytes"] > 200 * 100_000  # what the server keeps, not the client
        assert metrics["minor_faults_count"] > 0
        assert 0 < metrics["ready_ns"]
        library = "jemalloc" if record["cell"]["allocator"] == "jemalloc" else "libc.so"
        assert library in record["identity"]["library_path"]
        assert record["outcome"]["stdout_bytes"] == len("asked=200 answer=200\n")
        assert record["timeline"]["tree_bytes"]
    share = [record for record in records(heapwise.folder / "a") if record["cell"]["pass"] == "malloc_share"]
    assert [record["status"] for record in share] == ["ok"]
    assert 0.5 < share[0]["metrics"]["malloc_bytes"] / share[0]["metrics"]["tree_bytes"] <= 1


def test_a_daemon_that_leaves_its_session_is_measured_and_stopped(heapwise: Heapwise) -> None:
    """Catches a double fork that escapes: not measured, and running for ever after."""
    answer = heapwise.run("try", *QUICK, "--serve", serve("daemon"), "--drive", drive(), PYTHONMALLOC="malloc")
    assert answer.code == 0, answer.err
    for record in compared(heapwise):
        assert record["metrics"]["rss_peak_bytes"] > 200 * 100_000


def test_a_daemon_without_serve_is_stopped_and_remarked(heapwise: Heapwise) -> None:
    """Catches a command that leaves its work to a process which nobody measures."""
    answer = heapwise.run("try", *QUICK, "--", "sh", "-c", "(setsid sleep 300 &) ; sleep 0.1")
    assert answer.code == 0, answer.err
    for record in compared(heapwise):
        assert record["outcome"]["leftover_processes_count"] == 1
        assert "--serve" in record["outcome"]["remarks"][0]


def test_a_server_that_never_gets_ready_is_told_so(heapwise: Heapwise) -> None:
    """Catches waiting for ever, in every block again."""
    answer = heapwise.run("try", *QUICK[:1], "3", *QUICK[2:], "--ready-timeout", "1s", "--serve", serve("mute"),
                          "--drive", drive())
    assert answer.code == 1
    assert {status for status, _ in details(heapwise)} == {"timed_out"}
    assert any("did not listen" in detail and "--ready" in detail for _, detail in details(heapwise))
    assert any(detail.startswith("not run again") for _, detail in details(heapwise))


def test_a_probe_that_fails_is_quoted(heapwise: Heapwise) -> None:
    """Catches 'not ready' without a word on why."""
    answer = heapwise.run("try", *QUICK, "--ready-timeout", "1s", "--serve", serve(), "--drive", drive(),
                          "--ready", "echo no such table >&2; false")
    assert answer.code == 1
    assert all("no such table" in detail for _, detail in details(heapwise))


def test_a_server_that_does_not_heed_sigterm_is_killed_and_its_run_kept(heapwise: Heapwise) -> None:
    """Catches a campaign that hangs at a server's end, or throws its figures away."""
    answer = heapwise.run("try", *QUICK, "--stop-timeout", "1s", "--serve", serve("deaf"), "--drive", drive())
    assert answer.code == 0, answer.err
    for record in compared(heapwise):
        assert record["status"] == "ok"
        assert any("was killed" in remark for remark in record["outcome"]["remarks"])


def test_a_server_that_crashes_is_not_its_clients_failure(heapwise: Heapwise) -> None:
    """Catches the blame going to the client, whose connection only broke."""
    answer = heapwise.run("try", *QUICK, "--serve", serve("crash"), "--drive", drive())
    assert answer.code == 1
    assert {status for status, _ in details(heapwise)} == {"crashed"}
    assert all("SIGSEGV" in detail for _, detail in details(heapwise))


def test_a_client_that_fails_has_a_status_of_its_own(heapwise: Heapwise) -> None:
    """Catches the blame going to the allocator."""
    answer = heapwise.run("try", *QUICK, "--serve", serve(), "--drive", "echo wrong password >&2; exit 4")
    assert answer.code == 1
    assert details(heapwise) == {("client_failed", "the client failed: exit code 4 instead of 0: wrong password")}


def test_a_client_that_hangs_is_stopped_with_its_server(heapwise: Heapwise) -> None:
    """Catches a campaign that waits for a client for ever: once the baseline's time is known, it need not."""
    once = "test -e $HEAPWISE_SETUP_DIR/done && sleep 300; touch $HEAPWISE_SETUP_DIR/done"
    answer = heapwise.run("try", "--repetitions", "1", "--warmup", "1", "--allocators", "glibc", "--out", "a",
                          "--timeout", "1s", "--serve", serve(), "--drive", once)
    assert answer.code == 1
    assert all(status == "timed_out" and "client" in detail for status, detail in details(heapwise))


def test_an_address_in_use_is_explained(heapwise: Heapwise) -> None:
    """Catches a stranger's server that is measured in place of one's own."""
    with socket.socket() as stranger:
        stranger.bind(("127.0.0.1", 0))
        stranger.listen(1)
        port = stranger.getsockname()[1]
        code = f"import socket; s = socket.socket(); s.bind(('127.0.0.1', {port})); s.listen(); input()"
        answer = heapwise.run("try", *QUICK, "--serve", f'exec {PYTHON} -c "{code}"', "--drive", "sleep 1",
                              "--ready", "true")
    assert answer.code == 1
    assert {status for status, _ in details(heapwise)} == {"crashed"}
    assert all("in use" in detail and "HEAPWISE_PORT" in detail for _, detail in details(heapwise))


def test_a_state_that_differs_is_found(heapwise: Heapwise) -> None:
    """Catches a server that stores something else under another allocator."""
    digest = "case $(tr '\\0' '\\n' < /proc/$(cat $HEAPWISE_RUN_DIR/pid)/environ) in *jemalloc*) echo b;; *) echo a;; esac"
    answer = heapwise.run("try", *QUICK, "--serve", "echo $$ > $HEAPWISE_RUN_DIR/pid; " + serve(), "--drive", drive(),
                          "--digest", digest)
    assert answer.code == 1, answer.err
    findings = summary(heapwise.folder / "a")["findings"]
    assert [(finding["kind"], finding["allocator"]) for finding in findings] == [("state_differs", "jemalloc")]
    assert answer.out.index("state") < answer.out.index("wall time")


def test_ctrl_c_stops_server_and_client(heapwise: Heapwise) -> None:
    """Catches a Ctrl-C that leaves half of what was started."""
    running = heapwise.start("try", *QUICK, "--serve", serve(), "--drive", "sleep 300")
    for _ in range(200):
        if servers_alive():
            break
        time.sleep(0.05)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 130, said
    assert "--resume" in said
    assert servers_alive() == []


def test_prepare_and_setup_run_where_they_should(heapwise: Heapwise) -> None:
    """Catches a setup that runs before each run, and a prepare that runs once."""
    answer = heapwise.run(
        "try", *QUICK, "--setup", "echo x >> $HEAPWISE_SETUP_DIR/setups",
        "--prepare", "cp $HEAPWISE_SETUP_DIR/setups $HEAPWISE_RUN_DIR/; echo y >> $HEAPWISE_RUN_DIR/prepared",
        "--", "sh", "-c", "cat $HEAPWISE_RUN_DIR/setups $HEAPWISE_RUN_DIR/prepared")
    assert answer.code == 0, answer.err
    assert {record["outcome"]["stdout_bytes"] for record in compared(heapwise)} == {4}


def test_a_setup_that_fails_is_a_status(heapwise: Heapwise) -> None:
    """Catches runs on a database that was never made."""
    answer = heapwise.run("try", *QUICK, "--setup", "echo no space >&2; false", "--", "true")
    assert answer.code == 1
    assert all(status == "setup_failed" and "no space" in detail for status, detail in details(heapwise))
