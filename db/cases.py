"""Writing a case: its row, its place in the queues, the Slack messages that show it."""

from __future__ import annotations

from datetime import datetime, timedelta

import msgspec
from sqlalchemy import bindparam, delete, insert, text, update
from sqlalchemy.exc import IntegrityError

from app.core.assessment import TIERS
from app.core.audit import event_time
from app.core.case import OPEN_STATES, UNDECIDED_STATES, Case
from db.errors import TicketTaken, Unstorable, VersionConflict
from db.queries import CaseReads
from db.tables import answers, cases, queue_entries, snapshots

_encode_case = msgspec.json.Encoder().encode

_ADD_CASE = insert(cases)
_SET_CASE = (
    update(cases)
    .where(cases.c.id == bindparam("of_case"), cases.c.version == bindparam("was"))
    .values({c.name: bindparam(c.name) for c in cases.c if c.name != "id"})
)
_ADD_ENTRIES = insert(queue_entries)
_REMOVE_ENTRIES = delete(queue_entries).where(
    queue_entries.c.case_id == bindparam("of_case"), queue_entries.c.channel == bindparam("gone")
)
# The same on both databases, where SQLAlchemy has one construct for each.
_COUNT = text(
    "INSERT INTO queue_counters (channel, pending) VALUES (:channel, :step)"
    " ON CONFLICT (channel) DO UPDATE SET pending = queue_counters.pending + :step"
)
_ADD_MESSAGES = text(
    "INSERT INTO packet_messages (channel_id, ts, case_id, packet_key) VALUES (:channel_id, :ts, :case_id, :packet_key)"
    " ON CONFLICT (channel_id, ts) DO UPDATE SET case_id = :case_id, packet_key = :packet_key"
)
_ADD_ANSWER = insert(answers)
_ADD_SNAPSHOT = text(
    "INSERT INTO policy_snapshots (hash, documents) VALUES (:hash, :documents) ON CONFLICT (hash) DO NOTHING"
).bindparams(bindparam("documents", type_=snapshots.c.documents.type))


def queues_of(case: Case) -> frozenset[str]:
    """Channels whose people are asked about this case now: where policy sent it, and wherever a packet lets decide."""
    if case.state not in UNDECIDED_STATES or case.assessment is None:
        return frozenset()
    return frozenset({case.assessment.route.channel, *(p.queue for p in case.packets if p.can_decide)})


def overdue_at(case: Case) -> datetime:
    """When a case nobody decided is late: at its first rung, or at its deadline if that comes before."""
    opened = case.opened_at or case.created_at
    armed = {timer.key: timer.due_at for timer in case.timers}
    rungs = case.assessment.rungs if case.assessment else ()
    first = opened + timedelta(seconds=case.assessed.expire_after)
    for rung in rungs:
        # The timer knows the business hours; a rung whose timer fired is in the past either way.
        first = min(first, armed.get(f"rung:{rung.id}", opened + timedelta(seconds=rung.after)))
    return min(first, case.deadline) if case.deadline else first


class CaseWrites(CaseReads):
    def remember_answer(self, key: str, digest: str, status: int, body: bytes, now: datetime) -> None:
        """Keep the first answer given under an Idempotency-Key; a second one for the key is an error."""
        row = {"key": key, "digest": digest, "status": status, "body": body, "at": event_time(now)}
        self._connection.execute(_ADD_ANSWER, row)

    def save_snapshot(self, hash: str, documents_json: bytes) -> None:
        """The same hash is the same documents: a second time changes nothing."""
        self._connection.execute(_ADD_SNAPSHOT, {"hash": hash, "documents": documents_json})

    def _write_case(self, before: Case | None, after: Case, now: datetime) -> None:
        """Raises VersionConflict, TicketTaken or Unstorable."""
        row = _columns(after, now)
        try:
            if before is None:
                self._connection.execute(_ADD_CASE, row)
                return
            del row["id"]
            changed = self._connection.execute(_SET_CASE, {**row, "of_case": after.id, "was": before.version})
        except IntegrityError as error:
            # SQLite names the column, PostgreSQL the index.
            if any(name in str(error.orig) for name in ("cases.ticket_id", "one_open_case_a_ticket")):
                raise TicketTaken(f"Ticket {after.ticket.id} has another open case.") from None
            raise VersionConflict(f"Case {after.id} exists already.") from None
        if changed.rowcount != 1:
            raise VersionConflict(f"Case {after.id} is not at version {before.version} any more.")

    def _project_queues(self, before: Case | None, after: Case) -> None:
        had, have = (queues_of(before) if before else frozenset()), queues_of(after)
        # Tier and lateness may have changed with the queue unchanged.
        same_place = before is not None and had and have and _place(before) == _place(after)
        gone = sorted(had if not same_place else had - have)
        new = sorted(have if not same_place else have - had)
        if gone:
            self._connection.execute(_REMOVE_ENTRIES, [{"of_case": after.id, "gone": c} for c in gone])
        if new:
            rank, created_at, due_at = _place(after)
            self._connection.execute(
                _ADD_ENTRIES,
                [
                    {
                        "case_id": after.id,
                        "channel": c,
                        "rank": rank,
                        "created_at": created_at,
                        "due_at": due_at,
                    }
                    for c in new
                ],
            )
        steps = [{"channel": c, "step": (c in have) - (c in had)} for c in sorted(had ^ have)]
        if steps:
            self._connection.execute(_COUNT, steps)

    def _index_packets(self, before: Case | None, after: Case) -> None:
        """Messages are only added: a click on one that is long gone must still find its case."""
        known = set(before.packets) if before else set()
        rows = [
            {"channel_id": p.channel_id, "ts": p.ts, "case_id": after.id, "packet_key": p.key}
            for p in after.packets
            if p.ts is not None and p not in known
        ]
        if rows:
            self._connection.execute(_ADD_MESSAGES, rows)


def _place(case: Case) -> tuple[int, str, str]:
    rank = len(TIERS) - 1 - TIERS.index(case.assessed.tier)
    return rank, event_time(case.created_at), event_time(overdue_at(case))


def _columns(case: Case, now: datetime) -> dict[str, str | int]:
    for field, value in (("ticket.id", case.ticket.id), ("customer.id", case.customer.id)):
        if "\0" in value:
            raise Unstorable(f"{field}: it holds a NUL character")
    return {
        "id": case.id,
        "version": case.version,
        "state": case.state,
        "is_open": int(case.state in OPEN_STATES),
        "tier": case.assessment.tier if case.assessment else "",
        "ticket_id": case.ticket.id,
        "customer_id": case.customer.id,
        "queue": case.assessment.route.channel if case.assessment else "",
        "created_at": event_time(case.created_at),
        "updated_at": event_time(now),
        "document": _encode_case(case).decode(),
    }
