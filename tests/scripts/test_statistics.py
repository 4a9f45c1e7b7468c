"""The inference against scipy, against values known by hand, and against what must never be claimed."""

import math

import numpy as np
import pytest
from heapwise.records.metrics import Metric
from heapwise.inference.statistics import (adjusted, benjamini_hochberg, compare, compare_sittings, compare_through_baseline,
                                 critical_rank_sum, critical_u, estimate, holm, mann_whitney_p, shift,
                                 signed_rank_p, walsh_averages)
from scipy import stats

NOISY = Metric("time", "time", "ns", "noisy", "throughput", 0.01)
MEMORY = Metric("rss", "RSS", "bytes", "near_exact", "memory", 0.03, 65536.0)
EXACT = Metric("calls", "calls", "calls/op", "exact", "system_calls", 0.0)
BASE = np.array([100.0, 103, 98, 105, 99, 101, 97, 102])


@pytest.mark.parametrize("size", [8, 9, 12, 20, 40])
def test_p_is_scipys_where_scipy_is_exact(size):
    """Would catch: a wrong tail, a doubled or a halved p."""
    random = np.random.default_rng(size)
    for _ in range(20):
        values = random.normal(0.3, 1, size)
        assert signed_rank_p(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue, abs=1e-12)


def test_p_with_ties_is_that_of_all_sign_patterns():
    """Would catch: the normal approximation on eight tied pairs, which scipy falls back to."""
    values = np.array([1.0, 1, 1, 2, 2, -3, 4, 4])
    ranks = stats.rankdata(np.abs(values))
    sums = [sum(r for bit, r in enumerate(ranks) if pattern >> bit & 1) for pattern in range(256)]
    observed = min(ranks[values > 0].sum(), ranks[values < 0].sum())
    assert signed_rank_p(values) == pytest.approx(min(1.0, 2 * np.mean(np.array(sums) <= observed)))


def test_p_of_equal_pairs_is_one_and_of_eight_same_signs_the_smallest_there_is():
    """Would catch: a division by zero for exact metrics, or a p below what eight pairs can show."""
    assert signed_rank_p(np.zeros(8)) == 1.0
    assert signed_rank_p(np.full(8, 0.5)) == pytest.approx(2 / 256)


def test_critical_values_are_those_of_the_tables():
    """Would catch: an interval one Walsh average too narrow. Values: any table of the signed-rank test at 5 %, two-sided."""
    assert [critical_rank_sum(pairs) for pairs in (5, 6, 7, 8, 9, 10, 12, 16, 20)] == [-1, 0, 2, 3, 5, 8, 13, 29, 52]


def test_the_interval_excludes_equality_exactly_when_p_is_below_five_percent():
    """Would catch: a table where the interval says one thing and p the other."""
    random = np.random.default_rng(1)
    for _ in range(300):
        values = random.normal(0.5, 1, 10)
        found = estimate(values)
        assert (found.low > 0 or found.high < 0) == (signed_rank_p(values) < 0.05)


def test_the_interval_covers_the_truth_as_often_as_it_says():
    """Would catch: 95 % intervals that cover 90 %."""
    random = np.random.default_rng(2)
    covered = [found.low <= 0.2 <= found.high for found in (estimate(random.normal(0.2, 1, 12)) for _ in range(3000))]
    assert 0.94 <= np.mean(covered) <= 0.975


def test_walsh_averages_are_all_pairwise_means():
    """Would catch: a pair left out or counted twice."""
    assert walsh_averages(np.array([1.0, 2.0, 4.0])).tolist() == [1.0, 1.5, 2.0, 2.5, 3.0, 4.0]


def test_benjamini_hochberg_gives_the_worked_example():
    """Would catch: an adjustment that is not monotone or in the wrong order."""
    assert benjamini_hochberg([0.04, 0.01, 0.03, 0.5]) == pytest.approx([0.16 / 3, 0.04, 0.16 / 3, 0.5])
    assert benjamini_hochberg([]) == []


