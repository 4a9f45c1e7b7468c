"""The pictures of docs/claims.md, composed: which there are, and what stands around the curves."""

from __future__ import annotations

from typing import Callable, Iterator

from matplotlib.figure import Figure

from ...records.claims import Claims
from . import claim_curves
from .figure import finish, new_figure

Picture = tuple[str, Callable[[], Figure]]
FAULTS_CAPTION = ("One block of 1 MiB is allocated, written and freed again and again, with mmap_threshold=64M{more}, so that it "
                  "comes from the heap.")


def claim_pictures(claims: Claims) -> Iterator[Picture]:
    """Names and makers of the pictures that have data. The names are those of `PICTURES_OF_QUESTIONS`."""
    if claim_curves.freeings(claims):
        yield "giving-back", lambda: _giving_back(claims)
    if claim_curves.fragmentings(claims):
        yield "fragmentation", lambda: _fragmentation(claims)
    settings = claims.settings
    if settings is None:
        return
    if claim_curves.series(settings, "dynamic_threshold"):
        yield "dynamic-threshold", lambda: _dynamic_threshold(claims)
    if "missing" not in settings["cost_ladder"]:
        yield "cost-ladder", lambda: _cost_ladder(claims)
    if any(True for _ in claim_curves.costs_by_size(settings)):
        yield "cliff", lambda: _cliff(claims)
    for name, word, more in (("trim-threshold", "trim_threshold", ""), ("top-pad", "top_pad", ",trim_threshold=128K")):
        if claim_curves.series(settings, f"faults_against_{word}"):
            yield name, lambda word=word, more=more: _faults(claims, word, more)


def _giving_back(claims: Claims) -> Figure:
    data = claim_curves.freeings(claims)
    figure, axes = new_figure(1, len(data), 1 + 3.1 * len(data), 3.2, "What free gives back: 10 MB in blocks of one size",
                              "Growth over the state before the blocks. The dots at the right: after malloc_trim(0), which also returns "
                              "pages below the top, without moving brk.", sharey=True)
    for one, panel in zip(data, axes.flat):
        claim_curves.plot_freeing(one, panel)
    axes.flat[0].legend(frameon=False, fontsize=8, loc="lower left")
    return finish(figure)


def _fragmentation(claims: Claims) -> Figure:
    data = claim_curves.fragmentings(claims)
    figure, axes = new_figure(1, len(data), 1 + 3.1 * len(data), 3.2, "Memory that is held for the bytes that are alive",
                              "Grey: bytes alive; the line: growth of RSS. One run of each pattern in a fresh process.")
    for one, panel in zip(data, axes.flat):
        claim_curves.plot_fragmenting(one, panel)
    axes.flat[0].legend(framealpha=1, edgecolor="white", fontsize=8, loc="lower right")
    return finish(figure)


def _dynamic_threshold(claims: Claims) -> Figure:
    figure, axes = new_figure(1, 1, 7.6, 3.4, "The dynamic threshold follows what is freed",
                              "After each free the smallest request that malloc maps was found by bisection, in forks of the process.")
    claim_curves.plot_threshold(claim_curves.series(claims.settings, "dynamic_threshold"),
                                claim_curves.series(claims.settings, "dynamic_threshold_freed"), axes[0, 0])
    return finish(figure)


def _cost_ladder(claims: Claims) -> Figure:
    costs = claims.settings["cost_ladder"]
    figure, axes = new_figure(1, 1, 7.6, 2.4, "What the first use of a page costs", f"Means over {costs['pages_count']} pages; by logarithm.")
    claim_curves.plot_costs(costs, axes[0, 0])
    return finish(figure)


def _cliff(claims: Claims) -> Figure:
    lines = list(claim_curves.costs_by_size(claims.settings))
    figure, axes = new_figure(1, 1, 8.6, 6.4, "A block allocated, written and freed again and again",
                              "Medians of batches in one process each; one size, one thread, one block at a time.")
    claim_curves.plot_cliff(lines, axes[0, 0])
    return finish(figure)


def _faults(claims: Claims, word: str, more: str) -> Figure:
    figure, axes = new_figure(1, 1, 7.6, 3.0, f"Faults against {word}", FAULTS_CAPTION.format(more=more))
    claim_curves.plot_faults(claim_curves.series(claims.settings, f"faults_against_{word}"), word, axes[0, 0])
    return finish(figure)
