"""What the benches print: each figure beside its goal and its peers, and whether any goal is missed."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Generic, NamedTuple, Self, TypeVar

T = TypeVar("T")
_Z = 1.96  # 95 %


class Rate(NamedTuple):
    hits: int
    total: int

    @classmethod
    def of(cls, values: Iterable[bool]) -> Self:
        found = list(values)
        return cls(sum(found), len(found))

    @property
    def share(self) -> float:
        """0 of nothing."""
        return self.hits / self.total if self.total else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's, 95 %; anything may be true of nothing."""
        if not self.total:
            return 0.0, 1.0
        n, p = self.total, self.share
        scale = 1 + _Z**2 / n
        centre = (p + _Z**2 / (2 * n)) / scale
        half = _Z * math.sqrt(p * (1 - p) / n + (_Z / (2 * n)) ** 2) / scale
        return max(centre - half, 0.0), min(centre + half, 1.0)


class Peer(Generic[T]):
    """Something else that answers the same question. `ask` is None where its package is not installed."""

    def __init__(self, name: str, ask: Callable[[str], T] | None) -> None:
        self.name = name
        self.ask = functools.cache(ask) if ask else None


class Report:
    def __init__(self) -> None:
        self.met = 0
        self.missed: list[str] = []
        self.unmeasured: list[str] = []
        self._title = ""

    def title(self, text: str, peers: Sequence[Peer[T]] = ()) -> None:
        self._title = text.partition(":")[0]
        said = ", ".join(peer.name for peer in peers)
        print(f"\n{text} (beside it: {said})" if said else f"\n{text}")

    def figure(self, name: str, value: float, goal: str = "", peer: str = "") -> None:
        """`goal` reads `>= 0.75` or `<= 0.05`."""
        self._line(name, value, "", goal, peer)

    def rate(self, name: str, rate: Rate, goal: str = "", peer: str = "") -> None:
        if not rate.total:
            if goal:
                self.unmeasured.append(f"{self._title}: {name}")
            print(f"  {name:<66} nothing to measure {'(goal ' + goal + ')' if goal else ''}".rstrip())
            return
        low, high = rate.interval
        self._line(f"{name} [{rate.total}]", rate.share, f"({low:.4f}-{high:.4f})", goal, peer)

    def close(self, absent: Iterable[str] = ()) -> int:
        """Says how it ended. The exit code: 1 where a goal is missed, 2 where there was nothing to hold against one."""
        print()
        for name in sorted(absent):
            print(f"no such set: {name}")
        for name in self.unmeasured:
            print(f"not measured: {name}")
        for name in self.missed:
            print(f"MISSED: {name}")
        if not self.met and not self.missed:
            print("No goal was measured")
            return 2
        print(f"{len(self.missed)} goals missed" if self.missed else f"All {self.met} goals met")
        return 1 if self.missed else 0

    def _line(self, name: str, value: float, interval: str, goal: str, peer: str) -> None:
        said = ""
        if goal:
            relation, bound = goal.split()
            good = value >= float(bound) if relation == ">=" else value <= float(bound)
            if good:
                self.met += 1
            else:
                self.missed.append(f"{self._title}: {name} is {value:.4f}, goal {goal}")
            said = f"goal {goal}: {'met' if good else 'MISSED'}"
        print(f"  {name:<66} {value:8.4f} {interval:<15}  {said:<24} {peer}".rstrip())


def beside(peers: Sequence[Peer[T]], measure: Callable[[Callable[[str], T]], Rate | float | str]) -> str:
    """The same measure taken of each peer, in the order of the title."""
    said = []
    for peer in peers:
        if peer.ask is None:
            said.append("not installed")
            continue
        found = measure(peer.ask)
        if isinstance(found, Rate):
            found = found.share if found.total else "none"
        said.append(found if isinstance(found, str) else f"{found:.4f}")
    return "peer " + " | ".join(said) if said else ""
