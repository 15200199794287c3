"""Time as a value: whoever needs the time is given a clock."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    def now(self) -> datetime:
        """Timezone-aware UTC."""
        ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


class AdjustableClock:
    """Runs `speed` times as fast as the system's and can jump ahead; never backwards. For demo and rehearsal."""

    def __init__(self, speed: float = 1.0) -> None:
        self._lock = threading.Lock()
        self._base = datetime.now(UTC)
        self._since = time.monotonic()
        self._speed = speed

    def now(self) -> datetime:
        with self._lock:
            return self._now()

    def set_speed(self, speed: float) -> None:
        with self._lock:
            self._base, self._since = self._now(), time.monotonic()
            self._speed = max(speed, 0.0)

    def advance(self, seconds: float) -> None:
        with self._lock:
            self._base += timedelta(seconds=max(seconds, 0.0))

    @property
    def speed(self) -> float:
        return self._speed

    def _now(self) -> datetime:
        return self._base + timedelta(seconds=(time.monotonic() - self._since) * self._speed)
