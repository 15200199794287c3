"""Deliveries: one after the other in their lane, claimed once, settled once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core.effects import (
    AnyEffect,
    Callback,
    CrmPatch,
    DirectMessage,
    HelpdeskFields,
    HelpdeskNote,
    HelpdeskReply,
    Outcome,
    PacketPost,
    PacketUpdate,
    Settlement,
)
from db.errors import UnknownDelivery
from db.outbox import Delivery
from db.store import Store, UnitOfWork
from tests.db.steps import ALL, add, claim, crashing, nth_case, send, settle, taken_back
from tests.make import NOW, a_case, a_high_assessment, a_reply, an_outcome

FIELDS = HelpdeskFields(fields={"risk_tier": "low"}, tags=("countersign",))
CRM = CrmPatch(ticket="90211", properties={"risk_tier": "low"}, final=True)
LATER = NOW + timedelta(minutes=5)


def soon(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def out(store: Store, *more: AnyEffect) -> str:
    """A case whose reply, fields and CRM patch wait in one lane; the case's id."""
    with store.writing() as unit:
        case = add(unit, a_case(deliveries=0))
        return send(unit, case, a_reply(case), FIELDS, CRM, *more).id


def ids(deliveries: Sequence[Delivery]) -> list[str]:
    return [d.id for d in deliveries]


def test_a_delivery_comes_back_whole(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case(deliveries=0))
        callback = Callback(url="https://a.example", key="agent", type="case.decided", data={"n": 1})
        send(unit, case, callback, DirectMessage(user="UAGENT1", kind="feedback", data={"t": "<!here>\0"}))
    first, second = claim(store)
    assert first.effect == callback
    assert (first.destination, first.lane, first.priority) == ("callback", f"{case.id}:callback", 2)
    assert second.effect == DirectMessage(user="UAGENT1", kind="feedback", data={"t": "<!here>\0"})
    assert (first.attempts, first.first_at, first.created_at, first.maybe_sent) == (1, NOW, NOW, False)
    assert (first.worker, first.lease_until, first.case_id) == ("w1", soon(30), case.id)


def test_nothing_overtakes_in_a_lane(store: Store) -> None:
    case = out(store)
    for number in (1, 2, 3):
        assert ids(claim(store)) == [f"{case}-{number}"]
        assert claim(store) == []
        assert settle(store, f"{case}-{number}")
    assert claim(store) == []


def test_lanes_do_not_wait_for_each_other(store: Store) -> None:
    case = out(store, PacketUpdate(packet="p1"), PacketPost(packet="p2"), PacketUpdate(packet="p1"))
    assert sorted(ids(claim(store))) == [f"{case}-1", f"{case}-4", f"{case}-5"]
    settle(store, f"{case}-4")
    assert ids(claim(store)) == [f"{case}-6"]


def test_only_asked_for_destinations_and_as_many(store: Store) -> None:
    case = out(store, PacketUpdate(packet="p1"), PacketUpdate(packet="p2"))
    assert claim(store, to=("crm",)) == claim(store, to=()) == claim(store, limit=0) == []
    assert ids(claim(store, to=("slack", "crm"), limit=1)) == [f"{case}-4"]
    assert ids(claim(store, to=("helpdesk",))) == [f"{case}-1"]


def test_highest_priority_first_then_the_oldest(store: Store) -> None:
    with store.writing() as unit:
        for number, at in ((1, 20), (2, 10), (3, 30)):
            case = add(unit, nth_case(number))
            send(unit, case, a_reply(case), PacketUpdate(packet="p"), at=soon(at))
        high = add(unit, nth_case(4, assessment=a_high_assessment()))
        send(unit, high, PacketUpdate(packet="p"), at=soon(40))
    assert ids(claim(store, at=LATER, limit=4)) == ["cs_00000004-1", "cs_00000002-1", "cs_00000002-2", "cs_00000001-1"]
    assert ids(claim(store, at=LATER, limit=1, to=("slack",))) == ["cs_00000001-2"]


@pytest.mark.parametrize("status", ["indeterminate", "held", "dead"])
def test_a_reply_without_an_end_blocks_its_lane_until_redriven(store: Store, status: str) -> None:
    case = out(store)
    claim(store)
    assert settle(store, f"{case}-1", status, "503")
    assert claim(store, at=LATER) == []
    with store.reading() as reader:
        head = reader.lane_head(f"{case}:out")
        assert head is not None
        assert (head.id, head.status, head.error) == (f"{case}-1", status, "503")
    with store.writing() as unit:
        assert unit.redrive(f"{case}-1")
        assert not unit.redrive(f"{case}-1")
    (again,) = claim(store, at=LATER)
    assert (again.id, again.attempts, again.first_at, again.maybe_sent) == (f"{case}-1", 1, LATER, False)


