"""`reference` and `readme`: what is committed reads back, and the README says what the results say."""

import json
import lzma
import re
import shutil

import factory
import pytest
from heapwise.__main__ import main
from heapwise.errors import HeapwiseError
from heapwise.records.folder import read_folder
from heapwise.output.plots.data import over_time_data
from heapwise.commands.reference import moments, pack
from heapwise.commands.summarize import read_summary

BLOCKS = "".join(f"<!-- heapwise:begin {name} -->\n<!-- heapwise:end {name} -->\n" for name in ("environment", "summary", "sweep", "try"))


@pytest.fixture(scope="module")
def repository(bench_folder, try_folder, tmp_path_factory):
    root = tmp_path_factory.mktemp("repository")
    pack(bench_folder, "full", root / "results" / "reference")
    pack(try_folder, "service", root / "results" / "reference")
    factory.write_program(root / "build")
    return root


@pytest.fixture
def readme(repository):
    file = repository / "README.md"
    file.write_text(f"# Synthetic\n\n{BLOCKS}\nThe end.\n")
    return file


def run(repository, *words):
    return main(["readme", "--root", str(repository), "--build", str(repository / "build"), *words])


def test_check_says_no_until_the_readme_is_written(repository, readme, capsys):
    """Would catch: figures in the README that no result carries."""
    assert run(repository, "--check") == 1 and "README.md is not what the results, the program and the sources say" in capsys.readouterr().out
    assert readme.read_text().endswith(f"{BLOCKS}\nThe end.\n"), "--check writes nothing"
    assert run(repository) == 0
    assert run(repository, "--check") == 0


def test_one_digit_changed_by_hand_is_noticed(repository, readme):
    """Would catch: a figure polished after the measurement."""
    run(repository)
    readme.write_text(readme.read_text().replace("0.72×", "0.71×", 1))
    assert run(repository, "--check") == 1


def test_the_blocks_hold_the_results_and_links_that_exist(repository, readme):
    """Would catch: an empty block, or a broken picture on the project's first page."""
    run(repository)
    text = readme.read_text()
    assert "Synthetic CPU" in text and "Within 10 % of the best time" in text and "`./service --synthetic`" in text
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert len(links) == 3 and all((repository / link).is_file() for link in links)
    assert text.startswith("# Synthetic\n") and text.endswith("The end.\n")


def test_the_summary_takes_the_folders_it_names_that_are_there(repository, readme, tmp_path):
    """Would catch: a figure invented for a folder that is not measured yet, or a second machine that is not told."""
    readme.write_text("<!-- heapwise:begin summary from=full,soak -->\n<!-- heapwise:end summary -->\n")
    run(repository)
    alone = readme.read_text()
    assert "| **fast path** |" in alone and "| **servers** |" in alone and "Measured on" not in alone
    grown = shutil.copytree(repository, tmp_path / "grown")
    behaviours = {"glibc": factory.Behaviour(), "jemalloc": factory.Behaviour()}
    soak = factory.write_folder(tmp_path / "soak", [factory.GroupPlan("large_churn", behaviours)])
    pack(soak, "soak", grown / "results" / "reference")
    run(grown)
    both = (grown / "README.md").read_text()
    assert "\n| large_churn | " in both and "\n| large_churn | " not in alone
    assert both.count("\n| small_churn | ") == 1 and "Measured on Synthetic CPU" in both and "(full and soak)." in both
    assert 0 < both.index("full-throughput") < both.index("soak-throughput")


def test_what_more_threads_bring_is_a_block(tmp_path):
    """Would catch: a scaling that was measured and can be shown nowhere, or its picture left out of the reference."""
    pack(factory.write_folder(tmp_path / "f", factory.scaling_groups()), "full", tmp_path / "results" / "reference")
    (tmp_path / "README.md").write_text("<!-- heapwise:begin scaling -->\n<!-- heapwise:end scaling -->\n")
    assert main(["readme", "--root", str(tmp_path)]) == 0
    text = (tmp_path / "README.md").read_text()
    assert "\nscaling: stress (operations a second of 1 thread" in text and "\nscaling: stress, against glibc (" in text
    link = re.search(r"!\[.*?\]\((.*?)\)", text)[1]
    assert "full-scaling-stress.png" in link and (tmp_path / link).is_file()


def test_a_document_below_docs_links_from_its_own_place(repository, readme):
    """Would catch: pictures that show only from the README."""
    document = repository / "docs" / "method.md"
    document.parent.mkdir(exist_ok=True)
    document.write_text("<!-- heapwise:begin sweep -->\n<!-- heapwise:end sweep -->\n")
    run(repository)
    assert "](../results/reference/pictures/full-sweep" in document.read_text()
    document.unlink()


