"""A moment as people type it: `2026-12-01`, `2026-12-01 17:00`, `17:00`, `tomorrow`, `friday`, `8h`, `3d`, `2w`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
LAST_MINUTE = time(23, 59)  # so that "until friday" reads as friday
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_SPAN = re.compile(r"([1-9][0-9]{0,2})([hdw])")
# A day beyond is as good as this one: what has a limit refuses it, and no calendar ends before the time zone is added.
_FARTHEST = timedelta(days=36_525)
_UNITS = {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}


def zone_of(name: str) -> ZoneInfo:
    """UTC for a zone nobody knows."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def read_when(words: Sequence[str], now: datetime, zone: ZoneInfo, *, ends: bool) -> datetime | None:
    """None where it cannot be read. A bare day means its end where something ends, else its start."""
    local = now.astimezone(zone)
    match [word.casefold() for word in words]:
        case [only] if span := _SPAN.fullmatch(only):
            return now + int(span[1]) * _UNITS[span[2]]
        case [only] if (clock := _time(only)) is not None:
            there = datetime.combine(local.date(), clock, zone)
            return there if there > now else datetime.combine(local.date() + timedelta(days=1), clock, zone)
        case [day] if (found := _day(day, local.date())) is not None:
            return datetime.combine(found, LAST_MINUTE if ends else time(), zone)
        case [day, clock_words] if (found := _day(day, local.date())) and (clock := _time(clock_words)) is not None:
            return datetime.combine(found, clock, zone)
        case _:
            return None


def _time(word: str) -> time | None:
    found = _CLOCK.fullmatch(word)
    return time(int(found[1]), int(found[2])) if found else None


def _day(word: str, today: date) -> date | None:
    if word == "today":
        return today
    if word == "tomorrow":
        return today + timedelta(days=1)
    if word in DAYS:
        return today + timedelta(days=(DAYS.index(word) - today.weekday() - 1) % 7 + 1)
    try:
        found = date.fromisoformat(word) if len(word) == 10 else None
    except ValueError:
        return None
    return found and min(max(found, today - _FARTHEST), today + _FARTHEST)
