"""The gate's rules on single entries, and how often they alarm without cause."""

import numpy as np
import pytest
from heapwise.records.metrics import METRICS
from heapwise.inference.policy import Runs, entry_key, floor_of, is_flagged, judge, judge_folders
from heapwise.inference.statistics import compare

METRIC = {(metric.name, metric.pass_name): metric for metric in METRICS}
TIME, FAULTS, RSS, CALLS = ("wall_per_operation_ns", "minor_faults_per_operation", "rss_peak_growth_bytes",
                            "system_calls_per_operation")
ORDINARY = {TIME: 20.0, FAULTS: 2.0, RSS: 64e6, CALLS: 0.02}


def entry(metric=TIME, ratio=1.05, low=None, high=None, p=2 / 256, pairs=8, workload="churn", **changes):
    """A comparison whose interval is 0.2 % to each side, unless it is told otherwise."""
    metric = METRIC[metric, "system_calls" if metric == CALLS else "lockstep"]
    base = ORDINARY.get(metric.name, 100.0)
    low, high = (ratio - 0.002 if low is None else low), (ratio + 0.002 if high is None else high)
    ends = {name: base * (value - 1) for name, value in
            (("difference", ratio), ("difference_low", low), ("difference_high", high))}
    return {"workload": workload, "parameters": {}, "threads": 1, "pass": metric.pass_name, "purpose": "comparison",
            "allocator": "new", "baseline": "old", "metric": metric.name, "unit": metric.unit,
            "metric_class": metric.metric_class, "better": metric.better, "blocks_count": pairs, "failed_count": 0,
            "median": base * ratio, "baseline_median": base, "ratio": ratio, "ratio_low": low, "ratio_high": high,
            **ends, "p_value": p, "p_adjusted": p, "verdict": None, "title": workload, **changes}


def again(one, p=0.0001, pairs=16, **changes):
    return {**one, "p_value": p, "blocks_count": pairs, **changes}


def without_ratio(difference, metric="major_faults_count", p=2 / 256):
    one = entry(metric, p=p, median=difference, baseline_median=0.0, ratio_low=None, ratio_high=None)
    return {**one, "ratio": None, "ratio_low": None, "ratio_high": None, "difference": difference,
            "difference_low": difference, "difference_high": difference}


def runs(candidate, baseline, planned=8, workload="churn"):
    return Runs(entry(workload=workload), tuple(candidate), tuple(baseline), planned)


def outcome(*arguments, **named):
    """Of the first entry."""
    return next(one for one in judge(*arguments, **named).judgements if one.metric is not None)


def test_what_is_worse_twice_is_a_regression_and_what_is_worse_once_passes():
    """Would catch: an alarm from one look, which every campaign of hundred cells gives, or one that never comes."""
    one = entry()
    found = judge([one], [again(one)])
    assert (found.verdict, found.exit_code, found.judgements[0].outcome) == ("regression", 1, "regression")
    assert found.judgements[0].p_holm == 0.0001 and found.judgements[0].confirmation["blocks_count"] == 16
    vanished = judge([one], [again(one, p=0.6, ratio=1.001, ratio_low=0.998, ratio_high=1.004)])
    assert (vanished.verdict, vanished.counts["not_confirmed"]) == ("pass", 1)


@pytest.mark.parametrize("metric, quiet, flagged", [
    (TIME, 1.009, 1.011), (FAULTS, 1.0024, 1.0026), (RSS, 1.014, 1.016), (CALLS, 1.0, 1.00001)])
def test_nothing_is_flagged_below_its_floor(metric, quiet, flagged):
    """Would catch: a highly significant 0.9 % of time called a regression, or a floor of another class."""
    near = {"low": 1.000001, "high": 1.02}
    assert not is_flagged(entry(metric, quiet, **near)) and is_flagged(entry(metric, flagged, **near))


@pytest.mark.parametrize("metric", [FAULTS, RSS])
def test_an_effect_as_large_as_the_band_is_well_above_the_floor(metric):
    """Would catch: an alarm at the effect that must be found, which finds it every second time."""
    assert floor_of(entry(metric)) == pytest.approx(METRIC[metric, "lockstep"].band / 2)
    assert is_flagged(entry(metric, 1 + METRIC[metric, "lockstep"].band))


