"""From a history that fails to a short one: fewer steps, then fewer kinds of steps."""

from __future__ import annotations

from collections.abc import Callable

from tests.sim.replica import Parts
from tests.sim.run import WEIGHTS, Result, run


def shortest(failing: Result, parts: Callable[[], Parts] = Parts) -> Result:
    """The shortest failing history found. Any invariant counts: the first one broken is where it went wrong."""
    best = _cut(failing, parts)
    without: set[str] = set()
    for kind in WEIGHTS:
        tried = run(best.seed, steps=best.steps, without=without | {kind}, parts=parts())
        if tried.problem:
            best, without = tried, without | {kind}
    return _cut(best, parts, without)


def _cut(best: Result, parts: Callable[[], Parts], without: set[str] | None = None) -> Result:
    """Halves the number of steps that surely fail until no shorter beginning does."""
    left_out = without or set()
    good, bad = 0, best.steps
    while bad - good > 1:
        middle = (good + bad) // 2
        tried = run(best.seed, steps=middle, without=left_out, parts=parts())
        if tried.problem:
            best, bad = tried, middle
        else:
            good = middle
    return best
