"""Time and trouble: one virtual clock, and what the network makes of a call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from app.ports.errors import Ambiguous, GiveUp, RetryLater
from tests.make import NOW

# done: arrived, and we hear of it. ghost: arrived, time-out. late: time-out, arrives afterwards. lost: time-out,
# never arrives. busy, broken, unreachable: provably not done. refused: never will be.
Fate = Literal["done", "ghost", "late", "lost", "busy", "broken", "unreachable", "refused"]
TIME_OUT = 10.0  # seconds until a port stops waiting
MOST_LATE = 25.0  # seconds after the time-out within which a slow request still arrives


class SimClock:
    """The one clock of a run: wall, monotonic and leases."""

    def __init__(self, start: datetime = NOW) -> None:
        self.start = self._now = start

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return (self._now - self.start).total_seconds()

    def advance(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)


class Weather:
    """How often which trouble comes, by seed; `healed` ends all of it."""

    def __init__(self, clock: SimClock, seed: int) -> None:
        mood = Random(f"{seed}/weather")
        self.clock = clock
        self.random = mood  # replaced by each step's own
        self.trouble = mood.choice((0.0, 0.1, 0.25, 0.4))
        self.crashes = mood.choice((0.0, 0.006, 0.015, 0.03))
        self.interruptions = mood.choice((0.0, 0.02, 0.06))
        self.down_until: dict[str, datetime] = {}
        self.healed = False
        self.late = False  # while something arrives after its time-out
        self._under_way: list[tuple[datetime, Callable[[], object]]] = []

    def fate(self, where: str, *, repeatable: bool, refusable: bool) -> Fate:
        """`repeatable` calls are never late: an old update that overtakes a newer one is beyond any client."""
        if self.healed:
            return "done"
        if self.down_until.get(where, self.clock.start) > self.clock.now():
            return self.random.choice(("unreachable", "broken", "lost"))
        if self.random.random() >= self.trouble:
            return "done"
        kinds: list[Fate] = ["ghost", "lost", "busy", "broken", "unreachable"]
        kinds += [] if repeatable else ["late", "ghost"]
        kinds += ["refused"] if refusable and self.random.random() < 0.15 else []
        return self.random.choice(kinds)

    def happen(self, fate: Fate, effect: Callable[[], object], where: str) -> None:
        """Let the call take its time, have its effect or not, and raise what the port would raise."""
        match fate:
            case "done":
                self.pass_time(self.random.uniform(0.05, 0.4))
                effect()
            case "ghost":
                effect()
                self.pass_time(TIME_OUT)
                raise Ambiguous(f"{where} did not answer in time", f"the ticket at {where}")
            case "late":
                self.pass_time(TIME_OUT)
                due = self.clock.now() + timedelta(seconds=self.random.uniform(1, MOST_LATE))
                self._under_way.append((due, effect))
                raise Ambiguous(f"{where} did not answer in time", f"the ticket at {where}")
            case "lost":
                self.pass_time(TIME_OUT)
                raise Ambiguous(f"{where} did not answer in time", f"the ticket at {where}")
            case "busy":
                raise RetryLater(f"{where} is busy", after=self.random.uniform(1, 30), code="429")
            case "broken":
                raise RetryLater(f"{where} has a fault", code="503")
            case "unreachable":
                self.pass_time(0.2)
                raise RetryLater(f"{where} cannot be reached", code="connect")
            case "refused":
                raise GiveUp(f"{where} refuses this", "Mend it at the destination", code="422")

    def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)
        self.arrive()

    def arrive(self) -> None:
        """What was still on its way and is due by now."""
        now = self.clock.now()
        due = [item for item in self._under_way if item[0] <= now]
        self._under_way = [item for item in self._under_way if item[0] > now]
        for _, effect in sorted(due, key=lambda item: item[0]):
            self.late = True
            try:
                effect()
            finally:
                self.late = False
