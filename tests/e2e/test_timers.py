"""Timers over a restart and over two replicas: each fires once (TI3)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from app.core.messages import Approve, ReceiveCase
from app.engine import Engine
from app.timers import Sweeper
from db.store import Store
from tests.core.policies import shipped
from tests.make import a_customer, a_draft, a_message, a_ticket, people, signals

CASES = 12


class FixedClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at


@contextmanager
def _running(url: str, clock: FixedClock) -> Iterator[Engine]:
    """One replica's engine, with a writer of its own."""
    store = Store(url)
    engine = Engine(store, shipped(), clock=clock, people=people)
    engine.offer(shipped(), by="system:test")
    engine.start()
    try:
        yield engine
    finally:
        engine.stop()
        store.close()


def _receive(engine: Engine, number: int) -> str:
    case_id = f"c_timers{number:04}"
    engine.handle(
        ReceiveCase(
            case_id=case_id,
            by="api:test",
            ticket=a_ticket(id=f"t{number}"),
            customer=a_customer(id=f"cust-{number}"),
            messages=(a_message(),),
            draft=a_draft(),
            signals=signals("shipping_status"),
        )
    )
    return case_id


def _types(engine: Engine, case_id: str) -> Counter[str]:
    with engine.store.reading() as reader:
        return Counter(event.type for event in reader.events(case_id))


def _fired(engine: Engine, case_id: str) -> list[str]:
    with engine.store.reading() as reader:
        return [e.content.data["timer"] for e in reader.events(case_id) if e.type == "TimerFired"]


START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_reminder_due_while_nobody_ran_fires_once_after_the_restart(database_url: str) -> None:
    clock = FixedClock(START)
    with _running(database_url, clock) as engine:
        case_id = _receive(engine, 1)
        assert Sweeper(engine).sweep() == 0

    clock.at = START + timedelta(hours=3)  # the reminder was due after two
    for _ in range(2):
        with _running(database_url, clock) as engine:
            sweeper = Sweeper(engine)
            sweeper.sweep()
            sweeper.sweep()
            seen = _types(engine, case_id)
            assert (seen["Reminded"], seen["Escalated"]) == (1, 0)


def test_after_a_week_everything_that_was_due_fires_in_order(sqlite_url: str) -> None:
    clock = FixedClock(START)
    with _running(sqlite_url, clock) as engine:
        case_id = _receive(engine, 1)
    clock.at = START + timedelta(days=7)
    with _running(sqlite_url, clock) as engine:
        sweeper = Sweeper(engine)
        while sweeper.sweep():
            pass
        with engine.store.reading() as reader:
            events = reader.events(case_id)
            case = reader.case(case_id)
        due = [datetime.fromisoformat(e.content.data["due_at"]) for e in events if e.type == "TimerFired"]
        assert len(due) >= 2
        assert due == sorted(due)
        assert case is not None
        assert case.state == "expired"
        assert _types(engine, case_id)["HoldingSent"] <= 1


def test_a_clock_set_back_fires_nothing_again(sqlite_url: str) -> None:
    clock = FixedClock(START)
    with _running(sqlite_url, clock) as engine:
        case_id = _receive(engine, 1)
        for hours in (3, 0, 3, 1, 3):
            clock.at = START + timedelta(hours=hours)
            Sweeper(engine).sweep()
        assert _types(engine, case_id)["Reminded"] == 1


@pytest.mark.postgres
def test_two_replicas_fire_each_timer_once(postgres_url: str) -> None:
    clock = FixedClock(START)
    with _running(postgres_url, clock) as first, _running(postgres_url, clock) as second:
        ids = [_receive(first, number) for number in range(CASES)]
        for case_id in ids[::3]:  # some wait for the end of their send delay
            with first.store.reading() as reader:
                case = reader.case(case_id)
            assert case is not None
            second.handle(Approve(case_id=case_id, user="UAGENT2", seen=case.request_hash))
        clock.at = START + timedelta(hours=5)
        gate = Barrier(4)

        def sweep(engine: Engine) -> int:
            gate.wait(10)
            return sum(Sweeper(engine).sweep() for _ in range(3))

        with ThreadPoolExecutor(4) as pool:
            fired = sum(pool.map(sweep, (first, second, first, second)))
        timers = {case_id: _fired(first, case_id) for case_id in ids}
        assert fired == sum(map(len, timers.values()))
        for case_id, keys in timers.items():
            assert len(set(keys)) == len(keys), (case_id, keys)
            seen = _types(first, case_id)
            if case_id in ids[::3]:
                assert seen["ReplyReleased"] == 1
            else:
                assert (seen["Reminded"], seen["Escalated"]) == (1, 1)
