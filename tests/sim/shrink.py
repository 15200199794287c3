"""From a history that fails to a short one: a shorter beginning, fewer kinds of steps, then fewer steps."""

from __future__ import annotations

from collections.abc import Callable

from tests.sim.replica import Parts
from tests.sim.run import Result, run
from tests.sim.steps import WEIGHTS

MOST_RUNS = 150


class Shrinker:
    """Any broken invariant counts as the failure: the first one shows where it went wrong."""

    def __init__(self, failing: Result, parts: Callable[[], Parts]) -> None:
        self.best = failing
        self.parts = parts
        self.without: frozenset[str] = frozenset()
        self.skipped: frozenset[int] = frozenset()
        self.runs = 0

    def shortest(self) -> Result:
        self._cut()
        for kind in WEIGHTS:
            self._try(self.best.steps, self.without | {kind}, self.skipped)
        self._thin()
        self._cut()
        return self.best

    def _try(self, steps: int, without: frozenset[str], skipped: frozenset[int]) -> bool:
        if self.runs >= MOST_RUNS:
            return False
        self.runs += 1
        tried = run(self.best.seed, steps=steps, without=without, skipped=skipped, parts=self.parts())
        if tried.problem:
            self.best, self.without, self.skipped = tried, without, skipped
        return bool(tried.problem)

    def _cut(self) -> None:
        """Halves the distance to a beginning that does not fail."""
        good = 0
        while self.best.steps - good > 1:
            middle = (good + self.best.steps) // 2
            if not self._try(middle, self.without, self.skipped):
                good = middle

    def _thin(self) -> None:
        """Leaves out runs of steps, long ones first."""
        size = max(self.best.steps // 4, 1)
        while size:
            for first in range(0, self.best.steps, size):
                chunk = frozenset(range(first, first + size))
                if not chunk <= self.skipped:
                    self._try(self.best.steps, self.without, self.skipped | chunk)
            size //= 2


def shortest(failing: Result, parts: Callable[[], Parts] = Parts) -> Result:
    return Shrinker(failing, parts).shortest()