def test_every_condition_of_the_screen_counts():
    """Would catch: p alone, or the interval alone."""
    assert is_flagged(entry())
    assert not is_flagged(entry(p=0.05)) and not is_flagged(entry(p=None))
    assert not is_flagged(entry(low=1.0)) and not is_flagged(entry(pairs=7))
    assert not is_flagged(entry(ratio=0.95))


def test_p_of_the_screen_is_not_adjusted():
    """Would catch: a screen of many cells that can never flag anything with eight pairs."""
    assert is_flagged(entry(p_adjusted=0.9))


def test_a_few_pages_are_no_regression_however_large_the_ratio():
    """Would catch: 32 KiB against 8 KiB reported as four times the memory."""
    few = entry(RSS, 4.0, low=3.9, high=4.1, difference=24576.0)
    assert not is_flagged(few) and outcome([few], []).outcome == "pass"


def test_a_time_is_judged_by_its_ratio_alone():
    """Would catch: the medians of whole runs, which drift, overruling the slices in lockstep, which do not."""
    assert is_flagged(entry(difference=-0.3))


def test_where_there_is_no_ratio_the_difference_speaks():
    """Would catch: major faults that appear out of nothing and go unseen, because 0 has no ratio."""
    assert is_flagged(without_ratio(256.0)) and not is_flagged(without_ratio(0.0, p=1.0))
    assert outcome([without_ratio(-3.0)], []).outcome == "improvement"
    assert not is_flagged(without_ratio(0.0009, FAULTS)) and is_flagged(without_ratio(0.0011, FAULTS))


def test_an_improvement_is_listed_and_never_an_alarm():
    """Would catch: better and worse exchanged, or a gate that blocks a faster allocator."""
    found = judge([entry(ratio=0.9)], [])
    assert (found.verdict, found.counts["improvement"]) == ("pass", 1)


def test_what_is_better_when_higher_is_worse_when_it_falls():
    """Would catch: an allocator blamed for serving more requests."""
    assert is_flagged(entry(ratio=0.9, better="higher")) and not is_flagged(entry(ratio=1.1, better="higher"))
    blind = entry(ratio=0.99, low=0.96, high=1.02, p=0.5, better="higher")
    assert outcome([blind], []).cause == "blind"
    assert outcome([{**blind, "ratio_low": 0.98, "ratio_high": 1.04}], []).outcome == "pass"


def test_all_that_is_flagged_is_one_family():
    """Would catch: p of each cell on its own, with which hundred flagged cells give a false alarm every time."""
    screen = [entry(workload=f"cell{number}", ratio=1.02) for number in range(6)]
    confirmation = [again(screen[0], p=0.002), *(again(one, p=0.5) for one in screen[1:])]
    assert judge(screen[:1], confirmation).verdict == "regression"
    found = judge(screen, confirmation)
    assert found.judgements[0].p_holm == pytest.approx(0.012) and found.counts["not_confirmed"] == 6


def test_what_was_not_measured_again_stays_in_the_family():
    """Would catch: a time budget that makes the rest significant by running out."""
    screen = [entry(workload=f"cell{number}", ratio=1.02) for number in range(6)]
    found = judge(screen, [again(screen[0], p=0.002)])
    assert found.judgements[0].outcome == "not_confirmed"
    assert (found.verdict, found.counts["inconclusive"]) == ("inconclusive", 5)


def test_a_confirmation_that_ran_out_of_time_is_inconclusive():
    """Would catch: a budget that runs out taken for a pass."""
    one = entry()
    found = outcome([one], [again(one, pairs=15)])
    assert (found.outcome, found.cause) == ("inconclusive", "confirmation_incomplete")
    assert found.reason == "worse, and measured again in 15 of 16 pairs"
    assert outcome([one], []).reason == "worse, and measured again in 0 of 16 pairs"


@pytest.mark.parametrize("changes", [
    {"ratio": 0.95, "ratio_low": 0.94, "ratio_high": 0.96}, {"ratio": 1.008, "ratio_low": 1.006, "ratio_high": 1.01}])
def test_a_confirmation_the_other_way_or_below_the_floor_confirms_nothing(changes):
    """Would catch: significant and therefore bad."""
    one = entry()
    assert outcome([one], [again(one, **changes)]).outcome == "not_confirmed"


