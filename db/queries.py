"""What is read of cases, customers and queues."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from datetime import datetime

import msgspec
from sqlalchemy import Connection, and_, bindparam, distinct, func, or_, select, text
from sqlalchemy import case as when

from app.core.assessment import Tier
from app.core.audit import event_time
from app.core.case import Case, History, State
from app.core.effects import DECISION_EVENTS
from db.errors import StoreError
from db.tables import (
    IS_OPEN,
    answers,
    cases,
    events,
    packet_messages,
    queue_counters,
    queue_entries,
    snapshots,
)

MAX_PAGE = 500
_BATCH = 200
# A loop shows within a few decisions; a ticket's whole past is never read.
_DECISIONS_READ = 20

_decode_case = msgspec.json.Decoder(Case).decode


class BadCursor(StoreError, ValueError):
    """A cursor that this list never gave out."""


class QueueCount(msgspec.Struct, frozen=True, kw_only=True):
    """`overdue` of the `pending` cases have waited longer than their first rung or deadline."""

    pending: int
    overdue: int
    oldest_at: datetime | None


class StoredAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was answered under an Idempotency-Key, and the digest of the request it answered."""

    digest: str
    status: int
    body: bytes


_CASE = select(cases.c.document).where(cases.c.id == bindparam("id"))
_OPEN_CASE = select(cases.c.document).where(cases.c.ticket_id == bindparam("ticket_id"), text(IS_OPEN))
_OPEN_AFTER = (
    select(cases.c.document)
    .where(text(IS_OPEN), cases.c.ticket_id > bindparam("after"))
    .order_by(cases.c.ticket_id)
    .limit(bindparam("limit"))
)
_CONTACTS = (
    select(cases.c.state, func.count())
    .where(
        cases.c.customer_id == bindparam("customer_id"),
        cases.c.created_at >= bindparam("since"),
        cases.c.id != bindparam("but"),
    )
    .group_by(cases.c.state)
)
_LAST_DECISIONS = (
    select(events.c.type)
    .join_from(events, cases, events.c.case_id == cases.c.id)
    .where(cases.c.ticket_id == bindparam("ticket_id"), events.c.type.in_(sorted(DECISION_EVENTS)))
    .order_by(events.c.seq.desc())
    .limit(_DECISIONS_READ)
)
_COUNTERS = select(queue_counters.c.channel, queue_counters.c.pending).order_by(queue_counters.c.channel)
_OLDEST = select(func.min(queue_entries.c.created_at)).where(queue_entries.c.channel == bindparam("channel"))
_OVERDUE = select(func.count()).where(
    queue_entries.c.channel == bindparam("channel"), queue_entries.c.due_at <= bindparam("now")
)
_NEXT = (
    select(cases.c.document)
    .join_from(queue_entries, cases, queue_entries.c.case_id == cases.c.id)
    .where(queue_entries.c.channel == bindparam("channel"))
    .order_by(queue_entries.c.rank, queue_entries.c.created_at, queue_entries.c.case_id)
    .limit(bindparam("limit"))
)
_BY_PACKET = select(packet_messages.c.case_id).where(
    packet_messages.c.channel_id == bindparam("channel_id"), packet_messages.c.ts == bindparam("ts")
)
_ANSWER = select(answers.c.digest, answers.c.status, answers.c.body).where(answers.c.key == bindparam("key"))
_SNAPSHOT = select(snapshots.c.documents).where(snapshots.c.hash == bindparam("hash"))
_SNAPSHOTS = (
    select(snapshots.c.hash)
    .where(snapshots.c.hash >= bindparam("first"), snapshots.c.hash <= bindparam("last"))
    .limit(2)
)
_SINCE = (
    select(cases.c.id, cases.c.created_at, cases.c.document)
    .where(
        cases.c.created_at >= bindparam("since"),
        or_(
            cases.c.created_at < bindparam("at"),
            and_(cases.c.created_at == bindparam("at"), cases.c.id < bindparam("id")),
        ),
    )
    .order_by(cases.c.created_at.desc(), cases.c.id.desc())
    .limit(_BATCH)
)


