"""Planted bugs: each a fault this simulation has to find, here and nowhere else. Everything is put back afterwards."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from types import ModuleType
from typing import Any

import msgspec

from app.core import decisions
from app.core.case import Case
from app.core.change import Change
from app.core.errors import Refused
from app.core.messages import ByPerson, Delivered, FireTimer, Receipt
from app.core.people import People
from app.dispatch import Dispatcher
from app.engine import Engine, Handled, Job
from app.ports.errors import Ambiguous, PortError
from app.timers import Sweeper
from db.outbox import ClaimedDelivery
from db.store import UnitOfWork
from tests.sim.replica import Parts, Replica

FORGETS_AFTER = timedelta(hours=1)
Plant = Callable[[], AbstractContextManager[Parts]]


@contextmanager
def no_plant() -> Iterator[Parts]:
    yield Parts()


@contextmanager
def same_person_twice() -> Iterator[Parts]:
    """Nobody checks whether a person already had a part in this text."""

    def anybody(_case: Case, _user: str, _people: People) -> None:
        return None

    with swapped(decisions, check_can_approve=anybody, check_not_author=anybody):
        yield Parts()


@contextmanager
def approve_old_text() -> Iterator[Parts]:
    """A click counts for the text as it is now, whatever stood on the packet that was clicked."""
    check = decisions._check

    def as_it_is_now(change: Change, command: ByPerson, *, any_step: bool = False) -> str:
        return check(change, msgspec.structs.replace(command, seen=change.case.request_hash), any_step=any_step)

    with swapped(decisions, _check=as_it_is_now):
        yield Parts()


@contextmanager
def send_twice_after_timeout() -> Iterator[Parts]:
    """A time-out is taken for a failure, so the delivery is simply repeated."""

    class Repeats(Dispatcher):
        def _ambiguous(self, delivery: ClaimedDelivery, case: Case, error: Ambiguous) -> None:
            self._retry(delivery, str(error))

        def _looked_up(self, delivery: ClaimedDelivery, case: Case) -> Receipt | None:
            return None

    parts = Parts()
    parts.dispatcher = Repeats
    yield parts


@contextmanager
def send_before_record() -> Iterator[Parts]:
    """The reply leaves while its decision is not committed yet: fine until something stops in between."""

    class SendsFirst(Engine):
        replica: Replica

        def _decide_and_save(self, uow: UnitOfWork, job: Job) -> Handled:
            handled = super()._decide_and_save(uow, job)
            case = handled.case
            if case is None or case.state != "sending" or case.draft is None:
                return handled
            send, delivery = self.replica.ports.helpdesk.send_reply, case.pending_reply
            try:
                send(delivery, case, case.draft.text, "reply", case.request_hash)
            except PortError:
                return handled  # dispatch will do it
            receipt = Delivered(case_id=case.id, delivery=delivery)
            super()._decide_and_save(uow, Job(command=receipt, remember=None, future=job.future))
            return handled

    class Hasty(Parts):
        engine = SendsFirst

        def finish(self, replica: Replica) -> None:
            assert isinstance(replica.engine, SendsFirst)
            replica.engine.replica = replica

    yield Hasty()


@contextmanager
def lost_timer() -> Iterator[Parts]:
    """What is late by more than an hour is forgotten."""

    class Forgets(Sweeper):
        def sweep(self) -> int:
            now = self.engine.clock.now()
            with self.engine.store.reading() as reader:
                due = [d for d in reader.due_timers(now, 100) if now - d[1].due_at < FORGETS_AFTER]
            return sum(self._fired(case_id, timer.key) for case_id, timer in due)

        def _fired(self, case_id: str, key: str) -> bool:
            try:
                self.engine.handle(FireTimer(case_id=case_id, key=key))
            except Refused:
                return False
            return True

    parts = Parts()
    parts.sweeper = Forgets
    yield parts


PLANTS: Mapping[str, Plant] = {
    plant.__name__: plant
    for plant in (same_person_twice, approve_old_text, send_twice_after_timeout, send_before_record, lost_timer)
}


@contextmanager
def swapped(module: ModuleType, **names: Any) -> Iterator[None]:
    before = {name: getattr(module, name) for name in names}
    try:
        for name, value in names.items():
            setattr(module, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(module, name, value)
