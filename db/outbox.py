"""The outbox: deliveries wait here, one lane after the other, until a worker claims them and a receipt settles them.

Everything that writes here holds the write lock, so two workers never claim one row. `ready` is kept true on exactly
those pending rows that are the head of a lane, so a claim reads what it takes and nothing else, however long the
outbox is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

import msgspec
from sqlalchemy import Connection, Row, and_, bindparam, func, insert, or_, select, text, update

from app.core.audit import event_time
from app.core.effects import AnyEffect, Destination, HelpdeskReply, Pending
from db.errors import UnknownDelivery
from db.tables import BLOCKING, CLAIMED, READY, STUCK, WAITING, outbox

DeliveryStatus = Literal["pending", "claimed", "done", "cancelled", "dead", "indeterminate", "held"]
# What a receipt may make of a delivery.
SettledStatus = Literal["done", "cancelled", "dead", "indeterminate", "held"]
_BLOCKING: frozenset[str] = frozenset({"pending", "claimed", "indeterminate", "held"})
_WAITING_STATUSES: frozenset[str] = frozenset({"pending", "claimed"})
_STUCK_STATUSES: frozenset[str] = frozenset({"dead", "indeterminate", "held"})
# Before any clock: what a decision releases is due by the wall's clock whatever the time of business is.
_AT_ONCE = "1970-01-01T00:00:00.000000Z"

_decode_effect = msgspec.json.Decoder(AnyEffect).decode


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the outbox. `first_at` is when it was first claimed, None before and again after a re-drive.

    `case_id` is empty where it is about the whole workspace.

    `maybe_sent`: an earlier claim ended without a word, so the effect may have happened (DL2).
    """

    id: str
    case_id: str
    number: int
    lane: str
    destination: Destination
    priority: int
    effect: AnyEffect
    status: DeliveryStatus
    due_at: datetime
    attempts: int
    first_at: datetime | None
    worker: str
    lease_until: datetime | None
    maybe_sent: bool
    error: str
    created_at: datetime
    settled_at: datetime | None


class ClaimedDelivery(Delivery, frozen=True, kw_only=True):
    """Taken by `worker` until `lease_until`: it sends, then a receipt settles the row or `reschedule` returns it."""


_D = TypeVar("_D", bound=Delivery)


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """What waits for one destination, taken or not."""

    pending: int
    oldest_at: datetime


