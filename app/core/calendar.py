"""Business hours: how much of the time between two moments a team is there (TI1)."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import msgspec

HORIZON = timedelta(days=731)
DAY = 24 * 60
_WEEK = 7 * DAY

Span = tuple[int, int]  # from, to: minutes after midnight on the wall's clock, at most 24:00


class Calendar(msgspec.Struct, frozen=True, kw_only=True):
    """When a team is there; moments are UTC. Without a `week` it always is.

    What counts is elapsed time, not what the wall's clock shows. An opening or closing time that the clocks skip is the
    moment they skip it; one that comes twice is the first of the two.
    """

    zone: str = "UTC"
    week: tuple[tuple[Span, ...], ...] = ()  # seven, Monday first; the spans of a day in order and apart
    holidays: str = ""  # DE or DE-BE
    closed: frozenset[date] = frozenset()

    def advance(self, start: datetime, open_seconds: float) -> datetime:
        """The moment when this much open time has passed since `start`: two years later at most."""
        left = timedelta(seconds=open_seconds)
        if not self.week or left <= timedelta():
            return start + left
        latest = start + HORIZON
        for opens, closes in self._spans(start, latest):
            if opens + left <= closes:
                return opens + left
            left -= closes - opens
        return latest

    def open_between(self, start: datetime, end: datetime) -> float:
        """Seconds; 0 when `end` comes first."""
        if end <= start:
            return 0.0
        if not self.week:
            return (end - start).total_seconds()
        return sum((closes - opens for opens, closes in self._spans(start, end)), timedelta()).total_seconds()

    def is_open(self, at: datetime) -> bool:
        return self.open_between(at, at + timedelta(microseconds=1)) > 0

    def longest_closed(self) -> timedelta:
        """The longest stretch of an ordinary week in which nobody is there, holidays aside."""
        spans = [(day * DAY + opens, day * DAY + closes) for day, of in enumerate(self.week) for opens, closes in of]
        if not spans:
            return timedelta()
        following = [*(opens for opens, _ in spans[1:]), spans[0][0] + _WEEK]
        return timedelta(minutes=max(opens - closes for (_, closes), opens in zip(spans, following, strict=True)))

    def _spans(self, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open stretches from `start` to `end`, in order and apart, none of them empty."""
        zone = ZoneInfo(self.zone)
        day = start.astimezone(zone).date()
        # Where clocks go back over midnight, the next day has begun already.
        last = end.astimezone(zone).date() + timedelta(days=1)
        while day <= last:
            for opens, closes in self._hours(day):
                since, until = max(_moment(day, opens, zone), start), min(_moment(day, closes, zone), end)
                if since < until:
                    yield since, until
            day += timedelta(days=1)

    def _hours(self, day: date) -> tuple[Span, ...]:
        hours = self.week[day.weekday()]
        if not hours or day in self.closed or (self.holidays and day in _holidays(self.holidays, day.year)):
            return ()
        return hours


ALWAYS = Calendar()


def regions() -> dict[str, list[str]]:
    """Countries whose public holidays are known, with their subdivisions."""
    import holidays

    return holidays.list_supported_countries()


@lru_cache(maxsize=256)
def _holidays(region: str, year: int) -> frozenset[date]:
    # The library takes a while to import, and few installations name holidays.
    import holidays

    country, _, subdivision = region.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=subdivision or None, years=year))


def _moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
    """When the clock on the wall first shows this time of day or a later one; never earlier for a later time."""
    shown = datetime.combine(day, time()) + timedelta(minutes=minutes)
    first = shown.replace(tzinfo=zone).astimezone(UTC)
    second = shown.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if first <= second:
        return first
    # The clocks skip it, somewhere between the two readings.
    skipped = range(int((first - second).total_seconds()))
    passed = bisect_left(skipped, True, key=lambda s: _wall(second + timedelta(seconds=s), zone) >= shown)
    return second + timedelta(seconds=passed)


def _wall(at: datetime, zone: ZoneInfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)
