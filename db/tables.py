"""The tables. Migrations create them; a test holds both together.

Times are text, UTC with microseconds and `Z` (`app.core.audit.event_time`): the form events are hashed in, the same
bytes on SQLite and PostgreSQL, in time's order when compared as text, legible in a database shell. Flags are 0 or 1:
partial indexes need a literal both databases accept. Text compares by bytes everywhere.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String, Text, text
from sqlmodel import Field, SQLModel

# PostgreSQL would compare by the locale of the server, SQLite compares by bytes: cursors and lanes need one order.
Bytewise = String().with_variant(String(collation="C"), "postgresql")
# SQLite gives only INTEGER keys its built-in row number.
BigNumber = BigInteger().with_variant(Integer(), "sqlite")


def _text(*args: Any, **options: Any) -> Any:
    return Field(sa_column=Column(Bytewise, *args, nullable=options.pop("nullable", False), **options))


def _number(**options: Any) -> Any:
    return Field(sa_column=Column(Integer, nullable=False, **options))


def _big(**options: Any) -> Any:
    return Field(sa_column=Column(BigNumber, nullable=False, autoincrement=False, **options))


def _document() -> Any:
    return Field(sa_column=Column(Text, nullable=False))


def _bytes() -> Any:
    return Field(sa_column=Column(LargeBinary, nullable=False))


def _of_case(**options: Any) -> Any:
    return _text(ForeignKey("cases.id"), **options)


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


# SQLite uses a partial index only where a query repeats its condition to the letter.
IS_OPEN = "is_open = 1"


class CaseRow(SQLModel, table=True):
    """The latest state of each case: `document` is its JSON, the other columns are there to be searched."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("one_open_case_a_ticket", "ticket_id", unique=True, **_where(IS_OPEN)),
        Index("cases_by_time", "created_at", "id"),
        Index("cases_by_state", "state", "created_at", "id"),
        Index("cases_by_queue", "queue", "created_at", "id"),
        Index("cases_by_ticket", "ticket_id", "created_at", "id"),
        Index("cases_by_customer", "customer_id", "created_at", "id"),
    )

    id: str = _text(primary_key=True)
    version: int = _number()
    state: str = _text()
    is_open: int = _number()
    tier: str = _text()
    ticket_id: str = _text()
    customer_id: str = _text()
    queue: str = _text()
    created_at: str = _text()
    updated_at: str = _text()
    document: str = _document()


class EventRow(SQLModel, table=True):
    """The append-only log; `seq` counts from 1 without gaps and is the leaf's place in the Merkle tree."""

    __tablename__ = "events"
    __table_args__ = (Index("events_by_case", "case_id", "seq"),)

    seq: int = _big(primary_key=True)
    event_id: str = _text(unique=True)
    case_id: str | None = _text(nullable=True)
    type: str = _text()
    at: str = _text()
    actor: str = _text()
    payload: str = _document()
    leaf_hash: bytes = _bytes()


class LogHeadRow(SQLModel, table=True):
    """One row: the Merkle frontier after the last event."""

    __tablename__ = "log_head"

    id: int = _big(primary_key=True)
    frontier: bytes = _bytes()


class CheckpointRow(SQLModel, table=True):
    """Signed tree heads, as they were published."""

    __tablename__ = "checkpoints"

    id: int = Field(default=None, sa_column=Column(BigNumber, primary_key=True, autoincrement=True))
    size: int = _big()
    root: bytes = _bytes()
    text: str = _document()
    at: str = _text()


class TimerRow(SQLModel, table=True):
    """What is due when: the timers of every case, as the cases have them."""

    __tablename__ = "timers"
    __table_args__ = (Index("timers_due", "due_at", "key", "case_id"),)

    case_id: str = _of_case(primary_key=True)
    key: str = _text(primary_key=True)
    kind: str = _text()
    due_at: str = _text()


READY = "ready = 1"
BLOCKING = "blocking = 1"
CLAIMED = "status = 'claimed'"
WAITING = "status IN ('pending', 'claimed')"
STUCK = "status IN ('dead', 'indeterminate', 'held')"
_CLAIM_ORDER = ("destination", "pace", "priority", "created_at", "number", "id")


