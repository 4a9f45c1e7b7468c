"""What long runs come to: the rules on synthetic courses, the entries of the summary, the table and the picture."""

import factory
import numpy as np
import pytest
from heapwise.inference.endurance import agreed, memory_course, tail_course
from heapwise.inference.summary import summarize_folder
from heapwise.output.endurance_tables import endurance_table
from heapwise.output.plots import draw_all
from heapwise.output.plots.data import course_data
from heapwise.output.render import TERMINAL_WIDTH, terminal_summary
from heapwise.records.folder import read_folder
from heapwise.records.schema import Checker

POINTS = 65  # the start of the region and 64 slices
PLACE = np.arange(POINTS) / (POINTS - 1)
DAY = 0.5 + 0.5 * np.cos(2 * np.pi * 4 * PLACE)  # four days in a run
LIVE = 64.0 * factory.MIB


def course_of(ratios, live=LIVE):
    live = np.broadcast_to(live, PLACE.shape)
    return memory_course(1000 * PLACE, live, ratios * live)


def noise(seed, size):
    return np.exp(np.random.default_rng(seed).normal(0, size, POINTS))


def test_what_grows_from_quarter_to_quarter_rises():
    """Would catch: an allocator that leaks its way through the last day."""
    assert course_of(1.2 + 0.4 * PLACE).rises
    assert course_of((1.2 + 0.4 * PLACE) * noise(1, 0.02)).rises


def test_a_plateau_does_not_rise_however_noisy():
    """Would catch: the noise of points taken for growth."""
    settled = 1.3 - 0.3 * np.exp(-12 * PLACE)
    assert not course_of(settled).rises
    assert not any(course_of(settled * noise(seed, 0.015)).rises for seed in range(200))
    noisy = [course_of(settled * noise(seed, 0.04)).rises for seed in range(300)]
    assert 0 < sum(noisy) < 15, "a single run may look so"
    assert not any(agreed(noisy[at:at + 3]) for at in range(0, 300, 3)), "three runs do not"


def test_the_curve_of_the_day_is_no_growth():
    """Would catch: an evening compared with a noon. RSS stays where the day's peak has put it while the live set sinks."""
    live = LIVE * (0.5 + 0.5 * DAY)
    held = 1.1 * LIVE / live
    assert not course_of(held, live).rises
    sawtooth = 1.1 + (4 * PLACE) % 1
    assert not course_of(sawtooth).rises


def test_growth_beneath_the_curve_of_the_day_is_seen():
    """Would catch: a rise of a tenth a day that is lost in swings ten times as large."""
    live = LIVE * (0.5 + 0.5 * DAY)
    assert course_of(1.1 * LIVE / live * (1 + 0.4 * PLACE), live).rises


def test_a_slow_rise_passes_and_a_fall_is_none():
    """Would catch: another threshold than the one that the table states."""
    assert not course_of(1.2 * (1 + 0.08 * PLACE)).rises, "2 % from quarter to quarter"
    assert course_of(1.2 * (1 + 0.2 * PLACE)).rises, "4 % and more"
    assert not course_of(2.0 - 0.5 * PLACE).rises


def test_quarters_are_means_of_rss_over_means_of_live():
    """Would catch: quarters exchanged, the point before the region counted, a mean of ratios that rare points make."""
    ratios = np.where(PLACE == 0, 99.0, 1 + np.ceil(4 * PLACE))
    course = course_of(ratios)
    assert course.quarters == pytest.approx((2, 3, 4, 5)) and course.peak == pytest.approx(5)
    live = np.where(np.arange(POINTS) % 2, 10.0, 30.0)
    assert memory_course(PLACE, live, np.full(POINTS, 40.0)).quarters == pytest.approx((2, 2, 2, 2))


def test_quarters_are_of_operations_not_of_points():
    """Would catch: a thread's samples, which come by time, cut by their number."""
    operations = np.concatenate([np.linspace(0, 250, 100), np.linspace(260, 1000, 30)])
    course = memory_course(operations, np.ones(130), 1 + np.ceil(operations / 250))
    assert course.quarters == pytest.approx((2, 3, 4, 5))


@pytest.mark.parametrize("operations, live, grown", [
    (np.arange(16), np.ones(16), np.ones(16)),  # 15 points in the region
    (PLACE, np.where(PLACE > 0.9, 0.0, 1.0), np.ones(POINTS)),  # nothing alive at times
    (PLACE, np.ones(POINTS), -np.ones(POINTS)),  # less than there was before
    (np.concatenate([np.linspace(0, 1, 40), [1000]]), np.ones(41), np.ones(41)),  # quarters without points
])
def test_what_has_no_course_has_no_figures(operations, live, grown):
    """Would catch: a ratio to nothing, a quarter that is the mean of a point or two."""
    assert memory_course(operations, live, grown) is None