def test_a_time_too_noisy_to_see_what_must_be_seen_is_inconclusive():
    """Would catch: a pass because nothing could be seen."""
    one = entry(ratio=1.0, low=0.94, high=1.06, p=0.9)
    found = outcome([one], [])
    assert (found.outcome, found.cause) == ("inconclusive", "blind")
    assert found.reason == "3 % slower could hide: about 128 pairs instead of 8"  # 8 · (6 / 1.5)²
    assert outcome([one], [], detect=0.10).outcome == "pass"
    assert outcome([entry(ratio=0.97, low=0.92, high=1.02, p=0.2)], []).outcome == "pass", "not that much worse"
    assert outcome([entry(RSS, 1.0, low=0.9, high=1.1, p=0.9)], []).outcome == "pass", "only time is noisy"


def test_a_confirmation_that_could_hide_a_regression_is_no_pass():
    """Would catch: 5 % slower twice, the second time too noisy for p, and passed."""
    one = entry()
    found = outcome([one], [again(one, p=0.04, ratio_low=1.001, ratio_high=1.1)])
    assert (found.outcome, found.cause) == ("inconclusive", "blind") and "instead of 16" in found.reason


def test_fewer_than_eight_pairs_say_how_many_are_missing():
    """Would catch: a pass from three blocks."""
    found = outcome([entry(pairs=3, p=None)], [])
    assert (found.outcome, found.cause, found.reason) == ("inconclusive", "too_few_pairs", "3 of 8 pairs: 5 missing")


CRASH = "crashed (signal 11)"


def test_a_candidate_that_crashes_is_a_regression_and_says_how_often():
    """Would catch: a crash that has no figures and therefore no regression."""
    found = judge([entry(pairs=5, p=None)], [], [runs([CRASH] * 3 + [None] * 5, [None] * 8)])
    assert found.verdict == "regression" and found.judgements[0].reason == "crashed (signal 11) in 3 of 8 runs"
    assert found.judgements[1].outcome == "not_judged", "the missing pairs are the crash's"
    once = judge([entry(ratio=1.0)], [], [runs([None] * 11 + [CRASH], [None] * 12)])
    assert once.verdict == "regression" and once.judgements[1].outcome == "pass"


def test_a_baseline_that_crashes_leaves_its_cell_inconclusive():
    """Would catch: a pass or an alarm from a comparison with what does not run."""
    found = judge([entry(pairs=0, p=None)], [], [runs([None] * 8, [CRASH] * 8)])
    assert found.verdict == "inconclusive" and found.judgements[0].cause == "baseline_failed"
    assert found.judgements[0].reason == "baseline crashed (signal 11) in 8 of 8 runs"
    both = judge([], [], [runs([CRASH] * 4 + [None] * 4, [CRASH] * 3 + [None] * 5)])
    assert both.verdict == "inconclusive", "both fail now and then"
    assert judge([], [], [runs([CRASH] * 8, [None] * 7 + ["timed out"])]).verdict == "regression"
    assert judge([], [], [runs([CRASH] * 8, [CRASH] * 8)]).verdict == "inconclusive"


def test_a_group_without_a_block_or_without_figures_is_inconclusive():
    """Would catch: a cell that the time budget never reached, missing from the judgement and so passed."""
    found = judge([], [], [runs([], [], planned=12)])
    assert found.verdict == "inconclusive" and "12 were planned" in found.judgements[0].reason
    assert judge([], [], [runs([None] * 8, [None] * 8)]).judgements[0].reason.startswith("no run has figures")
    assert judge([entry(ratio=1.0)], [], [runs([None] * 8, [None] * 8)]).verdict == "pass"


def test_the_gravest_outcome_is_the_verdict():
    """Would catch: an inconclusive cell that hides a regression in another."""
    one, noisy = entry(), entry(ratio=1.0, low=0.9, high=1.1, p=0.9, workload="noisy")
    assert judge([one, noisy], [again(one)]).exit_code == 1
    assert judge([noisy, entry(ratio=0.9, workload="better")], []).exit_code == 4


def sittings(metric=RSS, ratio=1.05, low=None, high=None, runs_count=3, p=None, **changes):
    return entry(metric, ratio, low, high, p=p, pairs=runs_count, allocator="same", baseline="same", **changes)


@pytest.mark.parametrize("one, expected", [
    (sittings(RSS, 1.02), "regression"), (sittings(RSS, 1.014, 1.001), "pass"), (sittings(RSS, 1.05, 0.999), "pass"),
    (sittings(RSS, 0.97), "improvement"), (sittings(CALLS, 1.0001, 1.0001, 1.0001), "regression"),
    (sittings(FAULTS, 1.003), "regression"), (sittings(RSS, 1.0), "pass"), (sittings(runs_count=1), "inconclusive")])