def test_holm_gives_the_values_computed_by_hand():
    """Would catch: Bonferroni for every p, an adjustment that is not monotone, or results in the order of their size."""
    # sorted .005 .01 .03 .04: times 4, 3, 2, 1 = .02 .03 .06 .04, and nothing below the one before it
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.02, 0.02]) == pytest.approx([0.04, 0.04]), "ties"
    assert holm([0.6, 0.003, 1.0]) == pytest.approx([1.0, 0.009, 1.0]), "never above 1"
    assert holm([0.02]) == [0.02] and holm([]) == []


def test_holm_keeps_the_chance_of_any_false_one_where_its_dependence_is_unknown():
    """Would catch: an adjustment for the rate of false ones, which lets a gate of many cells fail without cause."""
    random = np.random.default_rng(5)
    tables = random.random((4000, 30))
    tables[:, :5] = 1e-6  # true effects, which widen what Benjamini-Hochberg lets through
    assert np.mean([min(holm(table)[5:]) < 0.05 for table in tables]) <= 0.06
    assert np.mean([min(benjamini_hochberg(table)[5:]) < 0.05 for table in tables]) > 0.1


def test_the_ratio_is_candidate_over_baseline():
    """Would catch: better and worse exchanged."""
    result = compare(BASE * 1.5, BASE, NOISY)
    assert result.ratio.centre == pytest.approx(1.5) and result.verdict == "worse"
    assert compare(BASE / 1.5, BASE, NOISY).verdict == "better"
    assert result.difference.centre == pytest.approx(np.median(walsh_averages(BASE * 0.5)))


def test_a_rise_of_what_is_better_when_higher_is_better():
    """Would catch: an allocator blamed for serving more requests a second, with a ratio or with a difference alone."""
    rate = Metric("user_rps", "rps", "", "noisy", "command", 0.01, better="higher")
    assert compare(BASE * 1.5, BASE, rate).verdict == "better"
    assert compare(BASE / 1.5, BASE, rate).verdict == "worse"
    assert compare(BASE, BASE, rate).verdict == "same"
    assert compare(np.full(8, 5.0), np.zeros(8), rate).verdict == "better"


def test_drift_between_blocks_does_not_hide_an_effect_inside_them():
    """Would catch: unpaired statistics, which drown 20 % in a drift of a factor of four."""
    drift = np.geomspace(1, 4, 8)
    assert compare(BASE * drift * 1.2, BASE * drift, NOISY).verdict == "worse"


def test_an_effect_under_one_percent_of_time_is_never_claimed():
    """Would catch: a highly significant 0.5 % reported as a regression."""
    result = compare(BASE * 1.005, BASE, NOISY)
    assert result.p_value < 0.01 and result.verdict == "same"
    mixed = BASE * np.array([1.0005, 1.001, 1.0075, 1.009, 1.0095, 1.0085, 1.012, 1.016])
    assert compare(mixed, BASE, NOISY).verdict == "undecided"


def test_fewer_than_eight_pairs_give_a_range_and_no_verdict():
    """Would catch: a verdict from three runs."""
    result = compare([1.0, 2.0, 9.0], [1.0, 1.0, 1.0], MEMORY)
    assert (result.ratio.low, result.ratio.high) == (pytest.approx(1.0), pytest.approx(9.0))
    assert result.verdict is None and result.p_value is None
    assert compare([1.0] * 7, [1.0] * 7, EXACT).verdict is None
    single = compare([3.0], [2.0], EXACT)
    assert single.ratio.centre == single.ratio.low == single.ratio.high == pytest.approx(1.5)


def test_no_pair_at_all_is_no_data():
    """Would catch: a verdict `same` from two empty lists."""
    assert compare([], [], NOISY).verdict == "no_data"


def test_a_zero_on_either_side_leaves_the_difference_to_speak():
    """Would catch: infinite ratios, NaN, or 0 faults against 256 called the same."""
    zeros, many = np.zeros(8), np.full(8, 256.0)
    result = compare(many, zeros, EXACT)
    assert result.ratio is None and result.difference.centre == 256 and result.verdict == "worse"
    assert compare(zeros, many, EXACT).verdict == "better"
    assert compare(zeros, zeros, EXACT).verdict == "same"
    assert compare(np.array([0.0] + [5.0] * 7), np.full(8, 5.0), EXACT).ratio is None