def tail(second_half=1.0, seed=1):
    """Slices of four days: the nights' are six times the days', and one slice in each half is a stall."""
    slices = 8e3 * np.exp(np.random.default_rng(seed).normal(0, 0.1, 64)) * np.where(np.arange(64) % 16 < 2, 6, 1)
    slices[[20, 55]] = 4e7
    return slices * np.where(np.arange(64) < 32, 1, second_half)


def test_a_tail_that_grows_rises_and_one_with_stalls_does_not():
    """Would catch: two bad moments of the machine, or the nights, taken for ageing."""
    middle = np.full(64, 2e3)
    assert not any(tail_course(middle, tail(seed=seed)).rises for seed in range(200))
    grown = tail_course(middle, tail(1.6))
    assert grown.rises and grown.ratio == pytest.approx(1.6, rel=0.1)


def test_slices_are_paired_with_those_of_the_same_hour():
    """Would catch: a median over hours of which one half has more that are slow."""
    slices = np.tile([1e3, 1e5], 32)
    assert tail_course(np.ones(64), slices).ratio == 1.0
    assert tail_course(np.ones(64), slices * np.where(np.arange(64) < 32, 1, 2)).ratio == 2.0


def test_a_service_that_cannot_keep_up_has_fallen_behind():
    """Would catch: a growing queue taken for an allocator that ages."""
    assert tail_course(np.geomspace(2e3, 2e6, 64), np.geomspace(8e3, 3e6, 64)).fell_behind
    assert not tail_course(np.linspace(2e3, 6e3, 64), np.linspace(8e3, 3e4, 64)).fell_behind


def test_runs_must_agree_and_one_run_says_nothing():
    """Would catch: a statement from a single run, or from the majority."""
    assert agreed([True]) is None and agreed([False]) is None and agreed([]) is None
    assert agreed([True, True]) is True and agreed([False, False, False]) is False
    assert agreed([True, False, True]) is None


# From the records to the table.

BEHAVIOURS = {"glibc": factory.Behaviour(), "mine": factory.Behaviour(rss_bytes=80 * factory.MIB),
              "broken": factory.Behaviour(fails=factory.fails_always("crashed"))}


def groups(blocks=3):
    days = [factory.GroupPlan("long_running", BEHAVIOURS, name, blocks, parameters={"sessions": 8000})
            for name in ("memory", "open_loop", "system_calls")]
    return [*days, factory.GroupPlan("small_churn", BEHAVIOURS, "memory", blocks)]


def changed(path, change=lambda record: None, blocks=3):
    """The folder whose records with a timeline `change` has altered."""
    folder = factory.write_folder(path, groups(blocks))
    records = factory.read_records(folder)
    for record in records:
        if "timeline" in record:
            change(record)
    factory.write_records(folder, records)
    return read_folder(folder)


def let_mine_rise(record, workload="long_running"):
    """`mine` holds more and more, and its tail doubles."""
    if (record["cell"]["workload"], record["cell"]["allocator"]) != (workload, "mine"):
        return
    timeline = record["timeline"]
    place = np.linspace(0, 1, len(timeline["operations_count"]))
    if "rss_bytes" in timeline:
        before = record["metrics"]["rss_before_bytes"]
        timeline["rss_bytes"] = [int(before + (rss - before) * (1 + p)) for rss, p in zip(timeline["rss_bytes"], place)]
    else:
        timeline["request_p999_ns"] = [value * (2 if p > 0.5 else 1) for value, p in zip(timeline["request_p999_ns"], place)]


def view_of(summary, allocator, workload="long_running"):
    return next(view for view in summary["endurance"] if (view["workload"], view["allocator"]) == (workload, allocator))


def test_memory_and_tail_of_a_cell_stand_in_one_entry(tmp_path):
    """Would catch: allocators exchanged, the harness's tables counted, passes of one cell apart."""
    summary = summarize_folder(changed(tmp_path / "f", let_mine_rise))
    assert Checker("summary").problems(summary) == []
    assert [(view["workload"], view["allocator"]) for view in summary["endurance"]] == [
        ("long_running", "glibc"), ("long_running", "mine"), ("small_churn", "glibc"), ("small_churn", "mine")]
    glibc, mine = (view_of(summary, name) for name in ("glibc", "mine"))
    assert glibc["memory"]["rss_per_live_quarters"] == pytest.approx([1.25] * 4, rel=0.01)
    assert glibc["memory"]["still_rising"] is False and glibc["tail"]["still_rising"] is False
    assert mine["memory"]["still_rising"] is True and mine["memory"]["rising_runs_count"] == 3
    assert mine["tail"]["still_rising"] is True and mine["tail"]["ratio"] == pytest.approx(2, rel=0.1)
    assert "tail" not in view_of(summary, "mine", "small_churn")