def test_counts_and_memory_of_two_folders_are_judged_by_disjoint_ranges(one, expected):
    """Would catch: system calls of two runs a side that need eight, or one run that needs no second."""
    assert judge_folders([one]).judgements[0].outcome == expected


def test_time_of_two_folders_is_never_a_regression():
    """Would catch: an alarm from times of two sittings that nothing can confirm, or a pass for them."""
    slower = judge_folders([sittings(TIME, 1.2, p=0.001, runs_count=8), sittings(RSS, 1.0)])
    assert slower.exit_code == 4 and slower.judgements[0].cause == "cannot_confirm"
    assert "heapwise gate --baseline old=PATH --candidate new=PATH" in slower.judgements[0].reason
    assert judge_folders([sittings(TIME, 1.2, p=0.001, p_adjusted=0.2, runs_count=8)]).exit_code == 0, "one of hundred"


def test_time_without_a_verdict_is_said_and_stops_nothing_but_is_no_pass_alone():
    """Would catch: a gate that passes because it could judge nothing at all."""
    unjudged = sittings(TIME, reason="the common baseline glibc is another build in B")
    few = sittings(TIME, 1.2, runs_count=3)
    found = judge_folders([unjudged, few, sittings(RSS, 1.0)])
    assert [one.outcome for one in found.judgements] == ["not_judged", "not_judged", "pass"] and found.exit_code == 0
    assert "another build" in found.judgements[0].reason
    assert judge_folders([unjudged]).exit_code == 3
    assert judge_folders([], refused=True).exit_code == 3
    assert judge_folders([], [runs([CRASH], [None])], refused=True).exit_code == 3, "unlike machines"


def test_a_crash_and_a_metric_that_is_gone_are_judged_between_folders_too():
    """Would catch: no data taken for no change."""
    gone = {**sittings(RSS, runs_count=0, reason="B: not measured"), **dict.fromkeys(("median", "ratio", "difference"))}
    assert judge_folders([gone]).judgements[0].outcome == "inconclusive"
    crashed = judge_folders([gone], [Runs(gone, (CRASH,) * 3, (None,) * 3, 3)])
    assert crashed.verdict == "regression" and crashed.judgements[1].outcome == "not_judged"


def paired(random, effect, pairs, metric=TIME, noise=0.01, workload="churn"):
    """An entry of invented pairs, with the noise that lockstep leaves between two processes."""
    base = ORDINARY[metric] * np.exp(random.normal(0, 0.2, pairs))
    found = compare(base * (1 + effect) * np.exp(random.normal(0, noise, pairs)), base, METRIC[metric, "lockstep"])
    return entry(metric, found.ratio.centre, found.ratio.low, found.ratio.high, found.p_value, pairs, workload)


def campaign(random, cells, effects=()):
    """A gate over cells of three metrics; `effects` of the first cells' times."""
    effects = [*effects, *[0.0] * (cells - len(effects))]
    noises = ((TIME, 0.01), (FAULTS, 0.0004), (RSS, 0.005))
    plan = [(f"cell{number}", metric, effect if metric == TIME else 0.0, noise)
            for number, effect in enumerate(effects) for metric, noise in noises]
    screen = [paired(random, effect, 8, metric, noise, cell) for cell, metric, effect, noise in plan]
    flagged = {entry_key(one) for one in screen if is_flagged(one)}
    return judge(screen, [paired(random, effect, 16, metric, noise, cell) for one, (cell, metric, effect, noise)
                          in zip(screen, plan) if entry_key(one) in flagged])


def test_equal_libraries_hardly_ever_fail_the_gate():
    """Would catch: a rule of the confirmation left out, so that CI fails every week without a cause."""
    random = np.random.default_rng(11)
    found = [campaign(random, cells=20) for _ in range(60)]
    assert sum(one.verdict == "regression" for one in found) <= 1
    assert sum(one.counts["not_confirmed"] for one in found) > 0, "the screen must have had something to sort out"


def test_a_slowdown_of_three_percent_is_found_among_equal_cells():
    """Would catch: caution that never finds anything."""
    random = np.random.default_rng(12)
    found = [campaign(random, cells=10, effects=(0.03,)) for _ in range(30)]
    assert np.mean([one.verdict == "regression" for one in found]) >= 0.9
    guilty = {one.cell["workload"] for gate in found for one in gate.judgements if one.outcome == "regression"}
    assert guilty == {"cell0"}
