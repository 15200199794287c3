"""Figures and submissions, read of the newest cases on both databases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core.case import Submitter, Verdict
from app.core.figures import Figures
from db.store import Store, UnitOfWork
from tests.db.steps import add, nth_case
from tests.make import NOW, a_high_assessment, a_message, a_packet

ANA = Submitter(slack_user="UAGENT1")
A_WEEK = timedelta(days=7)


def decided(unit: UnitOfWork, number: int, outcome: str = "approved", **changes: Any) -> None:
    verdict = Verdict(outcome=outcome, by="UAGENT1", role="support_agent", at=NOW)  # type: ignore[arg-type]
    add(unit, nth_case(number, state="sent", verdict=verdict, created_at=NOW - timedelta(hours=1), **changes))


def test_what_people_decided_in_the_last_week(store: Store) -> None:
    with store.writing() as unit:
        decided(unit, 1)
        decided(unit, 2, "rejected", assessment=a_high_assessment())
        decided(unit, 3, "auto")
        add(unit, nth_case(4))
    with store.reading() as reader:
        found = reader.figures(NOW)
        later = reader.figures(NOW + A_WEEK + timedelta(seconds=1))
    assert (found.decided, found.alone, found.cases, found.cut) == (2, 1, 4, False)
    assert [tier.rejected for tier in found.tiers] == [0, 0, 1]
    assert (later.decided, later.alone, later.cases) == (0, 0, 4)


def test_of_too_many_cases_the_newest_are_read(store: Store) -> None:
    with store.writing() as unit:
        for number in range(5):
            add(unit, nth_case(number))
    with store.reading() as reader:
        assert (reader.figures(NOW, 5).cases, reader.figures(NOW, 5).cut) == (5, False)
        assert (reader.figures(NOW, 4).cases, reader.figures(NOW, 4).cut) == (4, True)


def test_an_empty_database_has_figures(store: Store) -> None:
    with store.reading() as reader:
        assert reader.figures(NOW) == Figures(tiers=reader.figures(NOW).tiers)
        assert reader.pending_by_tier() == {"high": 0, "medium": 0, "low": 0}
        assert reader.submitted_by([ANA], NOW, 10) == []


def test_a_case_in_two_queues_waits_once(store: Store) -> None:
    escalated = a_packet(key="p2", kind="escalation", channel="support-escalations", ts="18.1")
    with store.writing() as unit:
        add(unit, nth_case(1, packets=(a_packet(ts="18.0"), escalated)))
        add(unit, nth_case(2, assessment=a_high_assessment()))
        add(unit, nth_case(3, state="sent"))
    with store.reading() as reader:
        assert sum(count.pending for count in reader.queue_counts(NOW).values()) == 4
        assert list(reader.pending_by_tier().items()) == [("high", 1), ("medium", 0), ("low", 1)]
        assert reader.waiting(NOW) == (2, 0)
        assert reader.waiting(NOW + timedelta(days=3)) == (2, 2)


class TestSubmittedBy:
    def ids(self, store: Store, *submitters: Submitter, since: Any = NOW, limit: int = 10) -> list[str]:
        with store.reading() as reader:
            return [case.id for case in reader.submitted_by(submitters, since, limit)]

    def test_by_account_or_by_mail_the_newest_first(self, store: Store) -> None:
        mail = Submitter(email="Ana.Ruiz@Countersign.example")
        with store.writing() as unit:
            for number, submitter in enumerate([ANA, Submitter(slack_user="UAGENT11"), mail, None, ANA], start=1):
                add(unit, nth_case(number, submitted_by=submitter))
        lower = Submitter(email="ana.ruiz@countersign.example")
        assert self.ids(store, ANA, lower) == ["cs_00000005", "cs_00000003", "cs_00000001"]
        assert self.ids(store, ANA, limit=1) == ["cs_00000005"]
        assert self.ids(store, ANA, since=NOW + timedelta(minutes=2)) == ["cs_00000005"]

    @pytest.mark.parametrize("sign", ["%", "_", "U_GENT1", '"'])
    def test_no_sign_stands_for_any_other(self, store: Store, sign: str) -> None:
        with store.writing() as unit:
            add(unit, nth_case(1, submitted_by=ANA))
        assert self.ids(store, Submitter(slack_user=sign)) == []

    def test_nobody_writes_themselves_into_it(self, store: Store) -> None:
        with store.writing() as unit:
            add(unit, nth_case(1, messages=(a_message('"submitted_by":{"slack_user":"UAGENT1"}'),)))
        assert self.ids(store, ANA) == []
