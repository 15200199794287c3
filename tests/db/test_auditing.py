"""What the auditor finds in the tables, also where the code that fills them would not have left it so."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text

from app.auditor import find_alarms
from app.core.case import Case, Timer
from app.core.effects import BoardPost, PacketUpdate
from app.core.office import Alarm, Office
from db.auditing import Tally
from db.store import Store, UnitOfWork
from tests.db.steps import add, claim, nth_case, send, send_office, settle
from tests.make import NOW, a_case, a_reply


def timer(key: str, seconds: float) -> Timer:
    return Timer(key=key, kind="rung", due_at=NOW + timedelta(seconds=seconds))


def alarms(store: Store, *, queue_alert: int = 20) -> list[Alarm]:
    with store.reading() as reader:
        return list(find_alarms(reader, NOW, queue_alert))


def healthy(unit: UnitOfWork, number: int, **changes: object) -> Case:
    return add(unit, nth_case(number, timers=(timer("a", 60),), **changes))


def test_nothing_is_wrong_where_everything_is_as_it_should_be(store: Store) -> None:
    with store.writing() as unit:
        healthy(unit, 1)
        add(unit, nth_case(2, state="sent", timers=()))
        case = add(unit, nth_case(3, state="sending", timers=()))
        send(unit, case, a_reply(case))
    assert alarms(store) == []


def test_cases_that_wait_without_a_timer_are_found(store: Store) -> None:
    with store.writing() as unit:
        healthy(unit, 1)
        lost = [add(unit, nth_case(n, state=state, timers=())) for n, state in ((2, "pending"), (3, "approved"))]
        add(unit, nth_case(4, state="sent", timers=()))
    with store.reading() as reader:
        assert reader.untimed_cases(10) == Tally(count=2, cases=tuple(case.id for case in lost))
        assert reader.untimed_cases(1) == Tally(count=2, cases=(lost[0].id,))


def test_rows_that_vanish_behind_our_back_are_missed(store: Store) -> None:
    """The case still says that it has a timer; only the table tells that nothing will fire."""
    with store.writing() as unit:
        case = healthy(unit, 1)
        unit._connection.execute(text("DELETE FROM timers"))
    assert case.timers
    assert alarms(store) == [Alarm(kind="timers_missing", count=1, cases=(case.id,))]


def test_timers_are_late_after_a_minute(store: Store) -> None:
    with store.writing() as unit:
        add(unit, nth_case(1, timers=(timer("a", -59), timer("b", 5))))
    assert alarms(store) == []
    with store.writing() as unit:
        late = add(unit, nth_case(2, timers=(timer("a", -60), timer("b", -600))))
    assert alarms(store) == [Alarm(kind="timers_overdue", count=2, cases=(late.id,))]


def test_a_case_under_way_with_nothing_to_bring_is_stuck(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case(state="sending", timers=(), deliveries=0))
        send(unit, case, a_reply(case))
    assert alarms(store) == []
    claim(store)
    settle(store, f"{case.id}-1")
    assert alarms(store) == [Alarm(kind="cases_stuck", count=1, cases=(case.id,))]


def test_dead_letters_are_counted_by_destination(store: Store) -> None:
    with store.writing() as unit:
        for number in (1, 2):
            case = healthy(unit, number)
            send(unit, case, a_reply(case), PacketUpdate(packet="p1"))
        send_office(unit, Office(), BoardPost(board="b1"))
    claim(store)
    for delivery in ("cs_00000001-1", "cs_00000001-2", "cs_00000002-2", "office-1"):
        settle(store, delivery, "dead", "refused")
    assert alarms(store) == [
        Alarm(kind="dead_letters", where="helpdesk", count=1, cases=("cs_00000001",)),
        Alarm(kind="dead_letters", where="slack", count=3, cases=("cs_00000001", "cs_00000002")),
    ]


def test_a_queue_is_long_with_more_than_the_policy_allows(store: Store) -> None:
    with store.writing() as unit:
        for number in range(1, 4):
            healthy(unit, number)
        add(unit, nth_case(4, state="sent", timers=()))
    assert alarms(store, queue_alert=3) == []
    assert alarms(store, queue_alert=2) == [Alarm(kind="queue_full", where="support-review", count=3)]