def test_anything_else_that_died_does_not_block(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case(deliveries=0))
        send(unit, case, HelpdeskNote(text="note"), CRM)
    claim(store)
    settle(store, f"{case.id}-1", "dead", "422")
    assert ids(claim(store)) == [f"{case.id}-2"]
    with store.writing() as unit:
        assert unit.redrive(f"{case.id}-1")
    assert claim(store) == [], "the lane is taken"
    settle(store, f"{case.id}-2")
    assert ids(claim(store)) == [f"{case.id}-1"]


def test_a_redriven_delivery_goes_before_what_has_not_gone_yet(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case(deliveries=0))
        send(unit, case, HelpdeskNote(text="note"), CRM)
    claim(store)
    settle(store, f"{case.id}-1", "dead", "422")
    claim(store)
    with store.writing() as unit:
        unit.redrive(f"{case.id}-1")
        unit.reschedule(f"{case.id}-2", "w1", NOW, "429")
    assert ids(claim(store)) == [f"{case.id}-1"]


def test_a_cancelled_reply_frees_the_lane(store: Store) -> None:
    case = out(store)
    claim(store)
    settle(store, f"{case}-1", "dead", "422")
    assert settle(store, f"{case}-1", "cancelled", "case withdrawn")
    assert not settle(store, f"{case}-1", "dead", "late word")
    assert ids(claim(store)) == [f"{case}-2"]
    assert settle(store, f"{case}-1", "done"), "it went out after all"


def test_a_repeated_receipt_changes_nothing(store: Store) -> None:
    case = out(store)
    claim(store)
    assert settle(store, f"{case}-1", at=soon(1))
    for status in ("done", "dead", "indeterminate", "cancelled"):
        assert not settle(store, f"{case}-1", status, "late", at=soon(2))
    with store.reading() as reader:
        found = reader.delivery(f"{case}-1")
    assert found is not None
    assert (found.status, found.error, found.settled_at) == ("done", "", soon(1))


def test_an_unknown_delivery_is_named(store: Store) -> None:
    with pytest.raises(UnknownDelivery, match="cs_x-9"):
        settle(store, "cs_x-9")
    with pytest.raises(UnknownDelivery), store.writing() as unit:
        unit.redrive("cs_x-9")
    with store.reading() as reader:
        assert reader.delivery("cs_x-9") is None


def test_a_lease_that_ran_out_is_handed_on_with_a_warning(store: Store) -> None:
    case = out(store)
    assert not claim(store, worker="w1")[0].maybe_sent
    assert claim(store, worker="w2", at=soon(29)) == []
    (again,) = claim(store, worker="w2", at=soon(30))
    assert (again.id, again.maybe_sent, again.attempts, again.first_at) == (f"{case}-1", True, 2, NOW)
    with store.writing() as unit:
        assert not unit.reschedule(f"{case}-1", "w1", soon(31), "too late")
        assert not unit.release(f"{case}-1", "w1")
    (third,) = claim(store, worker="w3", at=soon(60))
    assert (third.maybe_sent, third.attempts) == (True, 3)


def test_a_retry_waits_until_it_is_due(store: Store) -> None:
    case = out(store)
    claim(store)
    with store.writing() as unit:
        assert unit.reschedule(f"{case}-1", "w1", soon(2), "connect time-out")
    assert claim(store, at=soon(1.9)) == []
    (again,) = claim(store, at=soon(2))
    assert (again.attempts, again.first_at, again.maybe_sent) == (2, NOW, False)


def test_a_retry_after_a_search_found_nothing_is_no_longer_doubtful(store: Store) -> None:
    case = out(store)
    claim(store)
    claim(store, worker="w2", at=soon(30))
    with store.writing() as unit:
        unit.reschedule(f"{case}-1", "w2", soon(31), "not sent: connection refused")
    assert not claim(store, at=soon(31))[0].maybe_sent


def test_what_was_not_begun_is_released_as_it_was(store: Store) -> None:
    case = out(store)
    claim(store)
    with store.writing() as unit:
        assert unit.release(f"{case}-1", "w1")
    (again,) = claim(store, at=soon(1), worker="w2")
    assert (again.attempts, again.first_at, again.maybe_sent) == (1, soon(1), False)
    claim(store, at=soon(31), worker="w3")
    with store.writing() as unit:
        assert unit.release(f"{case}-1", "w3")
    (doubtful,) = claim(store, at=soon(32), worker="w4")
    assert (doubtful.attempts, doubtful.first_at, doubtful.maybe_sent) == (2, soon(1), True)


def test_new_deliveries_queue_up_behind_a_blocked_lane(store: Store) -> None:
    case_id = out(store)
    claim(store)
    settle(store, f"{case_id}-1", "indeterminate", "time-out")
    with store.writing() as unit:
        case = unit.case(case_id)
        assert case is not None
        send(unit, case, CRM)
    assert claim(store) == []