class CaseReads:
    _connection: Connection

    def case(self, case_id: str) -> Case | None:
        document = self._connection.execute(_CASE, {"id": case_id}).scalar()
        return None if document is None else _decode_case(document)

    def open_case_for_ticket(self, ticket_id: str) -> Case | None:
        document = self._connection.execute(_OPEN_CASE, {"ticket_id": ticket_id}).scalar()
        return None if document is None else _decode_case(document)

    def case_by_packet(self, channel_id: str, ts: str) -> str | None:
        """Id of the case that this Slack message shows."""
        return self._connection.execute(_BY_PACKET, {"channel_id": channel_id, "ts": ts}).scalar()

    def cases(
        self,
        *,
        state: State | None = None,
        tier: Tier | None = None,
        queue: str | None = None,
        ticket: str | None = None,
        customer: str | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> tuple[list[Case], str | None]:
        """The newest first, and the cursor of the next page (None at the end). Raises BadCursor.

        `queue` is the channel policy routed the case to, also after it ended; who is asked now is `next_in_queue`.
        """
        limit = max(1, min(limit, MAX_PAGE))
        wanted = {"state": state, "tier": tier, "queue": queue, "ticket_id": ticket, "customer_id": customer}
        filters = [cases.c[name] == value for name, value in wanted.items() if value is not None]
        if cursor:
            at, case_id = _read_cursor(cursor)
            earlier = and_(cases.c.created_at == at, cases.c.id < case_id)
            filters.append(or_(cases.c.created_at < at, earlier))
        newest = (cases.c.created_at.desc(), cases.c.id.desc())
        query = select(cases.c.id, cases.c.created_at, cases.c.document).where(*filters).order_by(*newest)
        rows = self._connection.execute(query.limit(limit + 1)).all()
        last = rows[limit - 1] if len(rows) > limit else None
        return (
            [_decode_case(row.document) for row in rows[:limit]],
            _write_cursor(last.created_at, last.id) if last else None,
        )

    def cases_since(self, since: datetime) -> Iterator[Case]:
        """The newest first, read in pieces; good for as long as this reader is."""
        place = {"since": event_time(since), "at": "~", "id": ""}  # later than every time
        while rows := self._connection.execute(_SINCE, place).all():
            for row in rows:
                yield _decode_case(row.document)
            place |= {"at": rows[-1].created_at, "id": rows[-1].id}

    def open_cases(self, after: str = "", limit: int = _BATCH) -> list[Case]:
        """Cases that are not final, by ticket, those after ticket `after`: one step of a walk over all of them."""
        rows = self._connection.execute(_OPEN_AFTER, {"after": after, "limit": limit})
        return [_decode_case(document) for document in rows.scalars()]

    def history(self, customer_id: str, ticket_id: str, since: datetime, *, but: str = "") -> History:
        """What else is known of the customer since then; the case `but` is not counted."""
        given = {"customer_id": customer_id, "since": event_time(since), "but": but}
        states: dict[str, int] = dict(self._connection.execute(_CONTACTS, given).all())
        contacts = sum(states.values())
        rejected = 0
        for decision in self._connection.execute(_LAST_DECISIONS, {"ticket_id": ticket_id}).scalars():
            if decision != "Rejected":
                break
            rejected += 1
        return History(contacts_7d=contacts, unresolved_7d=contacts - states.get("sent", 0), rejected_drafts=rejected)

    def queue_counts(self, now: datetime) -> dict[str, QueueCount]:
        """Of every queue that ever had a case."""
        counts = {}
        for channel, pending in self._connection.execute(_COUNTERS).all():
            oldest = self._connection.execute(_OLDEST, {"channel": channel}).scalar() if pending else None
            late = {"channel": channel, "now": event_time(now)}
            counts[channel] = QueueCount(
                pending=pending,
                overdue=self._connection.execute(_OVERDUE, late).scalar_one() if pending else 0,
                oldest_at=None if oldest is None else datetime.fromisoformat(oldest),
            )
        return counts

    def waiting(self, now: datetime) -> tuple[int, int]:
        """Cases that wait for people, and how many of them too long; each once, however many queues it is in."""
        late = func.count(distinct(when((queue_entries.c.due_at <= event_time(now), queue_entries.c.case_id))))
        found = self._connection.execute(select(func.count(distinct(queue_entries.c.case_id)), late)).one()
        return found[0], found[1]

    def next_in_queue(self, channel: str, limit: int) -> list[Case]:
        """The cases people of this channel are asked about: highest risk first, then the oldest."""
        rows = self._connection.execute(_NEXT, {"channel": channel, "limit": limit})
        return [_decode_case(document) for document in rows.scalars()]

    def answer_for(self, key: str) -> StoredAnswer | None:
        row = self._connection.execute(_ANSWER, {"key": key}).one_or_none()
        return None if row is None else StoredAnswer(digest=row.digest, status=row.status, body=row.body)

    def load_snapshot(self, hash: str) -> bytes | None:
        """The policy documents saved under this hash, byte for byte."""
        return self._connection.execute(_SNAPSHOT, {"hash": hash}).scalar()

    def snapshots_like(self, prefix: str) -> list[str]:
        """Hashes that begin so, two at most: enough to tell whether it names one."""
        return list(self._connection.execute(_SNAPSHOTS, {"first": prefix, "last": f"{prefix}~"}).scalars())


def _write_cursor(at: str, case_id: str) -> str:
    return base64.urlsafe_b64encode(f"{at} {case_id}".encode()).decode().rstrip("=")


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise BadCursor("cursor: not one that this list gave out") from None
    at, separator, case_id = text.partition(" ")
    if not separator or "\0" in text:
        raise BadCursor("cursor: not one that this list gave out")
    return at, case_id
