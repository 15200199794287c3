"""What the auditor asks of the tables themselves, without the code that fills them (TI4)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
from sqlalchemy import ColumnElement, Connection, Executable, Select, bindparam, exists, func, select, text

from app.core.audit import event_time
from app.core.case import UNDECIDED_STATES
from db.tables import BLOCKING, STUCK, cases, outbox, queue_entries, timers

# Waiting for people, or for the end of the send delay: something has to be due one day.
_TIMED = sorted((UNDECIDED_STATES - {"received"}) | {"approved"})
# Waiting for a model or for the helpdesk: something has to be on its way.
_UNDER_WAY = ["received", "sending"]

_HAS_TIMER = exists().where(timers.c.case_id == cases.c.id)
_HAS_DELIVERY = exists().where(outbox.c.case_id == cases.c.id, text(BLOCKING))


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """How many there are, and the cases of the first of them."""

    count: int = 0
    cases: tuple[str, ...] = ()


def _first(case_id: ColumnElement[str | None], *order: ColumnElement[str]) -> Select[str | None, int]:
    """The first ones, each with the number of all: the window is counted before the limit."""
    return select(case_id, func.count().over()).order_by(*order).limit(bindparam("limit"))


_OLDEST = (cases.c.created_at, cases.c.id)
_UNTIMED = _first(cases.c.id, *_OLDEST).where(cases.c.state.in_(_TIMED), ~_HAS_TIMER)
_STILL = _first(cases.c.id, *_OLDEST).where(cases.c.state.in_(_UNDER_WAY), ~_HAS_DELIVERY)
_LATE = _first(timers.c.case_id, timers.c.due_at, timers.c.key, timers.c.case_id).where(
    timers.c.due_at <= bindparam("before")
)
_DEAD_COUNTS = (
    select(outbox.c.destination, func.count())
    .where(text(STUCK), outbox.c.status == "dead")
    .group_by(outbox.c.destination)
    .order_by(outbox.c.destination)
)
_DEAD = (
    select(outbox.c.case_id)
    .where(
        text(STUCK), outbox.c.status == "dead", outbox.c.destination == bindparam("to"), outbox.c.case_id.is_not(None)
    )
    .order_by(outbox.c.created_at, outbox.c.id)
    .limit(bindparam("limit"))
)
_QUEUES = (
    select(queue_entries.c.channel, func.count()).group_by(queue_entries.c.channel).order_by(queue_entries.c.channel)
)


class AuditReads:
    _connection: Connection

    def untimed_cases(self, limit: int) -> Tally:
        """Cases that wait for people or for the send delay with no timer: always a fault."""
        return self._tally(_UNTIMED, limit=limit)

    def stuck_cases(self, limit: int) -> Tally:
        """Cases that wait for a delivery when there is none: always a fault."""
        return self._tally(_STILL, limit=limit)

    def late_timers(self, before: datetime, limit: int) -> Tally:
        """Timers that were due by then."""
        return self._tally(_LATE, limit=limit, before=event_time(before))

    def dead_letters(self, limit: int) -> dict[str, Tally]:
        """By destination; what is about the whole workspace counts and has no case."""
        counts = self._connection.execute(_DEAD_COUNTS).all()
        return {
            to: Tally(
                count=count, cases=_ids(self._connection.execute(_DEAD, {"to": to, "limit": limit}).scalars().all())
            )
            for to, count in counts
        }

    def waiting_by_queue(self) -> dict[str, int]:
        """Counted, not read off the counters."""
        return dict(self._connection.execute(_QUEUES).all())

    def _tally(self, query: Executable, **given: object) -> Tally:
        rows = self._connection.execute(query, given).all()
        return Tally(count=rows[0][1], cases=_ids(row[0] for row in rows)) if rows else Tally()


def _ids(found: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(case for case in found if case))
