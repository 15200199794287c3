"""Moments as people type them, in their own time zone."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.edges.whenwords import read_when, zone_of

BERLIN = zone_of("Europe/Berlin")
NOW = datetime(2026, 11, 25, 22, 30, tzinfo=UTC)  # a Wednesday, 23:30 in Berlin


@pytest.mark.parametrize(
    ("words", "at"),
    [
        ("8h", "2026-11-26T06:30+00:00"),
        ("3d", "2026-11-28T22:30+00:00"),
        ("2w", "2026-12-09T22:30+00:00"),
        ("2026-12-01", "2026-12-01T23:59+01:00"),
        ("2026-12-01 17:00", "2026-12-01T17:00+01:00"),
        ("today", "2026-11-25T23:59+01:00"),
        ("Tomorrow", "2026-11-26T23:59+01:00"),
        ("friday", "2026-11-27T23:59+01:00"),
        ("Friday 9:30", "2026-11-27T09:30+01:00"),
        ("wednesday", "2026-12-02T23:59+01:00"),  # the next one: today is `today`
        ("23:45", "2026-11-25T23:45+01:00"),
        ("17:00", "2026-11-26T17:00+01:00"),  # today's is past
    ],
)
def test_the_end_of_something(words: str, at: str) -> None:
    assert read_when(words.split(), NOW, BERLIN, ends=True) == datetime.fromisoformat(at)


@pytest.mark.parametrize("words", ["9999-12-31", "9999-12-31 23:59", "0001-01-01", "0001-01-01 00:00"])
@pytest.mark.parametrize("zone", ["UTC", "Pacific/Kiritimati", "America/Adak"])
def test_a_day_at_the_end_of_the_calendar_is_only_far_away(words: str, zone: str) -> None:
    for ends in (True, False):
        found = read_when(words.split(), NOW, zone_of(zone), ends=ends)
        assert found is not None
        assert abs(found.astimezone(UTC) - NOW).days > 36_000


def test_a_day_on_which_something_begins_begins_at_midnight() -> None:
    assert read_when(["tomorrow"], NOW, BERLIN, ends=False) == datetime.fromisoformat("2026-11-26T00:00+01:00")


def test_a_day_on_which_the_clock_changes_has_its_own_length() -> None:
    before = datetime(2026, 10, 24, 10, tzinfo=UTC)
    ends = read_when(["2026-10-25"], before, BERLIN, ends=True)
    begins = read_when(["2026-10-25"], before, BERLIN, ends=False)
    assert ends is not None
    assert begins is not None
    assert (ends.astimezone(UTC) - begins.astimezone(UTC)).total_seconds() == 25 * 3600 - 60


@pytest.mark.parametrize(
    "words",
    ["", "soon", "0d", "9999d", "25:00", "2026-13-01", "2026-1-1", "friday 25:00", "8h 3d", "tomorrow at 5", "٣d"],
)
def test_what_cannot_be_read_is_not_guessed(words: str) -> None:
    assert read_when(words.split(), NOW, BERLIN, ends=True) is None


@pytest.mark.parametrize("name", ["", "Mars/Phobos", "../../etc/passwd", "/etc"])
def test_a_zone_nobody_knows_is_utc(name: str) -> None:
    assert str(zone_of(name)) == "UTC"
