"""The append-only log and its Merkle frontier."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, func, insert, select, update

from app.core.audit import StoredEvent, event_leaf, event_time
from app.core.effects import Click, Event
from app.core.merkle import Frontier
from db.tables import checkpoints, events, log_head

_CHUNK = 1000
_HEAD = 1
# Only the stored bytes are ever hashed, nobody writes them a second time: sorted keys are canonical enough, and
# numbers of any size pass. Text that no column can hold comes out escaped.
_encode = msgspec.json.Encoder(order="sorted").encode


class EventContent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an event says beyond its type and actor, as its `payload` holds it."""

    reason: str = ""
    request_hash: str = ""
    policy_snapshot: str = ""
    click: Click = Click()
    data: dict[str, Any] = {}


_decode = msgspec.json.Decoder(EventContent).decode


class LoggedEvent(StoredEvent, frozen=True, kw_only=True):
    """A row of the log, readable."""

    @property
    def content(self) -> EventContent:
        return _decode(self.payload)


class StoredCheckpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A signed note as it was published; `size` and `root` repeat what it says."""

    size: int
    root: bytes
    text: str
    at: str


_EVENTS = select(
    events.c.seq,
    events.c.event_id,
    events.c.case_id,
    events.c.type,
    events.c.at,
    events.c.actor,
    events.c.payload,
    events.c.leaf_hash,
).order_by(events.c.seq)
_EVENTS_OF_CASE = _EVENTS.where(events.c.case_id == bindparam("case_id"))
_EVENTS_FROM = _EVENTS.where(events.c.seq >= bindparam("from_seq")).limit(_CHUNK)
_LEAVES = select(events.c.leaf_hash).where(events.c.seq <= bindparam("size")).order_by(events.c.seq)
_FRONTIER = select(log_head.c.frontier).where(log_head.c.id == _HEAD)
_SET_FRONTIER = update(log_head).where(log_head.c.id == _HEAD).values(frontier=bindparam("bytes"))
_ADD_EVENTS = insert(events)
_ADD_CHECKPOINT = insert(checkpoints)
_CHECKPOINTS = select(checkpoints.c.size, checkpoints.c.root, checkpoints.c.text, checkpoints.c.at).order_by(
    checkpoints.c.id.desc()
)


class LogReads:
    """Reading the log."""

    _connection: Connection

    def events(self, case_id: str) -> list[LoggedEvent]:
        """The events of a case, oldest first."""
        return [_logged(row) for row in self._connection.execute(_EVENTS_OF_CASE, {"case_id": case_id})]

    def all_events(self, from_seq: int = 1) -> Iterator[LoggedEvent]:
        """The log from an event on, read in pieces; good for as long as this reader is."""
        while rows := self._connection.execute(_EVENTS_FROM, {"from_seq": from_seq}).all():
            yield from map(_logged, rows)
            from_seq = rows[-1].seq + 1

    def leaf_hashes(self, size: int) -> list[bytes]:
        """Of the first `size` events, for proofs."""
        return list(self._connection.execute(_LEAVES, {"size": size}).scalars())

    def frontier(self) -> Frontier:
        """The Merkle tree's right edge: its size is the number of the last event."""
        return Frontier.from_bytes(self._connection.execute(_FRONTIER).scalar_one())

    def event_count(self) -> int:
        """Events there really are; the frontier says how many there should be."""
        return self._connection.execute(select(func.count()).select_from(events)).scalar_one()

    def checkpoints(self, limit: int | None = None) -> list[StoredCheckpoint]:
        """The newest first."""
        rows = self._connection.execute(_CHECKPOINTS.limit(limit))
        return [StoredCheckpoint(size=r.size, root=r.root, text=r.text, at=r.at) for r in rows]


class LogWrites(LogReads):
    """Appending to the log. The frontier is kept in memory until the transaction ends, then written once."""

    _frontier: Frontier | None = None

    def frontier(self) -> Frontier:
        return self._frontier if self._frontier is not None else super().frontier()

    def append_events(self, events: Sequence[Event], case_id: str | None, now: datetime) -> None:
        """Facts without a change of a case (a policy loaded, a command refused)."""
        if not events:
            return
        frontier, at, rows = self.frontier(), event_time(now), []
        for event in events:
            row = _columns(event, frontier.size + 1, case_id, at)
            leaf = event_leaf(row)
            frontier = frontier.append(leaf)
            rows.append({**row, "leaf_hash": leaf})
        self._connection.execute(_ADD_EVENTS, rows)
        self._frontier = frontier

    def add_checkpoint(self, text: str, size: int, root: bytes, now: datetime) -> None:
        """Keep a signed tree head. Raises ValueError unless it is one of the log as it stands."""
        frontier = self.frontier()
        if size == frontier.size and root != frontier.root():
            raise ValueError("root: it is not the root of the log at this size")
        if size > frontier.size:
            raise ValueError(f"size: the log has {frontier.size} events, not {size}")
        self._connection.execute(_ADD_CHECKPOINT, {"text": text, "size": size, "root": root, "at": event_time(now)})

    def _write_frontier(self) -> None:
        if self._frontier is not None:
            self._connection.execute(_SET_FRONTIER, {"bytes": self._frontier.to_bytes()})


def _columns(event: Event, seq: int, case_id: str | None, at: str) -> dict[str, str | int | None]:
    content = EventContent(
        reason=event.reason,
        request_hash=event.request_hash,
        policy_snapshot=event.policy_snapshot,
        click=event.click,
        data=event.data,
    )
    return {
        "seq": seq,
        "event_id": f"ev_{seq}",
        "case_id": case_id,
        "type": event.type,
        "at": at,
        "actor": event.actor,
        "payload": _encode(content).decode(),
    }


def _logged(row: Any) -> LoggedEvent:
    return LoggedEvent(
        seq=row.seq,
        event_id=row.event_id,
        case_id=row.case_id,
        type=row.type,
        at=row.at,
        actor=row.actor,
        payload=row.payload,
        leaf_hash=row.leaf_hash,
    )
