"""The timers table: what `Case.timers` says, over all cases, ordered by when it is due."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from app.core.audit import event_time
from app.core.case import Case, Timer
from db.tables import timers

_BY_TIME = (timers.c.due_at, timers.c.key, timers.c.case_id)
_DUE = (
    select(timers.c.case_id, timers.c.key, timers.c.kind, timers.c.due_at)
    .where(timers.c.due_at <= bindparam("now"))
    .order_by(*_BY_TIME)
    .limit(bindparam("limit"))
)
_OLDEST = select(timers.c.due_at).order_by(*_BY_TIME).limit(1)
_REMOVE = delete(timers).where(timers.c.case_id == bindparam("of_case"), timers.c.key == bindparam("gone"))
_ADD = insert(timers)


class TimerReads:
    _connection: Connection

    def due_timers(self, now: datetime, limit: int) -> list[tuple[str, Timer]]:
        """Case id and timer, earliest due first, then by key."""
        rows = self._connection.execute(_DUE, {"now": event_time(now), "limit": limit})
        return [(r.case_id, Timer(key=r.key, kind=r.kind, due_at=datetime.fromisoformat(r.due_at))) for r in rows]

    def oldest_due(self) -> datetime | None:
        """When the next timer is due, or was: the past means that it is late by so much."""
        at = self._connection.execute(_OLDEST).scalar()
        return None if at is None else datetime.fromisoformat(at)


class TimerWrites(TimerReads):
    def _project_timers(self, before: Case | None, after: Case) -> None:
        """Only what changed: the table equals `before.timers`, since its version was asserted."""
        had = {t.key: t for t in before.timers} if before else {}
        have = {t.key: t for t in after.timers}
        if len(have) != len(after.timers):
            raise ValueError(f"timers: case {after.id} has two with one key")
        gone = [key for key, timer in had.items() if have.get(key) != timer]
        new = [timer for key, timer in have.items() if had.get(key) != timer]
        if gone:
            self._connection.execute(_REMOVE, [{"of_case": after.id, "gone": key} for key in gone])
        if new:
            self._connection.execute(
                _ADD,
                [{"case_id": after.id, "key": t.key, "kind": t.kind, "due_at": event_time(t.due_at)} for t in new],
            )
