"""One message a second to each channel, and not before Slack says so (SL12)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

INTERVAL = 1.0
MOST_KEYS = 10_000


class Pace:
    """Next allowed times per key, on a monotonic clock. Safe to share between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, interval: float = INTERVAL) -> None:
        self._clock = clock
        self._interval = interval
        self._ready: dict[str, float] = {}
        self._lock = threading.Lock()

    def ready_at(self, key: str) -> float:
        """The clock's reading from which `key` may be used; in the past, or now, when it is free."""
        with self._lock:
            return self._ready.get(key, self._clock())

    def claim(self, key: str) -> float:
        """0 when `key` was free and is now taken for one interval, else the seconds to wait."""
        with self._lock:
            now = self._clock()
            wait = self._ready.get(key, now) - now
            if wait > 0:
                return wait
            self._set(key, now + self._interval, now)
            return 0.0

    def hold(self, key: str, seconds: float | None = None) -> None:
        """Keeps `key` closed for `seconds` (one interval) from now, never for less than it already is."""
        with self._lock:
            now = self._clock()
            until = now + (self._interval if seconds is None else seconds)
            self._set(key, max(until, self._ready.get(key, until)), now)

    def _set(self, key: str, until: float, now: float) -> None:
        if len(self._ready) >= MOST_KEYS:
            self._ready = {k: at for k, at in self._ready.items() if at > now}
        self._ready[key] = until
