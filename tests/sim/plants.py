"""Planted bugs: each a fault this simulation has to find, here and nowhere else. Everything is put back afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from app.core import calendar, case, claiming, decisions, machine, reopening, timing
from app.core.assessment import Rung
from app.core.case import Case
from app.core.change import Change
from app.core.messages import AddNote, ByPerson, Delivered, Reopen
from app.core.people import People
from app.dispatch import AnyReceipt, Dispatcher, Parcel
from app.engine import Engine, Handled, Job
from app.ports.errors import Ambiguous, PortError
from app.timers import Sweeper
from db.outbox import ClaimedDelivery
from db.store import UnitOfWork
from tests.sim.duty_plants import DUTY_PLANTS
from tests.sim.office_plants import (
    deaf_to_policy,
    gate_forgets_case,
    gate_forgets_guardrails,
    gate_forgets_switch,
    open_cases_follow_policy,
    policy_by_one_person,
    resumed_by_one_person,
)
from tests.sim.planting import Plant, fired, parts_with, swapped
from tests.sim.replica import Parts, Replica

FORGETS_AFTER = timedelta(hours=1)


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

    def as_it_is_now(change: Change, command: ByPerson, **how: Any) -> str:
        return check(change, msgspec.structs.replace(command, seen=change.case.request_hash), **how)

    with swapped(decisions, _check=as_it_is_now):
        yield Parts()


@contextmanager
def send_twice_after_timeout() -> Iterator[Parts]:
    """A time-out is taken for a failure, so the delivery is simply repeated."""

    class Repeats(Dispatcher):
        def _ambiguous(self, delivery: ClaimedDelivery, parcel: Parcel, error: Ambiguous) -> None:
            self._retry(delivery, parcel, str(error))

        def _looked_up(self, delivery: ClaimedDelivery, parcel: Parcel) -> AnyReceipt | None:
            return None

    yield parts_with(dispatcher=Repeats)


@contextmanager
def send_before_record() -> Iterator[Parts]:
    """The reply leaves while its decision is not committed yet: fine until something stops in between."""

    class SendsFirst(Engine):
        replica: Replica

        def _decide_and_save(self, uow: UnitOfWork, job: Job) -> Handled:
            handled = super()._decide_and_save(uow, job)
            after = handled.case
            if after is None or after.state != "sending" or after.draft is None:
                return handled
            send, delivery = self.replica.ports.helpdesk.send_reply, after.pending_reply
            try:
                send(delivery, after, after.draft.text, "reply", after.request_hash)
            except PortError:
                return handled  # dispatch will do it
            receipt = Delivered(case_id=after.id, delivery=delivery)
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
            return sum(fired(self.engine, case_id, timer.key) for case_id, timer in due)

    yield parts_with(sweeper=Forgets)


@contextmanager
def newest_timer_first() -> Iterator[Parts]:
    """After a long time away the latest timers fire before the earlier ones."""

    class Backwards(Sweeper):
        def sweep(self) -> int:
            with self.engine.store.reading() as reader:
                due = reader.due_timers(self.engine.clock.now(), 100)
            return sum(fired(self.engine, case_id, timer.key) for case_id, timer in reversed(due))

    yield parts_with(sweeper=Backwards)


@contextmanager
def storm_of_reminders() -> Iterator[Parts]:
    """Who was away gets a reminder for each hour of it."""
    remind = timing._remind

    def each_hour(change: Change, rung: Rung) -> None:
        late = change.now - (change.case.opened_at or change.now) - timedelta(seconds=rung.after)
        for _ in range(1 + late // timedelta(hours=1)):
            remind(change, rung)

    with swapped(timing, _remind=each_hour):
        yield Parts()


@contextmanager
def clocks_never_change() -> Iterator[Parts]:
    """Business hours are counted by one distance from UTC, that of New Year."""

    def moment(day: date, minutes: int, zone: ZoneInfo) -> datetime:
        away = datetime(day.year, 1, 1, tzinfo=zone).utcoffset() or timedelta()
        return datetime.combine(day, time(), UTC) + timedelta(minutes=minutes) - away

    with swapped(calendar, _moment=moment):
        yield Parts()


@contextmanager
def claims_are_ignored() -> Iterator[Parts]:
    """Everybody decides on what another person has claimed."""

    def free(_change: Change, _user: str) -> None:
        return None

    with swapped(decisions, check_free=free), swapped(claiming, check_free=free):
        yield Parts()


@contextmanager
def one_word_lifts_a_guardrail() -> Iterator[Parts]:
    """The first person who overrides a guardrail lifts it alone."""
    with swapped(case, OVERRIDERS=1):
        yield Parts()


@contextmanager
def reopened_case_forgets() -> Iterator[Parts]:
    """A case that is reopened does not know any more that its customer got the holding message."""
    reopen = reopening.reopen

    def anew(change: Change, command: Reopen) -> None:
        change.set(holding_sent=False)
        reopen(change, command)

    with swapped(reopening, reopen=anew):
        yield Parts()


@contextmanager
def notes_taken_twice() -> Iterator[Parts]:
    """A thread reply that Slack delivers once more is noted once more."""
    add = machine._add_note

    def each_time(change: Change, command: AddNote) -> None:
        change.set(notes=tuple(msgspec.structs.replace(note, key="") for note in change.case.notes))
        add(change, command)

    with swapped(machine, _add_note=each_time):
        yield Parts()


PLANTS: Mapping[str, Plant] = {
    plant.__name__: plant
    for plant in (
        same_person_twice,
        approve_old_text,
        send_twice_after_timeout,
        send_before_record,
        lost_timer,
        newest_timer_first,
        storm_of_reminders,
        clocks_never_change,
        claims_are_ignored,
        one_word_lifts_a_guardrail,
        reopened_case_forgets,
        notes_taken_twice,
        open_cases_follow_policy,
        deaf_to_policy,
        policy_by_one_person,
        resumed_by_one_person,
        gate_forgets_switch,
        gate_forgets_guardrails,
        gate_forgets_case,
        *DUTY_PLANTS,
    )
}