def test_a_negative_growth_has_no_ratio():
    """Would catch: the logarithm of a negative RSS growth."""
    result = compare(np.full(8, -1e6), np.full(8, 5e6), MEMORY)
    assert result.ratio is None and result.verdict == "better" and math.isfinite(result.difference.centre)


def test_exact_metrics_have_no_band_and_memory_has_one():
    """Would catch: one system call more an operation forgiven, or 1 % of RSS blamed."""
    calls = np.full(8, 1000.0)
    assert compare(calls + 1, calls, EXACT).verdict == "worse"
    assert compare(calls, calls, EXACT).verdict == "same"
    rss = np.full(8, 1e8)
    assert compare(rss * 1.01, rss, MEMORY).verdict == "same"
    assert compare(rss * 1.05, rss, MEMORY).verdict == "worse"


def test_a_large_ratio_of_a_few_pages_is_negligible():
    """Would catch: 32 KiB against 8 KiB reported as four times the memory."""
    assert compare(np.full(8, 32768.0), np.full(8, 8192.0), MEMORY).verdict == "same"


def test_adjustment_takes_a_verdict_back_that_a_large_table_cannot_carry():
    """Would catch: verdicts from plain 5 % tests in a table of hundred cells."""
    one = compare(BASE * 1.2, BASE, NOISY)
    nothing = compare(BASE * np.array([1.1, 0.9] * 4), BASE, NOISY)
    assert one.verdict == "worse"
    table = adjusted([one] + [nothing] * 99, [NOISY] * 100)
    assert table[0].verdict == "undecided" and table[0].p_adjusted > one.p_value


def test_unequal_numbers_of_values_are_refused():
    """Would catch: pairs made of different blocks."""
    with pytest.raises(ValueError, match="pairs"):
        compare([1.0], [1.0, 2.0], NOISY)


@pytest.mark.parametrize("sizes", [(4, 4), (8, 8), (8, 20), (16, 9)])
def test_the_unpaired_p_is_scipys_and_the_interval_says_the_same(sizes):
    """Would catch: a wrong tail, or a table of two folders where the interval says one thing and p the other."""
    random = np.random.default_rng(sum(sizes))
    for _ in range(100):
        ours, theirs = random.normal(0.8, 1, sizes[0]), random.normal(0, 1, sizes[1])
        p, found = mann_whitney_p(ours, theirs), shift(ours, theirs)
        assert p == pytest.approx(stats.mannwhitneyu(ours, theirs, method="exact").pvalue, abs=1e-12)
        assert (found.low > 0 or found.high < 0) == (p < 0.05)


def test_unpaired_critical_values_are_those_of_the_tables():
    """Would catch: an interval one difference too narrow. Values: tables of the Mann-Whitney test at 5 %, two-sided."""
    sizes = [(3, 3), (4, 4), (3, 5), (5, 5), (8, 8), (10, 10), (16, 16), (20, 20)]
    assert [critical_u(*one) for one in sizes] == [-1, 0, 0, 2, 13, 23, 75, 127]


def test_tied_samples_never_have_a_smaller_p_than_the_exact_one():
    """Would catch: percentiles from histogram buckets, mostly equal, that become significant."""
    ours, theirs = np.array([1.0, 1, 1, 1, 2, 2, 2, 2]), np.array([1.0, 1, 1, 2, 2, 2, 2, 2])
    assert mann_whitney_p(ours, ours) == 1.0 and mann_whitney_p(ours, theirs) > 0.6


def test_the_shift_is_the_median_of_all_differences():
    """Would catch: a difference of means, or candidate and baseline exchanged."""
    found = shift(np.array([10.0, 12, 17]), np.array([1.0, 2]))
    assert (found.centre, found.low, found.high) == (10.5, 8.0, 16.0)


