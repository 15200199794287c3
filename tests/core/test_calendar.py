"""Business hours as arithmetic: elapsed time over nights on which clocks change, holidays and the ends of years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.core.calendar import ALWAYS, DAY, HORIZON, Calendar, Span

ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Havana", "Pacific/Apia")
NINE_TO_FIVE: Span = (9 * 60, 17 * 60)
WEEKDAYS = ((NINE_TO_FIVE,),) * 5 + ((), ())
OFFICE = Calendar(zone="Europe/Berlin", week=WEEKDAYS)
HOUR = 3600


def clock(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])


def sundays(zone: str, opens: str, closes: str) -> Calendar:
    return Calendar(zone=zone, week=((),) * 6 + (((clock(opens), clock(closes)),),))


def in_berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


def spans_of(points: list[int]) -> tuple[Span, ...]:
    """Neighbours of a sorted list, so that spans are in order and apart; the last of an odd number is left out."""
    return tuple(zip(points[::2], points[1::2], strict=False))


days = st.lists(st.integers(0, DAY), max_size=6, unique=True).map(sorted).map(spans_of)
# An hour on Wednesdays at noon at least, so that the horizon is far.
weeks = st.lists(days, min_size=6, max_size=6).map(lambda d: (*d[:2], ((12 * 60, 13 * 60),), *d[2:]))
calendars = st.builds(
    Calendar,
    zone=st.sampled_from(ZONES),
    week=weeks,
    holidays=st.sampled_from(["", "DE", "DE-BE", "US"]),
    closed=st.frozensets(st.dates(date(2025, 1, 1), date(2028, 1, 1)), max_size=3),
)
moments = st.datetimes(datetime(2025, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))
# Some near the nights on which clocks change.
nights = st.sampled_from([(2026, 3, 28), (2026, 10, 24), (2026, 3, 7), (2026, 10, 31), (2026, 10, 3), (2026, 4, 4)])
near = st.builds(
    lambda day, hours: datetime(*day, tzinfo=UTC) + timedelta(hours=hours), nights, st.floats(0, 48, width=16)
)
starts = moments | near
seconds = st.integers(0, 40 * HOUR)


# --- for any calendar --------------------------------------------------------------------------------------------


@given(calendars, starts, seconds)
def test_what_lies_between_is_what_one_advanced_by(calendar: Calendar, start: datetime, wanted: int) -> None:
    assert calendar.open_between(start, calendar.advance(start, wanted)) == wanted


@given(calendars, starts, seconds, seconds)
def test_two_steps_lead_where_one_does(calendar: Calendar, start: datetime, first: int, second: int) -> None:
    halfway = calendar.advance(start, first)
    assert start <= halfway <= calendar.advance(halfway, second) == calendar.advance(start, first + second)


@given(calendars, starts, st.integers(0, 10 * 24 * HOUR), seconds)
def test_who_starts_later_ends_no_earlier(calendar: Calendar, start: datetime, later: int, wanted: int) -> None:
    assert calendar.advance(start, wanted) <= calendar.advance(start + timedelta(seconds=later), wanted)


@given(calendars, starts, seconds)
def test_it_ends_in_open_time_and_no_earlier_than_by_the_clock(
    calendar: Calendar, start: datetime, wanted: int
) -> None:
    end = calendar.advance(start, wanted)
    assert end >= start + timedelta(seconds=wanted)
    assert wanted == 0 or calendar.is_open(end - timedelta(microseconds=1))


@settings(max_examples=20)
@given(
    st.sampled_from(ZONES),
    # Clocks change between midnight and four, about which the tests below say more.
    st.lists(st.integers(4 * 60, DAY - 60), max_size=4, unique=True).map(sorted).map(spans_of),
    starts.map(lambda at: at.replace(second=0, microsecond=0)),
)
@example("Europe/Berlin", (NINE_TO_FIVE,), datetime(2026, 3, 27, 12, tzinfo=UTC))
def test_it_agrees_with_a_look_at_the_clock_every_minute(zone: str, spans: tuple[Span, ...], start: datetime) -> None:
    calendar = Calendar(zone=zone, week=(spans,) * 7)
    seen = 0
    for minute in range(3 * DAY):
        local = (start + timedelta(minutes=minute)).astimezone(ZoneInfo(zone))
        seen += any(opens <= local.hour * 60 + local.minute < closes for opens, closes in spans)
    assert calendar.open_between(start, start + timedelta(minutes=3 * DAY)) == seen * 60


def test_a_full_week_is_the_clock() -> None:
    start = in_berlin("2026-03-27T12:00")
    full = Calendar(zone="Europe/Berlin", week=(((0, DAY),),) * 7)
    for calendar in (ALWAYS, full):
        assert calendar.advance(start, 90 * HOUR) == start + timedelta(hours=90)
        assert calendar.open_between(start, start + timedelta(days=3)) == 72 * HOUR
        assert calendar.open_between(start, start - timedelta(days=3)) == 0
        assert calendar.is_open(start)
        assert calendar.longest_closed() == timedelta()


# --- nights on which clocks change -------------------------------------------------------------------------------

NIGHTS = [
    ("Europe/Berlin", "2026-03-29", "00:00", "24:00", 23.0),
    ("Europe/Berlin", "2026-03-29", "02:30", "06:00", 3.0),
    ("Europe/Berlin", "2026-03-29", "00:00", "02:30", 2.0),
    ("Europe/Berlin", "2026-03-29", "02:10", "02:50", 0.0),
    ("Europe/Berlin", "2026-10-25", "00:00", "24:00", 25.0),
    ("Europe/Berlin", "2026-10-25", "02:30", "06:00", 4.5),
    ("Europe/Berlin", "2026-10-25", "00:00", "02:30", 2.5),
    ("America/New_York", "2026-03-08", "01:00", "02:30", 1.0),
    ("America/New_York", "2026-11-01", "01:30", "09:00", 8.5),
    ("Australia/Lord_Howe", "2026-10-04", "00:00", "24:00", 23.5),
    ("Australia/Lord_Howe", "2026-10-04", "02:15", "06:00", 3.5),
    ("Australia/Lord_Howe", "2026-04-05", "00:00", "24:00", 24.5),
    ("Australia/Lord_Howe", "2026-04-05", "01:45", "06:00", 4.75),
]


@pytest.mark.parametrize(("zone", "night", "opens", "closes", "hours"), NIGHTS)
def test_open_time_is_elapsed_time(zone: str, night: str, opens: str, closes: str, hours: float) -> None:
    around = datetime.fromisoformat(night).replace(tzinfo=UTC)
    calendar = sundays(zone, opens, closes)
    assert calendar.open_between(around - timedelta(days=2), around + timedelta(days=2)) == hours * HOUR


def test_half_past_two_that_is_skipped_is_three() -> None:
    opening = sundays("Europe/Berlin", "02:30", "06:00")
    assert opening.advance(in_berlin("2026-03-28T12:00"), 60) == datetime(2026, 3, 29, 1, 1, tzinfo=UTC)


def test_half_past_two_that_comes_twice_is_the_first() -> None:
    opening = sundays("Europe/Berlin", "02:30", "06:00")
    assert opening.advance(in_berlin("2026-10-24T12:00"), 60) == datetime(2026, 10, 25, 0, 31, tzinfo=UTC)
    closing = sundays("Europe/Berlin", "00:00", "02:30")
    assert [closing.is_open(datetime(2026, 10, 25, hour, 15, tzinfo=UTC)) for hour in (0, 1)] == [True, False]


def test_a_day_that_a_zone_skipped_has_no_hours() -> None:
    samoa = Calendar(zone="Pacific/Apia", week=((NINE_TO_FIVE,),) * 7)
    start = datetime(2011, 12, 29, 10, tzinfo=UTC)  # midnight of Thursday there; Friday the 30th never was
    assert samoa.open_between(start, start + timedelta(days=2)) == 16 * HOUR


# --- weekends, holidays, the end of the year ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-06T16:50", 2, "2026-03-09T10:50"),
        ("2026-03-07T03:00", 2, "2026-03-09T11:00"),
        ("2026-03-09T08:00", 8, "2026-03-09T17:00"),
        ("2026-03-27T16:00", 2, "2026-03-30T10:00"),
        ("2026-04-02T16:00", 2, "2026-04-07T10:00"),
        ("2026-12-30T16:00", 2, "2027-01-04T10:00"),
    ],
    ids=["Friday", "Saturday", "early", "clocks change", "Easter", "New Year"],
)
def test_it_goes_on_when_people_are_back(start: str, hours: int, end: str) -> None:
    office = Calendar(zone="Europe/Berlin", week=WEEKDAYS, holidays="DE", closed=frozenset({date(2026, 12, 31)}))
    assert office.advance(in_berlin(start), hours * HOUR) == in_berlin(end)


def test_a_part_of_a_country_has_holidays_of_its_own() -> None:
    monday = in_berlin("2027-03-08T10:00")
    whole, berlin = (Calendar(zone="Europe/Berlin", week=WEEKDAYS, holidays=region) for region in ("DE", "DE-BE"))
    assert whole.is_open(monday)
    assert not berlin.is_open(monday)


def test_a_holiday_may_be_observed_in_the_year_before() -> None:
    office = Calendar(zone="America/New_York", week=WEEKDAYS, holidays="US")
    assert not office.is_open(datetime(2021, 12, 31, 16, tzinfo=UTC))


def test_it_looks_two_years_ahead_and_no_further() -> None:
    start = in_berlin("2026-01-01T00:00")
    closed = frozenset(start.date() + timedelta(days=n) for n in range(800))
    assert Calendar(zone="Europe/Berlin", week=WEEKDAYS, closed=closed).advance(start, 60) == start + HORIZON
    assert OFFICE.advance(start, 99_999 * 24 * HOUR) == start + HORIZON


def test_the_longest_stretch_without_people() -> None:
    assert OFFICE.longest_closed() == timedelta(hours=64)
    night_shift = Calendar(week=(((0, 6 * 60), (22 * 60, DAY)),) * 7)
    assert night_shift.longest_closed() == timedelta(hours=16)
    assert sundays("UTC", "10:00", "11:00").longest_closed() == timedelta(hours=7 * 24 - 1)