_ORDER = (outbox.c.priority, outbox.c.created_at, outbox.c.number, outbox.c.id)
_READY, _CLAIMED, _WAITING, _STUCK = text(READY), text(CLAIMED), text(WAITING), text(STUCK)
_IN_LANE = (outbox.c.lane == bindparam("of_lane"), text(BLOCKING))
_BY_ID = outbox.c.id == bindparam("of_id")
_ONE = select(outbox).where(_BY_ID)
_DUE = (_READY, outbox.c.destination == bindparam("to"), outbox.c.due_at <= bindparam("now"))
_PACES = select(outbox.c.pace).where(*_DUE).distinct()
_FREE = select(outbox).where(*_DUE, outbox.c.pace == bindparam("pace")).order_by(*_ORDER).limit(bindparam("limit"))
_LAPSED = (
    select(outbox)
    .where(
        _CLAIMED,
        outbox.c.lease_until <= bindparam("now"),
        outbox.c.destination.in_(bindparam("among", expanding=True)),
    )
    .order_by(*_ORDER)
    .limit(bindparam("limit"))
)
_TAKE = (
    update(outbox)
    .where(_BY_ID)
    .values(
        status="claimed",
        ready=0,
        attempts=bindparam("tries"),
        first_at=bindparam("since"),
        worker=bindparam("by"),
        lease_until=bindparam("until"),
        maybe_sent=bindparam("maybe"),
    )
)
_PUT = (
    update(outbox)
    .where(_BY_ID)
    .values(
        status=bindparam("becomes"),
        blocking=bindparam("blocks"),
        ready=0,
        worker="",
        lease_until=None,
        error=bindparam("why"),
        settled_at=bindparam("now"),
    )
)
_BACK = (
    update(outbox)
    .where(_BY_ID, _CLAIMED, outbox.c.worker == bindparam("by"))
    .values(
        status="pending",
        worker="",
        lease_until=None,
        due_at=bindparam("due"),
        attempts=bindparam("tries"),
        first_at=bindparam("since"),
        maybe_sent=bindparam("maybe"),
        error=bindparam("why"),
    )
)
_AGAIN = (
    update(outbox)
    .where(_BY_ID)
    .values(
        status="pending",
        blocking=1,
        ready=0,
        due_at=bindparam("soon"),
        attempts=0,
        first_at=None,
        maybe_sent=0,
        settled_at=None,
    )
)
_TRIED = (outbox.c.status == "pending", outbox.c.destination == bindparam("to"), outbox.c.maybe_sent == 0)
_HASTEN = update(outbox).where(*_TRIED, _WAITING).values(due_at=_AT_ONCE)
_LANE = select(outbox.c.id, outbox.c.number, outbox.c.status, outbox.c.ready).where(*_IN_LANE).order_by(outbox.c.number)
_SET_READY = update(outbox).where(_BY_ID).values(ready=bindparam("flag"))
_BUSY_LANES = (
    select(outbox.c.lane).where(outbox.c.lane.in_(bindparam("lanes", expanding=True)), text(BLOCKING)).distinct()
)
_HEAD = select(outbox).where(*_IN_LANE).order_by(outbox.c.number).limit(1)
_BACKLOG = (
    select(outbox.c.destination, func.count(), func.min(outbox.c.created_at))
    .where(_WAITING)
    .group_by(outbox.c.destination)
)
_ADD = insert(outbox)


class OutboxReads:
    _connection: Connection

    def delivery(self, delivery_id: str) -> Delivery | None:
        row = self._connection.execute(_ONE, {"of_id": delivery_id}).one_or_none()
        return None if row is None else _delivery(Delivery, row)

    def deliveries(
        self,
        *statuses: DeliveryStatus,
        case_id: str = "",
        destination: Destination | None = None,
        limit: int = 100,
        after: Delivery | None = None,
        newest: bool = False,
    ) -> list[Delivery]:
        """Of these statuses (of all, when none is given), oldest first; `after` is the last of a page of these."""
        order = (outbox.c.created_at.desc(), outbox.c.id.desc()) if newest else (outbox.c.created_at, outbox.c.id)
        query = select(outbox).order_by(*order).limit(limit)
        if statuses:
            query = query.where(outbox.c.status.in_(statuses))
        for indexed, condition in ((_WAITING_STATUSES, _WAITING), (_STUCK_STATUSES, _STUCK)):
            if statuses and indexed.issuperset(statuses):
                query = query.where(condition)
        if case_id:
            query = query.where(outbox.c.case_id == case_id)
        if destination:
            query = query.where(outbox.c.destination == destination)
        if after:
            at = event_time(after.created_at)
            later = and_(outbox.c.created_at == at, outbox.c.id > after.id)
            query = query.where(or_(outbox.c.created_at > at, later))
        return [_delivery(Delivery, row) for row in self._connection.execute(query)]

    def due_paces(self, destination: Destination, now: datetime) -> set[str]:
        """Pace keys with something to claim, the empty one among them; needs no lock."""
        return set(self._connection.execute(_PACES, {"to": destination, "now": event_time(now)}).scalars())

    def has_lapsed(self, destination: Destination, now: datetime) -> bool:
        """Whether a claim of somebody else ran out."""
        wanted = {"among": [destination], "now": event_time(now), "limit": 1}
        return self._connection.execute(_LAPSED, wanted).first() is not None

    def lane_head(self, lane: str) -> Delivery | None:
        """The delivery that everything else in the lane waits for."""
        row = self._connection.execute(_HEAD, {"of_lane": lane}).one_or_none()
        return None if row is None else _delivery(Delivery, row)

    def delivery_backlog(self) -> dict[str, Backlog]:
        """By destination, those with nothing waiting left out."""
        rows = self._connection.execute(_BACKLOG)
        return {d: Backlog(pending=n, oldest_at=datetime.fromisoformat(at)) for d, n, at in rows}


