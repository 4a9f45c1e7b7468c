"""Makes the package and the factory importable and builds the folders that several tests read.

All data of these tests is synthetic (factory.py); none of it was measured.
"""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.dont_write_bytecode = True
sys.path[:0] = [str(REPOSITORY / "scripts"), str(HERE)]

import factory  # noqa: E402
from heapwise.records.folder import read_folder  # noqa: E402
from heapwise.inference.summary import summarize_folder  # noqa: E402


@pytest.fixture(scope="session")
def bench_folder(tmp_path_factory):
    """A campaign over two cells, eight allocators (one missing, one that crashes) and a sweep. Read only."""
    return factory.write_folder(tmp_path_factory.mktemp("bench"), factory.bench_groups())


@pytest.fixture(scope="session")
def bench_summary(bench_folder):
    return summarize_folder(read_folder(bench_folder))


@pytest.fixture(scope="session")
def try_folder(tmp_path_factory):
    """A command under five allocators: other exit code, crash, other output among them. Read only."""
    groups = factory.command_groups(
        mimalloc=factory.Behaviour(exit_code=3),
        scudo=factory.Behaviour(fails=factory.fails_always("crashed", "ended by SIGSEGV")),
        mine=factory.Behaviour(output=lambda block: "other" if block > 3 else "same"))
    return factory.write_folder(tmp_path_factory.mktemp("try"), groups, kind="try")


@pytest.fixture(scope="session")
def try_summary(try_folder):
    return summarize_folder(read_folder(try_folder))


@pytest.fixture(scope="session")
def program_folder(tmp_path_factory):
    """Four programs, two of them served, seven allocators (one missing), malloc's share of three. Read only."""
    return factory.write_folder(tmp_path_factory.mktemp("apps"), factory.program_groups())


@pytest.fixture(scope="session")
def program_summary(program_folder):
    return summarize_folder(read_folder(program_folder))


@pytest.fixture(scope="session")
def service_folder(tmp_path_factory):
    """A workload with requests, five allocators (one missing, one without response times). Read only."""
    return factory.write_folder(tmp_path_factory.mktemp("service"), factory.service_groups())


@pytest.fixture(scope="session")
def service_summary(service_folder):
    return summarize_folder(read_folder(service_folder))


@pytest.fixture
def small_folder(tmp_path):
    """Three allocators, one pass, eight blocks; a test may change it."""
    behaviours = {name: factory.Behaviour() for name in ("glibc", "jemalloc", "tcmalloc")}
    return factory.write_folder(tmp_path / "small", [factory.GroupPlan("small_churn", behaviours)])


@pytest.fixture
def golden(request):
    """Compares a text with a file in golden/; HEAPWISE_UPDATE_GOLDEN=1 writes the file instead."""
    import os

    def compare(name: str, text: str) -> None:
        file = HERE / "golden" / name
        if os.environ.get("HEAPWISE_UPDATE_GOLDEN"):
            file.write_text(text, encoding="utf-8")
        assert text == file.read_text(encoding="utf-8"), f"{name} differs; HEAPWISE_UPDATE_GOLDEN=1 writes it anew"

    return compare
