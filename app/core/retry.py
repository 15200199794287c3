"""Retry as a value, and a breaker per destination (DL1). Durations in seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec

FIRST_DELAY = 1.0
MAX_DELAY = 60.0
HORIZON = timedelta(hours=24)
FEWEST_TRIES = 10  # a day of our own downtime is not a day of trying
FAILURES_TO_OPEN = 5
PROBE_EVERY = timedelta(seconds=30)


class RetryAt(msgspec.Struct, frozen=True):
    due_at: datetime


class OutOfTime(msgspec.Struct, frozen=True):
    """The delivery was tried for `HORIZON`: a dead letter."""


def plan_retry(
    *, attempts: int, first_at: datetime, now: datetime, after: float | None, jitter: float
) -> RetryAt | OutOfTime:
    """When to try again after `attempts` tries; `after` is the destination's Retry-After, `jitter` is in [0, 1)."""
    if now - first_at >= HORIZON and attempts >= FEWEST_TRIES:
        return OutOfTime()
    backoff = min(FIRST_DELAY * 2 ** min(max(attempts, 1) - 1, 10), MAX_DELAY)
    delay = backoff * (0.75 + jitter / 2)
    return RetryAt(now + timedelta(seconds=max(delay, after or 0.0)))


class Breaker(msgspec.Struct, frozen=True):
    """Open after five failures in a row; then one probe every 30 s until one succeeds."""

    failures: int = 0
    probe_at: datetime | None = None
    opened_at: datetime | None = None

    def allows(self, now: datetime) -> int | None:
        """How many deliveries may be tried now: None is no limit."""
        if self.failures < FAILURES_TO_OPEN:
            return None
        return 1 if self.probe_at is None or now >= self.probe_at else 0

    def failed(self, now: datetime) -> Breaker:
        failures = self.failures + 1
        opened = self.opened_at or (now if failures >= FAILURES_TO_OPEN else None)
        return Breaker(failures, now + PROBE_EVERY, opened)

    def succeeded(self) -> Breaker:
        return self if self.failures == 0 else Breaker()
