"""Token buckets: so many at once, then one at a time."""

import math
import threading
from collections.abc import Callable


class Buckets:
    """One bucket a key, refilled by a clock in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._levels: dict[str, tuple[float, float]] = {}

    def take(self, key: str, per_second: float, burst: int) -> int:
        """0 when there was room, else the whole seconds to wait."""
        with self._lock:
            now = self._clock()
            level, seen = self._levels.get(key, (float(burst), now))
            level = min(float(burst), level + max(0.0, now - seen) * per_second)
            if level >= 1.0:
                self._levels[key] = (level - 1.0, now)
                return 0
            self._levels[key] = (level, now)
            return max(1, math.ceil((1.0 - level) / per_second))
