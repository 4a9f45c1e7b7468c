"""Inference: one metric of one allocator against the baseline, inside blocks, or of one folder against another.

What is estimated
  Each block gives one pair (candidate, baseline) measured close in time in random order, so drift
  of the machine falls out of the pair. Estimates are Hodges-Lehmann medians (the median of all
  pairwise means) of the log-ratios and of the differences; 95 % intervals are those that invert the
  exact Wilcoxon signed-rank test; p is that test's, two-sided, exact with ties and zeros
  (conditional on the ranks). Values that are not above 0 have no logarithm: if a pair has one,
  there is no ratio and the difference speaks.

Fewer than 8 pairs
  Wilcoxon cannot go below p = .05 with 5 pairs and barely with 6 or 7. Low and high are then the
  smallest and largest pair, there is no p and no verdict (null).

The verdict, for 8 pairs and more
  same       the whole interval lies in the metric's band, or the differences in what is negligible
  worse      p_adjusted < .05, the interval excludes equality, the estimate is outside the band, and
             the figure rises (falls, where the metric is better when higher)
  better     likewise, the other way
  undecided  neither: more blocks would be needed
  no_data    no block in which both sides are ok (with any number of blocks)
p_adjusted is Benjamini-Hochberg over all comparisons of a summary that share a purpose.

Two folders (unpaired: blocks of one sitting have no partners in the other's)
  exact       the ratio of the medians with the range of all pairwise ratios: `same` where both sides are constant
              and equal, `worse` or `better` where their ranges are disjoint
  near_exact  the Hodges-Lehmann shift of the logs (the median of all pairwise log-differences) with the 95 %
              interval that inverts the exact Mann-Whitney test; `same` and the direction as above, without a p.
              Where the sizes allow no interval (3 and 3, say) the range of all pairs stands for it, and for a
              direction the whole of it must lie beyond the band: two samples of two are apart by chance one time
              in three. With a single run on either side there is no verdict
  noisy       times of two sittings are never compared with each other: the machine is another one each hour, and
              such a test raises 27-40 % false alarms. Compared are the in-block log-ratios to a baseline that
              both sittings ran in their blocks: the ratio is that of the ratios, the difference what it is worth
              at the baseline folder's median. Mann-Whitney's exact p, adjusted over all noisy comparisons of the
              two folders, and at least 8 blocks on both sides; ties make p larger, never smaller
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Sequence

import numpy as np
from scipy import stats

from ..records.metrics import Metric

FEWEST_PAIRS_FOR_VERDICT = 8
FEWEST_RUNS_FOR_VERDICT = 2  # of what hardly varies, in each of two folders
SIGNIFICANCE = 0.05


@dataclass(frozen=True)
class Estimate:
    """A centre with its 95 % interval, or with its range where there are too few pairs."""

    centre: float
    low: float
    high: float

    @property
    def half_width(self) -> float:
        """Of a ratio: half the interval as a share of the centre."""
        return (self.high - self.low) / (2 * self.centre)


@dataclass(frozen=True)
class Comparison:
    """`ratio` and `difference` are candidate against baseline; None where there is nothing to say."""

    pairs_count: int
    median: float | None = None
    baseline_median: float | None = None
    ratio: Estimate | None = None
    difference: Estimate | None = None
    p_value: float | None = None
    p_adjusted: float | None = None
    verdict: str | None = "no_data"


def compare(candidate: Sequence[float], baseline: Sequence[float], metric: Metric,
            pair_logs: np.ndarray | None = None) -> Comparison:
    """Compares pairs; `candidate[i]` and `baseline[i]` are from one block, both ok and finite.

    `pair_logs`: each block's log-ratio where it is known better than from the two figures."""
    ours, theirs = np.asarray(candidate, dtype=float), np.asarray(baseline, dtype=float)
    if ours.shape != theirs.shape:
        raise ValueError(f"pairs expected, got {ours.size} and {theirs.size} values")
    pairs = ours.size
    if pairs == 0:
        return Comparison(0)
    differences = ours - theirs
    logs = pair_logs
    if logs is None and (ours > 0).all() and (theirs > 0).all():
        logs = np.log(ours / theirs)
    tested = differences if logs is None else logs
    p_value = signed_rank_p(tested) if pairs >= FEWEST_PAIRS_FOR_VERDICT else None
    comparison = Comparison(
        pairs_count=pairs, median=float(np.median(ours)), baseline_median=float(np.median(theirs)),
        ratio=None if logs is None else _exponential(estimate(logs)), difference=estimate(differences),
        p_value=p_value, p_adjusted=p_value, verdict=None)
    return replace(comparison, verdict=verdict(comparison, metric))


