"""Short steps that database tests share."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import Any, TypeVar

from app.core.case import Case
from app.core.effects import AnyEffect, BoardPost, ChannelNotice, Destination, Outcome
from app.core.office import Office, OfficeWorld
from app.core.office.change import OfficeChange
from db.outbox import ClaimedDelivery
from db.store import Store, UnitOfWork
from tests.make import NOW, a_case, a_packet, a_ticket, an_event, an_outcome

ALL: tuple[Destination, ...] = ("slack", "helpdesk", "crm", "callback")

_In = TypeVar("_In")
_Out = TypeVar("_Out")


def in_processes(work: Callable[[_In], _Out], jobs: Iterable[_In]) -> list[_Out]:
    """Each job in a fresh process of its own; one that dies is an error, where a `Pool` would wait forever."""
    given = list(jobs)
    with ProcessPoolExecutor(len(given), mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(work, given, timeout=120))


def add(unit: UnitOfWork, case: Case, *types: str) -> Case:
    """Store a case as it is, with one event of each type."""
    events = tuple(an_event(t) for t in types or ("CaseReceived",))
    unit.save(None, Outcome(case=case, events=events), case.created_at)
    return case


def change(unit: UnitOfWork, case: Case, *types: str, **changes: Any) -> Case:
    outcome = an_outcome(case, events=tuple(an_event(t) for t in types), **changes)
    unit.save(case, outcome, NOW)
    return outcome.case


def nth_case(number: int, **changes: Any) -> Case:
    """On a ticket of its own, `number` minutes after `NOW`."""
    known = {
        "id": f"cs_{number:08d}",
        "ticket": a_ticket(id=f"t{number}"),
        "packets": (a_packet(ts=f"17.{number}"),),
        "created_at": NOW + timedelta(minutes=number),
        "deliveries": 0,
    }
    return a_case(**{**known, **changes})


def send(unit: UnitOfWork, case: Case, *effects: AnyEffect, at: datetime = NOW) -> Case:
    """Save a change that releases these effects."""
    outcome = an_outcome(case, *effects)
    unit.save(case, outcome, at)
    return outcome.case


def send_office(unit: UnitOfWork, office: Office, *effects: BoardPost | ChannelNotice) -> Office:
    """Save a change of the office that releases these effects."""
    change = OfficeChange(office, OfficeWorld(now=NOW), "system:test")
    for effect in effects:
        change.send(effect)
    unit.save_office(office, change.outcome(), NOW)
    return change.outcome().office


def claim(
    store: Store, *, at: datetime = NOW, worker: str = "w1", limit: int = 10, to: tuple[Destination, ...] = ALL
) -> list[ClaimedDelivery]:
    with store.writing() as unit:
        return unit.claim(worker, at, timedelta(seconds=30), limit, to)


def settle(store: Store, delivery_id: str, status: str = "done", error: str = "", at: datetime = NOW) -> bool:
    with store.writing() as unit:
        return unit.settle(delivery_id, status, error, at)  # type: ignore[arg-type]


class TakenBack(Exception):
    pass


@contextmanager
def taken_back(unit: UnitOfWork) -> Iterator[None]:
    """What happens inside is undone, as after an exception in a savepoint."""
    with suppress(TakenBack), unit.savepoint():
        yield
        raise TakenBack


@contextmanager
def crashing(store: Store) -> Iterator[UnitOfWork]:
    """A transaction that ends in an exception."""
    with suppress(TakenBack), store.writing() as unit:
        yield unit
        raise TakenBack