class OutboxWrites(OutboxReads):
    def claim(
        self,
        worker: str,
        now: datetime,
        lease: timedelta,
        limit: int,
        destinations: Collection[Destination],
        closed: Collection[str] = (),
    ) -> list[ClaimedDelivery]:
        """Take up to `limit` deliveries that are due, the highest priority first, then the oldest.

        Of one pace key one at a time, and none of those `closed`: no channel's burst stands in another's way. One
        whose lease ran out comes again with `maybe_sent`. They go out after this transaction committed.
        """
        at, until = event_time(now), event_time(now + lease)
        wanted = {"now": at, "limit": limit}
        found = list(self._connection.execute(_LAPSED, {**wanted, "among": sorted(destinations)}))
        for destination in sorted(destinations):
            for pace in sorted(self.due_paces(destination, now).difference(closed)):
                some = {"to": destination, "pace": pace, "now": at, "limit": 1 if pace else limit}
                found += self._connection.execute(_FREE, some)
        found.sort(key=lambda r: (r.priority, r.created_at, r.number, r.id))
        taken = [_take(_delivery(ClaimedDelivery, row), worker, now, now + lease) for row in found[:limit]]
        if taken:
            self._connection.execute(
                _TAKE,
                [
                    {
                        "of_id": d.id,
                        "tries": d.attempts,
                        "since": event_time(d.first_at or now),
                        "by": worker,
                        "until": until,
                        "maybe": int(d.maybe_sent),
                    }
                    for d in taken
                ],
            )
        return taken

    def settle(self, delivery_id: str, status: SettledStatus, error: str, now: datetime) -> bool:
        """What became of a delivery, in its receipt's transaction. False when it was settled so before, or is done.

        A cancelled one can still turn out to be done. Raises UnknownDelivery.
        """
        row = self._row(delivery_id)
        if row.status in ("done", status) or (row.status == "cancelled" and status != "done"):
            return False
        blocks = status in _BLOCKING or (status == "dead" and _is_reply(row))
        self._connection.execute(
            _PUT,
            {
                "of_id": delivery_id,
                "becomes": status,
                "blocks": int(blocks),
                "why": error,
                "now": event_time(now),
            },
        )
        self._refresh(row.lane)
        return True

    def reschedule(
        self, delivery_id: str, worker: str, due_at: datetime, error: str, *, maybe_sent: bool = False
    ) -> bool:
        """Back to pending, after an attempt that surely had no effect unless `maybe_sent`. False: its claim is lost."""
        row = self._row(delivery_id)
        return self._put_back(row, worker, due=event_time(due_at), maybe=int(maybe_sent), why=error)

    def release(self, delivery_id: str, worker: str) -> bool:
        """Back to pending as if never claimed, for what a worker did not begin. False when its claim is lost."""
        row = self._row(delivery_id)
        tries = row.attempts - 1
        return self._put_back(row, worker, tries=tries, since=row.first_at if tries else None)

    def redrive(self, delivery_id: str) -> bool:
        """A dead, held or indeterminate delivery starts anew. False for any other. Raises UnknownDelivery."""
        row = self._row(delivery_id)
        if row.status not in _STUCK_STATUSES:
            return False
        self._connection.execute(_AGAIN, {"of_id": delivery_id, "soon": _AT_ONCE})
        self._refresh(row.lane)
        return True

    def hasten(self, destination: Destination) -> None:
        """All that waits for another try is due now, but for what may have arrived and has to be looked for first."""
        self._connection.execute(_HASTEN, {"to": destination})

    def _row(self, delivery_id: str) -> Row[Any]:
        row = self._connection.execute(_ONE, {"of_id": delivery_id}).one_or_none()
        if row is None:
            raise UnknownDelivery(f"There is no delivery {delivery_id}.")
        return row

    def _put_back(self, row: Row[Any], worker: str, **changes: Any) -> bool:
        same = {
            "of_id": row.id,
            "by": worker,
            "due": row.due_at,
            "tries": row.attempts,
            "since": row.first_at,
            "maybe": row.maybe_sent,
            "why": row.error,
        }
        mine = self._connection.execute(_BACK, {**same, **changes}).rowcount == 1
        if mine:
            self._refresh(row.lane)
        return mine

    def _refresh(self, lane: str) -> None:
        """Let the head of the lane go if it is pending, and nothing else in it; nothing at all while one is out."""
        rows = self._connection.execute(_LANE, {"of_lane": lane}).all()
        out = any(row.status == "claimed" for row in rows)
        for place, row in enumerate(rows):
            flag = int(place == 0 and row.status == "pending" and not out)
            if flag != row.ready:
                self._connection.execute(_SET_READY, {"of_id": row.id, "flag": flag})

    def _enqueue(self, case_id: str | None, effects: Sequence[Pending], now: datetime) -> None:
        """Behind what waits in each lane already. Numbers only grow, so a new row is never before an old one."""
        if not effects:
            return
        lanes = sorted({p.lane for p in effects})
        busy = set(self._connection.execute(_BUSY_LANES, {"lanes": lanes}).scalars())
        at, rows = event_time(now), []
        for pending in sorted(effects, key=lambda p: p.number):
            rows.append(
                {
                    "id": pending.id,
                    "case_id": case_id,
                    "number": pending.number,
                    "lane": pending.lane,
                    "destination": pending.destination,
                    "priority": pending.priority,
                    "pace": pending.pace,
                    "effect_type": type(pending.effect).__name__,
                    "effect": msgspec.json.encode(pending.effect).decode(),
                    "status": "pending",
                    "blocking": 1,
                    "ready": int(pending.lane not in busy),
                    "due_at": _AT_ONCE,
                    "attempts": 0,
                    "worker": "",
                    "maybe_sent": 0,
                    "error": "",
                    "created_at": at,
                }
            )
            busy.add(pending.lane)
        self._connection.execute(_ADD, rows)