class DeliveryRow(SQLModel, table=True):
    """The outbox. A row that is `blocking` holds back those behind it in its lane; the one that may go is `ready`.

    What is about the whole workspace has no case.

    status: pending, claimed, indeterminate, held (these block), done, cancelled, dead (blocks if a helpdesk reply).
    """

    __tablename__ = "outbox"
    __table_args__ = (
        Index("outbox_ready", *_CLAIM_ORDER, **_where(READY)),
        Index("outbox_lane", "lane", "number", **_where(BLOCKING)),
        Index("outbox_leases", "lease_until", **_where(CLAIMED)),
        Index("outbox_backlog", "destination", "created_at", **_where(WAITING)),
        Index("outbox_stuck", "status", "created_at", "id", **_where(STUCK)),
        Index("outbox_by_case", "case_id", "number"),
    )

    id: str = _text(primary_key=True)
    case_id: str | None = _of_case(nullable=True)
    number: int = _number()
    lane: str = _text()
    destination: str = _text()
    priority: int = _number()
    pace: str = _text()
    effect_type: str = _text()
    effect: str = _document()
    status: str = _text()
    blocking: int = _number()
    ready: int = _number()
    due_at: str = _text()
    attempts: int = _number()
    first_at: str | None = _text(nullable=True)
    worker: str = _text()
    lease_until: str | None = _text(nullable=True)
    maybe_sent: int = _number()
    error: str = _document()
    created_at: str = _text()
    settled_at: str | None = _text(nullable=True)


class QueueEntryRow(SQLModel, table=True):
    """A case that people of one channel are asked about. `rank` 0 is the high tier, `due_at` when it is overdue."""

    __tablename__ = "queue_entries"
    __table_args__ = (
        Index("queue_next", "channel", "rank", "created_at", "case_id"),
        Index("queue_oldest", "channel", "created_at"),
        Index("queue_overdue", "channel", "due_at"),
    )

    case_id: str = _of_case(primary_key=True)
    channel: str = _text(primary_key=True)
    rank: int = _number()
    created_at: str = _text()
    due_at: str = _text()


class QueueCounterRow(SQLModel, table=True):
    """How many entries a queue has, kept by difference: counting a million takes seconds."""

    __tablename__ = "queue_counters"

    channel: str = _text(primary_key=True)
    pending: int = _number()


class PacketMessageRow(SQLModel, table=True):
    """Which case a Slack message shows."""

    __tablename__ = "packet_messages"

    channel_id: str = _text(primary_key=True)
    ts: str = _text(primary_key=True)
    case_id: str = _of_case()
    packet_key: str = _text()


class AnswerRow(SQLModel, table=True):
    """The first answer given under an Idempotency-Key."""

    __tablename__ = "answers"

    key: str = _text(primary_key=True)
    digest: str = _text()
    status: int = _number()
    body: bytes = _bytes()
    at: str = _text()


class SnapshotRow(SQLModel, table=True):
    """Policy documents under the hash of their canonical form."""

    __tablename__ = "policy_snapshots"

    hash: str = _text(primary_key=True)
    documents: bytes = _bytes()


class OfficeRow(SQLModel, table=True):
    """One row: what holds for the whole workspace, as JSON."""

    __tablename__ = "office"

    id: int = _big(primary_key=True)
    version: int = _number()
    document: str = _document()


HAS_ROOM = "has_room = 1"
NOT_OVER = "is_over = 0"


class DigestRow(SQLModel, table=True):
    """One Slack message about several cases: `document` is its JSON."""

    __tablename__ = "digests"
    __table_args__ = (
        Index("digests_with_room", "channel", "key", **_where(HAS_ROOM)),
        Index("digests_not_over", "channel", "key", **_where(NOT_OVER)),
    )

    key: str = _text(primary_key=True)
    channel: str = _text()
    made_at: str = _text()
    has_room: int = _number()
    is_posted: int = _number()
    is_over: int = _number()
    document: str = _document()


metadata = SQLModel.metadata
cases = metadata.tables["cases"]
events = metadata.tables["events"]
log_head = metadata.tables["log_head"]
checkpoints = metadata.tables["checkpoints"]
timers = metadata.tables["timers"]
outbox = metadata.tables["outbox"]
queue_entries = metadata.tables["queue_entries"]
queue_counters = metadata.tables["queue_counters"]
packet_messages = metadata.tables["packet_messages"]
answers = metadata.tables["answers"]
snapshots = metadata.tables["policy_snapshots"]
office = metadata.tables["office"]
digests = metadata.tables["digests"]