def adjusted(comparisons: Sequence[Comparison], metrics: Sequence[Metric]) -> list[Comparison]:
    """The table of comparisons with p_adjusted (Benjamini-Hochberg) and the verdicts that follow."""
    tested = [index for index, one in enumerate(comparisons) if one.p_value is not None]
    values = benjamini_hochberg([comparisons[index].p_value for index in tested])
    result = list(comparisons)
    for index, value in zip(tested, values):
        with_p = replace(comparisons[index], p_adjusted=value)
        result[index] = replace(with_p, verdict=verdict(with_p, metrics[index]))
    return result


def verdict(comparison: Comparison, metric: Metric) -> str | None:
    """The rule of the module's docstring."""
    if comparison.pairs_count == 0:
        return "no_data"
    if comparison.pairs_count < FEWEST_PAIRS_FOR_VERDICT or comparison.p_adjusted is None:
        return None
    found = _reading(comparison, metric)
    return found if found == "same" or comparison.p_adjusted < SIGNIFICANCE else "undecided"


def _reading(comparison: Comparison, metric: Metric, is_range: bool = False) -> str:
    """What the interval and the estimate say, whatever p is; a range must lie beyond the band as a whole."""
    difference, ratio = comparison.difference, comparison.ratio
    if -metric.negligible <= difference.low and difference.high <= metric.negligible:
        return "same"
    if ratio is not None and 1 - metric.band <= ratio.low and ratio.high <= 1 + metric.band:
        return "same"
    effect, equality = (difference, 0.0) if ratio is None else (ratio, 1.0)
    floor = metric.negligible if ratio is None else metric.band
    excludes_equality = effect.low > equality or effect.high < equality
    nearest = effect.centre if not is_range else min(effect.low, effect.high, key=lambda end: abs(end - equality))
    if excludes_equality and abs(nearest - equality) > floor:
        rises = effect.centre > equality
        return "better" if rises == (metric.better == "higher") else "worse"
    return "undecided"


def compare_sittings(candidate: Sequence[float], baseline: Sequence[float], metric: Metric) -> Comparison:
    """Compares all ok runs of one folder with those of another; for exact and near-exact metrics."""
    ours, theirs = np.asarray(candidate, dtype=float), np.asarray(baseline, dtype=float)
    fewest = min(ours.size, theirs.size)
    if fewest == 0:
        return Comparison(0)
    median, baseline_median = float(np.median(ours)), float(np.median(theirs))
    positive = (ours > 0).all() and (theirs > 0).all()
    ratio = _exponential(shift(np.log(ours), np.log(theirs))) if positive else None
    difference = shift(ours, theirs)
    if metric.metric_class == "exact":
        difference = Estimate(median - baseline_median, float(ours.min() - theirs.max()),
                              float(ours.max() - theirs.min()))
        ratio = Estimate(median / baseline_median, float(ours.min() / theirs.max()),
                         float(ours.max() / theirs.min())) if positive else None
    comparison = Comparison(fewest, median, baseline_median, ratio, difference, verdict=None)
    if fewest < FEWEST_RUNS_FOR_VERDICT:
        return comparison
    is_range = metric.metric_class == "exact" or critical_u(ours.size, theirs.size) < 0
    return replace(comparison, verdict=_reading(comparison, metric, is_range))


def compare_through_baseline(candidate_logs: np.ndarray, baseline_logs: np.ndarray, median: float,
                             baseline_median: float, metric: Metric) -> Comparison:
    """Compares two folders' in-block log-ratios to their common baseline; the medians are of the allocator's own."""
    fewest = min(candidate_logs.size, baseline_logs.size)
    enough = fewest >= FEWEST_PAIRS_FOR_VERDICT
    ratio = _exponential(shift(candidate_logs, baseline_logs, as_range=not enough))
    difference = Estimate(*(baseline_median * (end - 1) for end in (ratio.centre, ratio.low, ratio.high)))
    p_value = mann_whitney_p(candidate_logs, baseline_logs) if enough else None
    comparison = Comparison(fewest, median, baseline_median, ratio, difference, p_value, p_value, verdict=None)
    return replace(comparison, verdict=verdict(comparison, metric))


def shift(candidate: np.ndarray, baseline: np.ndarray, as_range: bool = False) -> Estimate:
    """Hodges-Lehmann shift of two samples with its 95 % interval; the range of all pairs where there is none."""
    differences = np.sort(np.subtract.outer(candidate, baseline), axis=None)
    cut = 1 if as_range else max(1, critical_u(candidate.size, baseline.size) + 1)
    return Estimate(float(np.median(differences)), float(differences[cut - 1]), float(differences[-cut]))