def _is_reply(row: Row[Any]) -> bool:
    """Nothing overtakes an answer that failed; a holding message is none."""
    effect = _decode_effect(row.effect)
    return isinstance(effect, HelpdeskReply) and effect.kind == "reply"


def _take(delivery: ClaimedDelivery, worker: str, now: datetime, until: datetime) -> ClaimedDelivery:
    return msgspec.structs.replace(
        delivery,
        status="claimed",
        attempts=delivery.attempts + 1,
        first_at=delivery.first_at or now,
        worker=worker,
        lease_until=until,
        maybe_sent=delivery.maybe_sent or delivery.status == "claimed",
    )


def _time(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


def _delivery(kind: type[_D], row: Row[Any]) -> _D:
    return kind(
        id=row.id,
        case_id=row.case_id or "",
        number=row.number,
        lane=row.lane,
        destination=row.destination,
        priority=row.priority,
        effect=_decode_effect(row.effect),
        status=row.status,
        due_at=datetime.fromisoformat(row.due_at),
        attempts=row.attempts,
        first_at=_time(row.first_at),
        worker=row.worker,
        lease_until=_time(row.lease_until),
        maybe_sent=bool(row.maybe_sent),
        error=row.error,
        created_at=datetime.fromisoformat(row.created_at),
        settled_at=_time(row.settled_at),
    )