def test_the_page_of_the_workloads_follows_program_and_files(repository, readme, capsys):
    """Would catch: a page that is left as it was when a parameter, a profile or a comment changes."""
    page = repository / "docs" / "workloads.md"
    page.parent.mkdir(exist_ok=True)
    page.write_text("<!-- heapwise:begin workloads -->\n<!-- heapwise:end workloads -->\n")
    sources = repository / "workloads"
    sources.mkdir()
    for name in ("small_churn", "large_churn", "producer_consumer"):
        (sources / f"{name}.cpp").write_text(f"// {name}\n//\n// Models: a.\n//\n// Does not model: b.\n//\n"
                                             "// Parameters and their source: c.\n//\n// How to read the result: d.\n")
    assert run(repository) == 0 and run(repository, "--check") == 0
    assert "**How to read the result:** d.\n" in page.read_text() and "in profile quick: `small_churn:live=1M`" in page.read_text()
    changed = sources / "large_churn.cpp"
    changed.write_text(changed.read_text().replace(": d.", ": e."))
    assert run(repository, "--check") == 1 and "docs/workloads.md is not what" in capsys.readouterr().out
    changed.write_text(changed.read_text().replace("// Does not model: b.", "//"))
    assert run(repository, "--check") == 2
    assert "large_churn.cpp: the header has no part `Does not model:`" in capsys.readouterr().err
    page.unlink()


@pytest.mark.parametrize("text, message", [
    ("<!-- heapwise:begin sumary -->\n<!-- heapwise:end sumary -->\n", "no block `sumary`. Use one of environment, summary"),
    ("<!-- heapwise:begin summary -->\n", "has no end"),
    ("<!-- heapwise:begin sweep -->\n<!-- heapwise:begin try -->\n<!-- heapwise:end try -->\n<!-- heapwise:end sweep -->\n", "has no end"),
    ("<!-- heapwise:begin summary from=other,soak -->\n<!-- heapwise:end summary -->\n", "nothing in results/reference/other and "),
    ("<!-- heapwise:begin self_cost -->\n<!-- heapwise:end self_cost -->\n", "nothing in results/reference has data"),
])
def test_a_wrong_mark_is_an_error_that_says_what_to_do(repository, readme, capsys, text, message):
    """Would catch: a mistyped block that stays empty for ever."""
    readme.write_text(text)
    assert run(repository) == 2 and message in capsys.readouterr().err
    assert readme.read_text() == text


def test_the_same_folder_packs_to_the_same_bytes(try_folder, tmp_path):
    """Would catch: references that change in git with the clock."""
    for name in "ab":
        pack(try_folder, "same", tmp_path / name)
    first, second = (sorted((p.relative_to(tmp_path / n), p.read_bytes()) for p in (tmp_path / n).rglob("*") if p.is_file()) for n in "ab")
    assert first == second


def test_a_reference_holds_the_records_as_they_were(repository, bench_folder):
    """Would catch: raw data lost on the way into the repository."""
    packed = repository / "results" / "reference" / "full"
    assert lzma.decompress((packed / "runs.jsonl.xz").read_bytes()) == (bench_folder / "runs.jsonl").read_bytes()
    assert main(["validate", str(packed)]) == 0
    assert read_summary(packed)["kind"] == "bench"


def test_of_commands_only_the_timelines_that_are_drawn_are_packed(program_folder, tmp_path):
    """Would catch: ten megabytes of looks at programs, a figure changed on the way, or a picture that changes by packing."""
    pack(program_folder, "apps", tmp_path)
    packed = [json.loads(line) for line in lzma.decompress((tmp_path / "apps" / "runs.jsonl.xz").read_bytes()).splitlines()]
    original = factory.read_records(program_folder)
    assert all({**ours, "timeline": 0} == {**theirs, "timeline": 0} for ours, theirs in zip(packed, original, strict=True))
    kept = [record for record in packed if record.get("timeline")]
    assert {tuple(record["timeline"]) for record in kept} == {("elapsed_ns", "tree_bytes")}
    lines = len({(record["cell"]["workload"], record["cell"]["allocator"]) for record in original if record.get("timeline")})
    assert len(kept) == lines == 25
    before, after = (read_folder(path).groups[0] for path in (program_folder, tmp_path / "apps"))
    assert [line.elapsed_seconds[-1] for line in over_time_data(before).lines] == [line.elapsed_seconds[-1] for line in over_time_data(after).lines]


def test_a_thinned_line_keeps_its_ends_and_its_peak():
    """Would catch: a peak between two moments that a picture no longer shows."""
    values = [10] * 5000
    values[1234] = 99
    places = moments(values)
    assert len(places) == 200 and places[0] == 0 and places[-1] == 4999 and 1234 in places and places == sorted(set(places))
    assert moments([3, 1, 2]) == [0, 1, 2]


