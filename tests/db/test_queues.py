"""Queues: counters kept by difference equal a recount, and the next case is the riskiest, then the oldest."""

from __future__ import annotations

import random
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.assessment import Route
from app.core.case import STATES
from db.cases import overdue_at, queues_of
from db.store import Store, UnitOfWork
from tests.db.steps import add, change, crashing, nth_case, taken_back
from tests.make import NOW, a_case, a_high_assessment, a_packet, an_assessment

CHANNELS = ("support-review", "billing-approvals", "support-escalations")


def recount(unit: UnitOfWork) -> Counter[str]:
    return Counter(channel for case in unit.cases(limit=500)[0] for channel in queues_of(case))


def pending(unit: UnitOfWork) -> Counter[str]:
    return Counter({channel: count.pending for channel, count in unit.queue_counts(NOW).items() if count.pending})


def test_an_undecided_case_waits_where_it_was_sent_and_where_packets_let_decide() -> None:
    escalated = a_packet(key="p2", kind="escalation", channel="support-escalations")
    shown = a_packet(key="p3", kind="escalation", channel="vip-approvals", can_decide=False)
    case = a_case(packets=(a_packet(), escalated, shown))
    assert queues_of(case) == {"support-review", "support-escalations"}
    assert queues_of(a_case(packets=())) == {"support-review"}
    assert queues_of(a_case(state="sent")) == queues_of(a_case(state="approved")) == frozenset()
    assert queues_of(a_case(state="received", assessment=None)) == frozenset()


def test_a_case_is_overdue_at_its_first_rung_or_its_deadline() -> None:
    assert overdue_at(a_case()) == NOW + timedelta(hours=2)
    assert overdue_at(a_case(opened_at=NOW + timedelta(hours=1), timers=())) == NOW + timedelta(hours=3)
    later = NOW + timedelta(hours=5)
    moved = tuple(replace(t, due_at=later) if t.kind == "rung" else t for t in a_case().timers)
    assert overdue_at(a_case(timers=moved)) == later
    assert overdue_at(a_case(deadline=NOW + timedelta(minutes=5))) == NOW + timedelta(minutes=5)
    assert overdue_at(a_case(assessment=an_assessment(rungs=()))) == NOW + timedelta(hours=24)


@pytest.mark.parametrize("seed", [1, 2])
def test_counters_equal_a_recount_after_any_walk(store: Store, seed: int) -> None:
    pick = random.Random(seed)
    with store.writing() as unit:
        for number in range(8):
            add(unit, nth_case(number))
        for _ in range(60):
            case = pick.choice(unit.cases()[0])
            channel = pick.choice(CHANNELS)
            changes: dict[str, Any] = pick.choice(
                [
                    {"state": pick.choice(STATES)},
                    {"packets": (*case.packets[-3:], a_packet(key="e", channel=channel, ts=None))},
                    {"packets": case.packets[:1]},
                    {"assessment": a_high_assessment(route=Route(role="r", channel=channel))},
                    {"assessment": an_assessment(route=Route(role="r", channel=channel))},
                ]
            )
            if any(c.ticket.id == case.ticket.id and c.id != case.id for c in unit.cases()[0]):
                continue
            if pick.random() < 0.2:
                with taken_back(unit):
                    change(unit, case, **changes)
            else:
                change(unit, case, **changes)
            assert pending(unit) == recount(unit)
        for channel in CHANNELS:
            waiting = [case for case in unit.cases()[0] if channel in queues_of(case)]
            ranked = sorted(waiting, key=lambda c: (c.assessed.tier != "high", c.created_at))
            assert unit.next_in_queue(channel, 100) == ranked
            count = unit.queue_counts(NOW).get(channel)
            assert (count.oldest_at if count else None) == min((c.created_at for c in waiting), default=None)


def test_counts_say_how_long_and_how_late(store: Store) -> None:
    with store.writing() as unit:
        for number in range(3):
            add(unit, nth_case(number, opened_at=None))
    with store.reading() as reader:
        early = reader.queue_counts(NOW)["support-review"]
        late = reader.queue_counts(NOW + timedelta(hours=2, minutes=1))["support-review"]
    assert (early.pending, early.overdue, early.oldest_at) == (3, 0, NOW)
    assert (late.pending, late.overdue) == (3, 2)


def test_an_empty_queue_is_counted_as_empty(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case())
        change(unit, case, state="sent")
        count = unit.queue_counts(NOW)["support-review"]
    assert (count.pending, count.overdue, count.oldest_at) == (0, 0, None)


def test_a_crash_leaves_the_counters_as_they_were(store: Store) -> None:
    with store.writing() as unit:
        add(unit, nth_case(1))
    with crashing(store) as unit:
        add(unit, nth_case(2))
    with store.reading() as reader:
        assert reader.queue_counts(NOW)["support-review"].pending == 1
