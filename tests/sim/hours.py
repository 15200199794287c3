"""Business hours once more, by another way than the product's: a walk in quarters of an hour past a clock on the wall.

Every opening, closing and change of the clocks in here falls on a quarter, so the walk is exact.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

STEP = timedelta(minutes=15)
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
# As the authorities publish them; what falls outside the weeks that are simulated is left out.
HOLIDAYS = {
    "": (),
    "DE-BE": ("2026-03-08", "2026-04-03", "2026-04-06", "2026-05-01", "2026-05-14", "2026-10-03"),
    "US": ("2026-10-12", "2026-11-11", "2026-11-26"),
}


class Hours(msgspec.Struct, frozen=True, kw_only=True):
    """As an owner writes them into roles.yaml."""

    zone: str
    days: tuple[tuple[str, tuple[str, ...]], ...]
    holidays: str = ""
    closed: tuple[str, ...] = ()

    def written(self) -> dict[str, Any]:
        days = {day: list(spans) for day, spans in self.days}
        more = {"holidays": self.holidays} if self.holidays else {}
        return {"zone": self.zone, "days": days, "closed": list(self.closed), **more}

    def open_at(self, wall: datetime) -> bool:
        if wall.date().isoformat() in (*HOLIDAYS[self.holidays], *self.closed):
            return False
        spans = dict(self.days).get(DAYS[wall.weekday()], ())
        return any(_on(wall.date(), opens) <= wall < _on(wall.date(), closes) for opens, closes in map(_span, spans))


@lru_cache(maxsize=4096)
def due_at(hours: Hours | None, start: datetime, seconds: float) -> datetime:
    """When that much time has passed since `start` in which the team is there; None is there all the time.

    Where the clocks go back, an hour is on the wall twice: what it showed before stays passed.
    """
    if hours is None:
        return start + timedelta(seconds=seconds)
    zone, left = ZoneInfo(hours.zone), timedelta(seconds=seconds)
    at = start.replace(minute=start.minute // 15 * 15, second=0, microsecond=0) - timedelta(days=1)
    latest = datetime.min
    while True:
        latest = max(latest, at.astimezone(zone).replace(tzinfo=None))
        since, until = max(at, start), at + STEP
        if since < until and hours.open_at(latest):
            if since + left <= until:
                return since + left
            left -= until - since
        at = until


def _span(text: str) -> tuple[timedelta, timedelta]:
    opens, closes = (
        timedelta(hours=int(hour), minutes=int(minute)) for hour, minute in (t.split(":") for t in text.split("-"))
    )
    return opens, closes


def _on(day: date, after_midnight: timedelta) -> datetime:
    return datetime.combine(day, time()) + after_midnight