def test_a_decision_settles_and_sends_at_once(store: Store) -> None:
    case_id = out(store)
    claim(store)
    settle(store, f"{case_id}-1", "indeterminate", "time-out")
    with store.writing() as unit:
        case = unit.case(case_id)
        assert case is not None
        outcome = an_outcome(case, CRM)
        settled = (
            Settlement(delivery=f"{case_id}-1", status="redrive"),
            Settlement(delivery=f"{case_id}-2", status="cancelled", error="superseded"),
        )
        unit.save(case, Outcome(case=outcome.case, events=(), effects=outcome.effects, settled=settled), NOW)
    for number in (1, 3, 4):
        assert ids(claim(store)) == [f"{case_id}-{number}"]
        settle(store, f"{case_id}-{number}")


def test_a_rolled_back_decision_sends_nothing(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case())
        with taken_back(unit):
            send(unit, case, a_reply(case))
    assert claim(store) == []


def test_deliveries_are_listed_by_status_and_place(store: Store) -> None:
    case = out(store, PacketUpdate(packet="p1"))
    claim(store)
    settle(store, f"{case}-4", "dead", "channel_not_found")
    with store.reading() as reader:
        assert ids(reader.deliveries("dead", "held")) == [f"{case}-4"]
        assert ids(reader.deliveries("pending", "claimed")) == [f"{case}-{n}" for n in (1, 2, 3)]
        assert ids(reader.deliveries("dead", "pending", destination="crm")) == [f"{case}-3"]
        assert ids(reader.deliveries(case_id="cs_nobody")) == []
        page = reader.deliveries(case_id=case, limit=2)
        assert ids(reader.deliveries(case_id=case, limit=9, after=page[-1])) == [f"{case}-3", f"{case}-4"]
        backlog = reader.delivery_backlog()
    assert {to: b.pending for to, b in backlog.items()} == {"helpdesk": 2, "crm": 1}
    assert backlog["crm"].oldest_at == NOW


STEP = st.tuples(
    st.sampled_from(
        ["send", "claim", "done", "dead", "indeterminate", "cancelled", "retry", "release", "redrive", "lapse"]
    ),
    st.integers(0, 7),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(STEP, max_size=40))
def test_no_history_breaks_a_lane(sqlite_url: str, steps: list[tuple[str, int]]) -> None:
    """Never two of a lane out at once, never one before an earlier one that blocks, never a lane that is forgotten."""
    store = Store(sqlite_url)
    with crashing(store) as unit:
        case, clock = add(unit, a_case(deliveries=0)), NOW
        for step, pick in steps:
            rows = unit.deliveries(case_id=case.id)
            row = rows[pick % len(rows)] if rows else None
            if step == "send":
                effects = (a_reply(case), FIELDS, CRM, PacketUpdate(packet="p1"))
                case = send(unit, case, effects[pick % 4], effects[(pick + 1) % 4], at=clock)
            elif step == "lapse":
                clock += timedelta(seconds=31)
            elif step == "claim":
                unit.claim("w", clock, timedelta(seconds=30), 1 + pick, ALL)
            elif row:
                tell(unit, row, step, clock)
            check_lanes(unit, case.id, clock)
    store.close()


def tell(unit: UnitOfWork, row: Delivery, step: str, clock: datetime) -> None:
    if step == "redrive":
        unit.redrive(row.id)
    elif step == "retry":
        unit.reschedule(row.id, "w", clock, "retry")
    elif step == "release":
        unit.release(row.id, "w")
    elif row.status == "claimed" or step == "cancelled":
        unit.settle(row.id, step, "", clock)  # type: ignore[arg-type]


def check_lanes(unit: UnitOfWork, case_id: str, clock: datetime) -> None:
    """A claim of everything takes exactly the heads that may go, and what lost its lease."""
    lanes: dict[str, list[Delivery]] = {}
    for row in sorted(unit.deliveries(case_id=case_id), key=lambda r: r.number):
        dead_reply = row.status == "dead" and isinstance(row.effect, HelpdeskReply)
        if row.status in ("pending", "claimed", "indeterminate", "held") or dead_reply:
            lanes.setdefault(row.lane, []).append(row)
    expected = []
    for rows in lanes.values():
        out_now = [r for r in rows if r.status == "claimed"]
        assert len(out_now) <= 1, f"{ids(out_now)} are out together"
        expected += [r.id for r in out_now if r.lease_until and r.lease_until <= clock]
        if not out_now and rows[0].status == "pending" and rows[0].due_at <= clock:
            expected.append(rows[0].id)
    with taken_back(unit):
        assert sorted(ids(unit.claim("probe", clock, timedelta(1), 100, ALL))) == sorted(expected)