def test_a_single_run_gives_figures_and_no_statement(tmp_path):
    """Would catch: `no` from a run that nothing repeats."""
    view = view_of(summarize_folder(changed(tmp_path / "f", let_mine_rise, blocks=1)), "mine")
    assert view["memory"]["still_rising"] is None and view["memory"]["rising_runs_count"] == 1
    assert view["tail"]["still_rising"] is None


def test_who_fell_behind_in_one_run_gets_no_statement(tmp_path):
    """Would catch: the tail of a queue judged because two other runs had none."""
    def fall_behind(record):
        if record["block"] == 1 and record["cell"]["allocator"] == "mine" and "request_p50_ns" in record["timeline"]:
            record["timeline"]["request_p50_ns"][-1] *= 100

    view = view_of(summarize_folder(changed(tmp_path / "f", fall_behind)), "mine")
    assert view["tail"]["behind_runs_count"] == 1 and view["tail"]["still_rising"] is None


def rows_of(table):
    return {row[0].text.split(", ")[-1]: [text.text for text in row[1:]] for row in table.rows}


def test_the_table_says_what_rises_and_why_nothing_is_said(tmp_path):
    """Would catch: a verdict in the wrong column, a blank where runs disagree."""
    def rise_once(record):
        if record["block"] == 0:
            let_mine_rise(record)

    always, once = (summarize_folder(changed(tmp_path / name, change)) for name, change in (("a", let_mine_rise), ("o", rise_once)))
    alone = summarize_folder(changed(tmp_path / "s", blocks=1))
    verdicts = [rows_of(endurance_table(summary, everything=False))["mine"][place] for summary in (always, once, alone)
                for place in (5, 9)]
    assert verdicts == ["yes", "yes", "1 of 3", "1 of 3", "1 run", "1 run"]
    assert any("fewer than 2" in note for note in endurance_table(alone).notes)
    assert not any("fewer than 2" in note for note in endurance_table(always).notes)


def test_the_terminal_is_shown_services_and_what_rises(tmp_path):
    """Would catch: a table as long as the plan, and growth that only summary.md knows."""
    calm = summarize_folder(changed(tmp_path / "calm"))
    risen = summarize_folder(changed(tmp_path / "risen", lambda record: let_mine_rise(record, "small_churn")))
    assert [row[0].text for row in endurance_table(calm, everything=False).rows] == ["long_running, glibc", "long_running, mine"]
    assert endurance_table(risen, everything=False).rows[-1][0].text == "small_churn, mine"
    assert len(endurance_table(calm).rows) == 4
    for line in terminal_summary(risen).splitlines():
        assert len(line) <= TERMINAL_WIDTH, line
    del calm["endurance"]
    assert endurance_table(calm) is None, "of a summary from before there were courses"


def test_the_table_is_the_golden_one(tmp_path, golden):
    """Would catch: a heading over another column, a note that is lost."""
    text = terminal_summary(summarize_folder(changed(tmp_path / "f", let_mine_rise)))
    golden("endurance.txt", text[text.index("what long runs come to"):text.index("ratios to the baseline")])


def test_the_course_is_drawn_of_cells_with_requests(tmp_path):
    """Would catch: a picture of nothing, and none of the tail."""
    folder = changed(tmp_path / "f", let_mine_rise)
    files = draw_all(folder, summarize_folder(folder), tmp_path / "plots")
    assert [file.stem for file in files if file.stem.startswith("course-")] == ["course-long-running"]


def test_lines_are_ratios_and_tails_of_ok_runs(tmp_path):
    """Would catch: RSS with the harness's tables in it, a line of a crashed allocator, the point before the region."""
    memory, tails = changed(tmp_path / "f").groups[:2]
    data = course_data(memory, tails)
    assert [line.spec for line in data.rss_per_live] == [line.spec for line in data.tail_ns] == ["glibc", "mine"]
    glibc = data.rss_per_live[0]
    assert glibc.values == pytest.approx(np.full(39, 1.25), rel=0.01) and glibc.operations[0] > 0
    assert course_data(memory, None) is None
    assert course_data(None, tails).rss_per_live == ()
