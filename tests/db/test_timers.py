"""The timers table is what the cases say, and nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.case import Timer
from app.core.effects import Outcome
from db.store import Store
from tests.db.steps import add, change, nth_case, taken_back
from tests.make import NOW, a_case

FAR = NOW + timedelta(days=400)


def timer(key: str, seconds: float, kind: str = "rung") -> Timer:
    return Timer(key=key, kind=kind, due_at=NOW + timedelta(seconds=seconds))  # type: ignore[arg-type]


def test_the_table_follows_the_case(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case(timers=(timer("a", 1), timer("b", 2), timer("c", 3))))
        assert [t for _, t in unit.due_timers(FAR, 10)] == list(case.timers)
        case = change(unit, case, timers=(timer("b", 9), timer("c", 3), timer("d", 4, "expire")))
    with store.reading() as reader:
        assert reader.due_timers(FAR, 10) == [
            (case.id, timer("c", 3)),
            (case.id, timer("d", 4, "expire")),
            (case.id, timer("b", 9)),
        ]
    with store.writing() as unit:
        change(unit, case, state="sent", timers=())
        assert unit.due_timers(FAR, 10) == []
        assert unit.oldest_due() is None


def test_only_what_is_due_in_the_order_of_time_then_key(store: Store) -> None:
    with store.writing() as unit:
        add(unit, nth_case(1, timers=(timer("B", 60), timer("z", 60), timer("later", 61))))
        add(unit, nth_case(2, timers=(timer("a", 60), timer("x", -3600))))
    with store.reading() as reader:
        due = reader.due_timers(NOW + timedelta(seconds=60), 10)
        assert [t.key for _, t in due] == ["x", "B", "a", "z"]
        assert reader.due_timers(NOW + timedelta(seconds=60), 2) == due[:2]
        assert reader.due_timers(NOW - timedelta(hours=2), 10) == []
        assert reader.oldest_due() == NOW - timedelta(hours=1)


def test_a_timer_that_is_taken_back_is_not_due(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case(timers=(timer("a", 1),)))
        with taken_back(unit):
            change(unit, case, timers=())
        assert unit.due_timers(FAR, 10) == [(case.id, timer("a", 1))]


def test_two_timers_with_one_key_are_refused(store: Store) -> None:
    with store.writing() as unit, pytest.raises(ValueError, match="two with one key"), unit.savepoint():
        unit.save(None, Outcome(case=a_case(timers=(timer("a", 1), timer("a", 2))), events=()), NOW)
