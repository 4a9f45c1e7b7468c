"""Reading result folders: what is selected, what is refused, what is said."""

import gzip
import json
import lzma

import factory
import pytest
from heapwise.errors import HeapwiseError
from heapwise.records.folder import read_folder


def rewritten(folder, change):
    records = factory.read_records(folder)
    factory.write_records(folder, change(records))
    return read_folder(folder)


def test_every_planned_block_is_read_with_every_allocator(small_folder):
    """Would catch: records silently left out, so that a median stands on fewer runs than it says."""
    runs = read_folder(small_folder).groups[0]
    assert len(runs.blocks) == 8 and runs.incomplete_blocks_count == 0
    assert all(set(block) == {"glibc", "jemalloc", "tcmalloc"} for block in runs.blocks)


def test_a_torn_last_line_is_left_out_and_said(small_folder):
    """Would catch: a folder that cannot be read after a power cut, or half a record read as a whole one."""
    file = small_folder / "runs.jsonl"
    file.write_bytes(file.read_bytes()[:-40])
    folder = read_folder(small_folder)
    assert any("torn" in note for note in folder.notes)
    assert len(folder.groups[0].blocks) == 7, "the block of the torn record is incomplete"


def test_a_broken_line_in_the_middle_is_an_error_with_its_number(small_folder):
    """Would catch: damage in the data passed over as if it were an interrupted run."""
    lines = (small_folder / "runs.jsonl").read_text().splitlines()
    lines[4] = lines[4][:50]
    (small_folder / "runs.jsonl").write_text("\n".join(lines) + "\n")
    with pytest.raises(HeapwiseError, match="line 5"):
        read_folder(small_folder)


def test_nan_in_a_record_is_an_error(small_folder):
    """Would catch: a NaN that Python's JSON reader accepts and that then poisons every median."""
    text = (small_folder / "runs.jsonl").read_text()
    value = str(factory.read_records(small_folder)[0]["metrics"]["wall_per_operation_ns"])
    (small_folder / "runs.jsonl").write_text(text.replace(value, "NaN", 1))
    with pytest.raises(HeapwiseError, match="NaN"):
        read_folder(small_folder)


@pytest.mark.parametrize("version", [0, 2, None])
def test_a_folder_of_another_version_is_refused_with_both_versions(small_folder, version):
    """Would catch: fields of another version read with this version's meaning."""
    manifest = json.loads((small_folder / "manifest.json").read_text())
    manifest["schema_version"] = version
    (small_folder / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(HeapwiseError, match=f"schema_version {json.dumps(version)}; this program reads version 1"):
        read_folder(small_folder)


def test_a_record_of_another_version_is_refused(small_folder):
    """Would catch: a journal continued by another build."""
    with pytest.raises(HeapwiseError, match="schema_version 2"):
        rewritten(small_folder, lambda records: [{**record, "schema_version": 2} for record in records])


@pytest.mark.parametrize("missing", ["manifest.json", "runs.jsonl"])
def test_a_folder_without_its_files_is_refused_with_what_to_do(small_folder, missing):
    """Would catch: a traceback for a mistyped folder."""
    (small_folder / missing).unlink()
    with pytest.raises(HeapwiseError, match="Name a folder that `heapwise bench`"):
        read_folder(small_folder)


def test_an_interrupted_attempt_is_not_used_and_its_repetition_is(small_folder):
    """Would catch: the runs of an interrupted block joined with those of its repetition, hours later."""
    def interrupt(records):
        again = [{**r, "attempt": 1, "metrics": {"wall_per_operation_ns": 777.0, "cpu_per_operation_ns": 1.0}}
                 for r in records if r["block"] == 7]
        return records[:-1] + again

    runs = rewritten(small_folder, interrupt).groups[0]
    assert len(runs.blocks) == 8
    assert {record.metrics["wall_per_operation_ns"] for record in runs.blocks[7].values()} == {777.0}


def test_a_block_with_an_interrupted_run_does_not_count(small_folder):
    """Would catch: an interrupted run counted as a failure of its allocator."""
    def interrupt(records):
        records[-1] = {**records[-1], "status": "interrupted", "metrics": {}}
        return records

    folder = rewritten(small_folder, interrupt)
    assert len(folder.groups[0].blocks) == 7 and folder.groups[0].incomplete_blocks_count == 1
    assert any("1 of 8 blocks" in note and "--resume" in note for note in folder.notes)


def test_the_older_complete_attempt_stands_while_the_newer_is_incomplete(small_folder):
    """Would catch: a complete block lost because its needless repetition was cut off."""
    def repeat(records):
        return records + [{**record, "attempt": 1} for record in records[-3:-1]]

    assert len(rewritten(small_folder, repeat).groups[0].blocks) == 8


def test_records_that_no_group_planned_are_counted_and_said(small_folder):
    """Would catch: two campaigns in one folder compared with each other."""
    def add(records):
        stranger = json.loads(json.dumps(records[-1]))
        stranger["cell"]["workload"] = "unplanned"
        return records + [stranger]

    assert any("1 records belong to no group" in note for note in rewritten(small_folder, add).notes)


@pytest.mark.parametrize("says_group", [True, False])
def test_two_groups_that_share_a_cell_keep_their_own_blocks(tmp_path, says_group):
    """Would catch: glibc's runs of the sweep paired with jemalloc's of the comparison."""
    one = factory.Behaviour(time_ns=10)
    sweep = factory.Behaviour(time_ns=10_000)
    groups = [factory.GroupPlan("large_churn", {"glibc": one, "jemalloc": one}, blocks=4),
              factory.GroupPlan("large_churn", {"glibc": sweep, "glibc:top_pad=1M": sweep, "glibc:top_pad=2M": sweep},
                                blocks=4, purpose="sweep")]
    folder = factory.write_folder(tmp_path / "shared", groups)
    records = factory.read_records(folder)
    if says_group:
        records = [{**r, "group": 1 if r["metrics"]["wall_per_operation_ns"] > 1000 else 0} for r in records]
    interleaved = sorted(records, key=lambda r: (r["block"], r["metrics"]["wall_per_operation_ns"] > 1000, r["order"]))
    factory.write_records(folder, interleaved)
    comparison, swept = read_folder(folder).groups
    assert len(comparison.blocks) == len(swept.blocks) == 4
    assert all(record.metrics["wall_per_operation_ns"] < 1000 for block in comparison.blocks for record in block.values())
    assert all(record.metrics["wall_per_operation_ns"] > 1000 for block in swept.blocks for record in block.values())


@pytest.mark.parametrize("suffix, compress", [(".xz", lzma.compress), (".gz", gzip.compress)])
def test_compressed_records_read_like_plain_ones(small_folder, suffix, compress):
    """Would catch: reference results that only their maker can read, or a torn one that reads as a shorter one."""
    plain = read_folder(small_folder).groups
    data = (small_folder / "runs.jsonl").read_bytes()
    (small_folder / "runs.jsonl").unlink()
    packed = small_folder / f"runs.jsonl{suffix}"
    packed.write_bytes(compress(data))
    assert read_folder(small_folder).groups == plain
    packed.write_bytes(compress(data)[:200])
    with pytest.raises(HeapwiseError, match="cannot be decompressed"):
        read_folder(small_folder)


def test_a_folder_without_a_single_run_reads_as_one_without_blocks(small_folder):
    """Would catch: a campaign stopped in its first second that cannot be looked at."""
    (small_folder / "runs.jsonl").write_text("")
    folder = read_folder(small_folder)
    assert folder.groups[0].blocks == () and folder.groups[0].incomplete_blocks_count == 8