@pytest.mark.parametrize("candidate, baseline, verdict", [
    ([2, 2], [2, 2, 2], "same"), ([2, 2], [1, 1], "worse"), ([1, 1.5], [2, 3], "better"), ([2, 3], [2, 2], "undecided"),
    ([2], [1], None), ([1], [1, 1], None), ([], [1, 1], "no_data"), ([0, 0], [0, 0], "same"),
    ([0, 0], [3, 3], "better")])
def test_counts_of_two_folders_differ_where_their_ranges_are_apart(candidate, baseline, verdict):
    """Would catch: one more system call an operation called the same, or a verdict from a single run."""
    result = compare_sittings(candidate, baseline, EXACT)
    assert result.verdict == verdict and (result.ratio is None) == (0 in (*candidate, *baseline) or not candidate)


def test_the_ratio_of_counts_is_that_of_the_medians_with_the_range_of_all():
    """Would catch: a range that leaves out the pair farthest apart."""
    ratio = compare_sittings([4, 5, 6], [1, 2, 2], EXACT).ratio
    assert (ratio.centre, ratio.low, ratio.high) == (2.5, 2.0, 6.0)


MIB = 1 << 20


@pytest.mark.parametrize("factor, verdict", [(1.0, "same"), (1.02, "same"), (1.1, "worse"), (0.9, "better"),
                                             (1.03, "undecided")])
def test_memory_of_two_folders_is_judged_by_its_band(factor, verdict):
    """Would catch: a verdict on half a per cent of noise, or a tenth more memory that passes."""
    runs = MIB * np.array([100.0, 100.4, 99.8, 100.1])
    assert compare_sittings(factor * runs, runs + 1000, MEMORY).verdict == verdict


def test_memory_of_few_runs_must_be_beyond_the_band_as_a_whole():
    """Would catch: the verdict `worse` for two pairs of runs that are apart by chance, as one in three pairs is."""
    assert compare_sittings([107e6, 114e6], [100e6, 106e6], MEMORY).verdict == "undecided"
    assert compare_sittings([114e6, 115e6], [100e6, 106e6], MEMORY).verdict == "worse"
    assert compare_sittings([114e6], [100e6, 106e6], MEMORY).verdict is None


def test_a_little_memory_is_the_same_whatever_its_ratio():
    """Would catch: 40 KiB more on a heap of 200 KiB reported as a fifth more memory."""
    assert compare_sittings([240e3] * 4, [200e3] * 4, MEMORY).verdict == "same"


def test_times_of_two_folders_are_compared_as_ratios_of_ratios():
    """Would catch: a machine twice as slow in one sitting taken for a slower allocator."""
    a = np.log([0.50, 0.51, 0.49, 0.50, 0.52, 0.48, 0.50, 0.51])
    b = np.log([0.60, 0.62, 0.59, 0.61, 0.60, 0.58, 0.63, 0.60])
    result = compare_through_baseline(b, a, median=24.0, baseline_median=10.0, metric=NOISY)
    assert result.ratio.centre == pytest.approx(1.2, abs=0.01) and result.verdict == "worse" and result.p_value < 0.001
    assert result.difference.centre == pytest.approx(2.0, abs=0.1), "in units of the baseline folder"
    assert compare_through_baseline(a, b, 24.0, 10.0, NOISY).verdict == "better"
    assert compare_through_baseline(a, a, 24.0, 10.0, NOISY).verdict == "undecided"


def test_fewer_than_eight_blocks_on_one_side_give_a_range():
    """Would catch: a verdict on time from seven blocks because the other folder has sixteen."""
    many, few = np.linspace(0.5, 0.6, 16), np.linspace(0, 0.1, 7)
    result = compare_through_baseline(few, many, 1.0, 1.0, NOISY)
    assert result.verdict is None and result.p_value is None and result.pairs_count == 7
    assert result.ratio.low == pytest.approx(math.exp(0 - 0.6))
    assert result.ratio.high == pytest.approx(math.exp(0.1 - 0.5))