def mann_whitney_p(candidate: np.ndarray, baseline: np.ndarray) -> float:
    """Two-sided Mann-Whitney p, exact without ties and too large with them."""
    above = np.subtract.outer(candidate, baseline)
    u = float((above > 0).sum() + (above == 0).sum() / 2)
    smaller = math.ceil(min(u, above.size - u))
    return min(1.0, 2 * float(_cumulative_u(candidate.size, baseline.size)[smaller]))


def critical_u(first: int, second: int) -> int:
    """The largest u with P(U ≤ u) ≤ 2.5 % for samples of these sizes from one population; -1 where there is none."""
    return int(np.searchsorted(_cumulative_u(first, second), SIGNIFICANCE / 2, side="right")) - 1


@lru_cache(maxsize=1024)
def _cumulative_u(first: int, second: int) -> np.ndarray:
    """P(U ≤ u) for u = 0 … first · second, from the ways to choose `first` of all ranks by their sum."""
    most = sum(range(second, first + second))
    ways = np.zeros((first + 1, most + 1))
    ways[0, 0] = 1.0
    for rank in range(first + second):
        ways[1:, rank:] += ways[:-1, :most + 1 - rank]
    by_u = ways[first, sum(range(first)):]
    return np.cumsum(by_u) / by_u.sum()


def estimate(values: np.ndarray) -> Estimate:
    """Hodges-Lehmann centre; 95 % interval from 8 values on, range below."""
    averages = walsh_averages(values)
    centre = float(np.median(averages))
    if values.size < FEWEST_PAIRS_FOR_VERDICT:
        return Estimate(centre, float(values.min()), float(values.max()))
    cut = critical_rank_sum(values.size) + 1
    return Estimate(centre, float(averages[cut - 1]), float(averages[-cut]))


def walsh_averages(values: np.ndarray) -> np.ndarray:
    """The means of all pairs, each value with itself included, sorted."""
    first, second = np.triu_indices(values.size)
    return np.sort((values[first] + values[second]) / 2)


@lru_cache(maxsize=None)
def critical_rank_sum(pairs: int) -> int:
    """The largest w with P(W+ ≤ w) ≤ 2.5 % under the null hypothesis; -1 where there is none."""
    ranks = tuple(range(2, 2 * pairs + 1, 2))
    cumulative = np.cumsum(_rank_sum_distribution(ranks))[::2]
    return int(np.searchsorted(cumulative, SIGNIFICANCE / 2, side="right")) - 1


def signed_rank_p(values: np.ndarray) -> float:
    """Two-sided Wilcoxon signed-rank p. Zeros are dropped; ties have midranks; the distribution is exact."""
    nonzero = values[values != 0]
    if nonzero.size == 0:
        return 1.0
    doubled = np.rint(2 * stats.rankdata(np.abs(nonzero))).astype(int)
    distribution = np.cumsum(_rank_sum_distribution(tuple(sorted(doubled.tolist()))))
    positive = int(doubled[nonzero > 0].sum())
    smaller = min(positive, int(doubled.sum()) - positive)
    return min(1.0, 2 * float(distribution[smaller]))


@lru_cache(maxsize=1024)
def _rank_sum_distribution(doubled_ranks: tuple[int, ...]) -> np.ndarray:
    """P(sum of the doubled ranks with positive sign = s) for s = 0 … their sum."""
    weights = np.zeros(sum(doubled_ranks) + 1)
    weights[0] = 1.0
    for rank in doubled_ranks:
        shifted = np.zeros_like(weights)
        shifted[rank:] = weights[:-rank]
        weights = (weights + shifted) / 2
    return weights


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given."""
    count = len(p_values)
    if count == 0:
        return []
    order = np.argsort(p_values)
    scaled = np.asarray(p_values, dtype=float)[order] * count / np.arange(1, count + 1)
    monotone = np.minimum.accumulate(scaled[::-1])[::-1]
    result = np.empty(count)
    result[order] = np.minimum(monotone, 1.0)
    return [float(value) for value in result]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p-values, in the order given: with those below a level, the chance of any false one is below it."""
    count = len(p_values)
    if count == 0:
        return []
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values, dtype=float)[order] * np.arange(count, 0, -1)
    result = np.empty(count)
    result[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return [float(value) for value in result]


def _exponential(logs: Estimate) -> Estimate:
    return Estimate(math.exp(logs.centre), math.exp(logs.low), math.exp(logs.high))