def test_the_readme_shows_all_programs_and_a_service_of_ones_own(program_folder, tmp_path):
    """Would catch: programs without malloc's share, or a command that nobody can type."""
    service = factory.program_groups()[0]
    tried = factory.GroupPlan("command", {name: service.behaviours[name] for name in ("glibc", "jemalloc")}, "command", 8, "command",
                              parameters=service.parameters, user_metrics=service.user_metrics, program=service.program)
    words = ["build/heapwise", "try", "--out", "results/work/x", "--serve", "./service --port $HEAPWISE_PORT", "--drive", "client"]
    folder = factory.write_folder(tmp_path / "try", [tried], kind="try")
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "command_line": words}))
    for name, source in (("apps", program_folder), ("try-service", folder)):
        pack(source, name, tmp_path / "results" / "reference")
    readme = tmp_path / "README.md"
    readme.write_text("".join(f"<!-- heapwise:begin {name} -->\n<!-- heapwise:end {name} -->\n" for name in ("apps", "try")))
    assert run(tmp_path) == 0 and run(tmp_path, "--check") == 0
    text = readme.read_text()
    assert "- store: an in-memory store under a pipelined client" in text
    assert "\nWall time:\n" in text and "| compiler | 11 % |" in text and "<summary>Minor faults</summary>" in text
    assert text.count("↑ in a heading: there higher is better") == 2, "with each table that has one"
    assert "build/heapwise try \\\n  --serve './service --port $HEAPWISE_PORT' \\\n  --drive client\n" in text
    links = re.findall(r"!\[.*?\]\((.*?)\)", text)
    assert [link.rpartition("/")[2] for link in links] == ["apps-wall-time.png", "apps-peak-memory.png", links[2].rpartition("/")[2]]
    assert "try-service-over-time-" in links[2] and all((tmp_path / link).is_file() for link in links)


def test_a_reference_does_not_say_where_the_checkout_lay(small_folder, tmp_path):
    """Would catch: a path of one machine in the repository."""
    from heapwise.commands.reference import ROOT
    for name in ("manifest.json", "runs.jsonl"):
        file = small_folder / name
        file.write_text(file.read_text().replace("/synthetic/", f"{ROOT}/build/"))
    assert str(ROOT) in (small_folder / "manifest.json").read_text()
    pack(small_folder, "moved", tmp_path)
    packed = tmp_path / "moved"
    assert str(ROOT).encode() not in lzma.decompress((packed / "runs.jsonl.xz").read_bytes())
    assert all(str(ROOT) not in file.read_text() for file in packed.glob("*.json"))


def test_a_torn_line_is_not_packed(small_folder, tmp_path):
    """Would catch: a reference that begins its life with a warning."""
    file = small_folder / "runs.jsonl"
    file.write_bytes(file.read_bytes()[:-40])
    pack(small_folder, "torn", tmp_path)
    assert not any("torn" in note for note in read_summary(tmp_path / "torn")["notes"])


def test_what_is_shown_in_tables_only_is_packed_without_pictures(small_folder, tmp_path, capsys):
    """Would catch: pictures that nobody looks at, out of the ten megabytes, or records that go with them."""
    main(["reference", str(small_folder), "drawn", "--into", str(tmp_path)])
    main(["reference", str(small_folder), "bare", "--into", str(tmp_path), "--no-pictures"])
    assert {path.name.partition("-")[0] for path in (tmp_path / "pictures").iterdir()} == {"drawn"}
    assert (tmp_path / "bare" / "runs.jsonl.xz").read_bytes() == (tmp_path / "drawn" / "runs.jsonl.xz").read_bytes()


def test_too_large_a_reference_is_refused_and_leaves_the_old_one(small_folder, tmp_path, monkeypatch):
    """Would catch: a repository that grows by a campaign at a time."""
    from heapwise.commands import reference
    pack(small_folder, "one", tmp_path)
    before = (tmp_path / "one" / "runs.jsonl.xz").read_bytes()
    monkeypatch.setattr(reference, "LARGEST_TOTAL_BYTES", 10_000)
    with pytest.raises(HeapwiseError, match="together at most"):
        pack(small_folder, "one", tmp_path)
    assert (tmp_path / "one" / "runs.jsonl.xz").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == sorted({"one", "pictures", "small"})


@pytest.mark.parametrize("name", ["../x", "Full", "", "pictures"])
def test_a_reference_is_named_so_that_it_is_one_folder(small_folder, tmp_path, name):
    """Would catch: a name that writes somewhere else."""
    with pytest.raises(HeapwiseError, match="cannot name a reference"):
        pack(small_folder, name, tmp_path / "into")


def test_what_the_instrument_costs_goes_along(small_folder, tmp_path):
    """Would catch: a document that promises its own cost and shows none."""
    rows = [{"name": "bracket", "value": 20.5, "unit": "ns", "target": 25.0, "how": "synthetic"}]
    (small_folder / "self_cost.json").write_text(json.dumps({"rows": rows}))
    pack(small_folder, "costs", tmp_path / "results" / "reference")
    (tmp_path / "README.md").write_text("<!-- heapwise:begin self_cost -->\n<!-- heapwise:end self_cost -->\n")
    assert main(["readme", "--root", str(tmp_path)]) == 0
    assert "| bracket | 20.5 ns | 25.0 ns | synthetic |" in (tmp_path / "README.md").read_text()
