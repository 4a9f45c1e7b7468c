"""What allocators say of themselves beside what was seen of them: the arithmetic and the table."""

import factory
import pytest
from heapwise.inference.summary import summarize_folder
from heapwise.output.inside_tables import inside_table
from heapwise.output.render import fitted, terminal_summary
from heapwise.records.folder import read_folder

GROUPS = [factory.GroupPlan("small_churn", {"glibc": factory.Behaviour(), "mine": factory.Behaviour(statistics=True)}, name, 3)
          for name in ("memory", "system_calls")]


def views_of(path, change=lambda record: None):
    """The views of a folder whose records with statistics `change` has altered."""
    folder = factory.write_folder(path, GROUPS)
    records = factory.read_records(folder)
    for record in records:
        if "statistics" in record:
            change(record)
    factory.write_records(folder, records)
    return summarize_folder(read_folder(folder))


def only(summary):
    assert [view["allocator"] for view in summary["inside"]] == ["mine"], "who counts nothing has no entry"
    return summary["inside"][0]


def test_growth_of_memory_and_calls_in_the_region_stand_beside_each_other(tmp_path):
    """Would catch: levels compared with growth, calls of the warm-up among those of the region."""
    view = only(views_of(tmp_path / "f"))
    assert view["inside"]["mapped_bytes"] == view["outside"]["mapped_bytes"] == 128 * factory.MIB
    assert view["inside"]["mmap_count"] == view["outside"]["mmap_count"] == 500
    assert "brk_count" not in view["outside"], "what the allocator does not count is not set beside it"
    assert view["mechanisms_per_1000_operations"] == {"refills_count": 50.0}


def test_a_call_that_one_side_did_not_count_shows(tmp_path):
    """Would catch: two kinds of calls whose errors cancel in the sum."""
    def miscount(record):
        if record["cell"]["pass"] == "system_calls":
            record["statistics"]["end"]["mmap_count"] += 7
            record["statistics"]["end"]["munmap_count"] -= 7

    right, wrong = views_of(tmp_path / "right"), views_of(tmp_path / "wrong", miscount)
    assert "1,000 =" in terminal_summary(right) and "≠" not in terminal_summary(right).split("not)")[1]
    table = inside_table(wrong)
    assert [text.tone for text in table.rows[0] if text.text == "1,000 ≠"] == ["failed"]


@pytest.mark.parametrize("levels, mapped", [
    ({"extents_bytes": 5, "retained_bytes": 2}, 7), ({"heap_bytes": 4, "mapped_objects_bytes": 3}, 7), ({"heap_bytes": 7}, 7),
    ({"retained_bytes": 7}, None)])
def test_mapped_memory_is_added_up_from_what_there_is(tmp_path, levels, mapped):
    """Would catch: an allocator whose `mapped` leaves out what it retains, set beside VSZ as if it were all."""
    def rename(record):
        if record["cell"]["pass"] == "memory":
            record["statistics"] = {"before": dict.fromkeys(levels, 0), "begin": {}, "end": levels}

    assert only(views_of(tmp_path / "f", rename))["inside"].get("mapped_bytes") == mapped


def test_a_folder_from_before_there_were_statistics_has_no_table(tmp_path):
    """Would catch: an empty table, or old results that can no longer be shown."""
    summary = views_of(tmp_path / "f", lambda record: record.pop("statistics"))
    assert summary["inside"] == [] and inside_table(summary) is None
    del summary["inside"]
    assert inside_table(summary) is None and "from inside" not in terminal_summary(summary)


def test_signs_have_a_plain_form(tmp_path):
    """Would catch: a question mark where the counts differ, on a terminal without Unicode."""
    import io
    assert fitted("≠ 3", io.TextIOWrapper(io.BytesIO(), encoding="ascii")) == "!= 3"
