"""The team's figures: who decided what, how long it took, and only what happened in the period (ME1)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
import pytest

from app.core.case import Case, Verdict
from app.core.figures import PERIOD, CaseFacts, Ended, Figures, Happened, sum_up
from tests.make import NOW, a_case, a_high_assessment

SINCE = NOW - PERIOD


def decided(outcome: str = "approved", *, minutes: float = 5, ago: timedelta = timedelta(hours=2), **more: Any) -> Case:
    opened = NOW - ago
    verdict = Verdict(outcome=outcome, by="UAGENT1", role="support_agent", at=opened + timedelta(minutes=minutes))  # type: ignore[arg-type]
    return a_case(state="sent", created_at=opened - timedelta(minutes=1), opened_at=opened, verdict=verdict, **more)


def figures(*cases: Case) -> Figures:
    """By way of their stored form, as the database hands them over."""
    return sum_up((msgspec.json.decode(msgspec.json.encode(case), type=CaseFacts) for case in cases), SINCE)


def test_decisions_are_counted_by_tier() -> None:
    high = a_high_assessment()
    found = figures(decided(), decided("edited"), decided("edited"), decided("rejected", assessment=high), a_case())
    by_tier = {tier.tier: (tier.approved, tier.edited, tier.rejected) for tier in found.tiers}
    assert by_tier == {"low": (1, 2, 0), "medium": (0, 0, 0), "high": (0, 0, 1)}
    assert (found.decided, found.cases) == (4, 5)


def test_what_went_alone_is_apart_and_has_no_time_to_decide() -> None:
    found = figures(decided("auto"), decided("notified"), decided("expired"), decided("withdrawn"))
    assert (found.alone, found.decided, found.median, found.p90, found.soon) == (2, 0, None, None, 0)


def test_times_count_from_when_people_were_asked() -> None:
    found = figures(*(decided(minutes=minutes) for minutes in (1, 2, 3, 4, 15, 16, 17, 18, 19, 600)))
    assert found.median == 15.5 * 60
    assert found.p90 == 19 * 60
    assert found.soon == 5
    assert figures(decided(minutes=7)).p90 == 7 * 60


@pytest.mark.parametrize(("days", "counted"), [(6.9, 1), (7.1, 0)])
def test_only_what_was_decided_in_the_period_counts(days: float, counted: int) -> None:
    assert figures(decided(minutes=0, ago=timedelta(days=days))).decided == counted


def test_nothing_is_known_of_nothing() -> None:
    found = figures()
    assert (found.decided, found.median, found.cases, found.cut) == (0, None, 0, False)
    assert [tier.tier for tier in found.tiers] == ["low", "medium", "high"]


def test_a_case_that_was_never_assessed_counts_as_high() -> None:
    odd = CaseFacts(created_at=NOW, verdict=Ended(at=NOW, outcome="rejected"))
    assert [tier.rejected for tier in sum_up([odd], SINCE).tiers] == [0, 0, 1]


def test_escalations_and_overrides_of_the_period_count_whatever_became_of_the_case() -> None:
    before, now = Happened(at=SINCE - timedelta(seconds=1)), Happened(at=SINCE)
    case = CaseFacts(created_at=NOW, overrides=(before, now, now), escalations=(before, now))
    found = sum_up([case, case], SINCE)
    assert (found.overrides, found.escalations, found.decided) == (4, 2, 0)
