"""Business hours as roles.yaml writes them: what is wrong with them, and the calendar they make."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from app.core.calendar import ALWAYS, Calendar, Span, regions
from app.core.errors import PolicyProblem
from app.core.policy.rolesfile import Days, Hours
from app.core.shape import did_you_mean, listed

# Names that the time zone database has for no place; the first is another one on every machine.
_NOWHERE = ("localtime", "posixrules", "Factory")


def calendar_of(hours: Hours | None) -> Calendar:
    """Of hours that have no problems; a role without any is there all the time."""
    if hours is None:
        return ALWAYS
    week = tuple(tuple(sorted(map(_span, written))) for written in _week(hours.days).values())
    closed = frozenset(map(date.fromisoformat, hours.closed))
    return Calendar(zone=hours.zone, week=week, holidays=hours.holidays, closed=closed)


def hours_problems(key: str, hours: Hours) -> Iterator[PolicyProblem]:
    """`key` is where the hours stand."""
    if not _is_zone(hours.zone):
        hint = did_you_mean(hours.zone, available_timezones()) or "a place of the IANA list: Europe/Berlin"
        yield _problem(f"{key}.zone", f"unknown time zone {hours.zone}", hint)
    week = _week(hours.days)
    if not any(week.values()):
        yield _problem(f"{key}.days", "no open time at all", "mon: 09:00-17:00, or leave hours out for 24x7")
    for day, written in week.items():
        yield from _day_problems(f"{key}.days.{day}", written)
    yield from _holiday_problems(f"{key}.holidays", hours.holidays)
    for index, text in enumerate(hours.closed):
        try:
            date.fromisoformat(text)
        except ValueError:
            yield _problem(f"{key}.closed[{index}]", f"there is no {text}")


def _day_problems(key: str, written: list[str]) -> Iterator[PolicyProblem]:
    for text in written:
        opens, closes = _span(text)
        if closes <= opens:
            hint = "a shift over midnight is two: 22:00-24:00, and 00:00-06:00 the next day"
            yield _problem(key, f"{text} ends before it starts", hint)
            return
    for (first, earlier), (second, later) in pairwise(sorted((_span(text), text) for text in written)):
        if second[0] < first[1]:
            yield _problem(key, f"{earlier} and {later} overlap", "write them as one")


def _holiday_problems(key: str, region: str) -> Iterator[PolicyProblem]:
    if not region:
        return
    country, _, subdivision = region.partition("-")
    known = regions()
    if country not in known:
        yield _problem(key, f"no holidays are known for {country}", "a country's two letters: DE, or DE-BE")
    elif subdivision and subdivision not in known[country]:
        hint = did_you_mean(subdivision, known[country]) or listed(known[country])
        yield _problem(key, f"{country} has no part {subdivision}", hint)


def _week(days: Days) -> dict[str, list[str]]:
    """Monday first."""
    written = {day: getattr(days, day) for day in Days.__struct_fields__}
    return {day: [spans] if isinstance(spans, str) else spans for day, spans in written.items()}


def _span(text: str) -> Span:
    opens, closes = ((int(hour) * 60 + int(minute)) for hour, minute in (t.split(":") for t in text.split("-")))
    return opens, closes


def _is_zone(name: str) -> bool:
    if name in _NOWHERE:
        return False
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _problem(key: str, message: str, hint: str = "") -> PolicyProblem:
    return PolicyProblem(file="roles.yaml", key=key, message=message, hint=hint)
