"""Digests: which cases one Slack message lists, and how crowded a channel is."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import BindParameter, Connection, bindparam, func, or_, select, text

from app.core.assessment import TIERS
from app.core.audit import event_time
from app.core.case import Case
from app.core.digest import Digest, line_of, sending
from app.core.effects import DigestShow, PacketPost
from app.core.world import Crowd
from db.outbox import OutboxWrites
from db.tables import BLOCKING, HAS_ROOM, NOT_OVER, READY, cases, digests, outbox, queue_entries

LOW = len(TIERS) - 1 - TIERS.index("low")
_POSTS = [PacketPost.__name__, DigestShow.__name__]
_among: BindParameter[Any] = bindparam("among", expanding=True)
_ONE = select(digests.c.document).where(digests.c.key == bindparam("of_key"))
_LISTED = select(cases.c.document).where(cases.c.id.in_(bindparam("ids", expanding=True)))
_LIVE = select(digests.c.document).where(text(NOT_OVER)).order_by(digests.c.channel, digests.c.key)
# What is further up in the channel already would be overlooked there.
_ROOM = select(digests.c.channel, digests.c.key).where(
    text(HAS_ROOM),
    digests.c.channel.in_(_among),
    or_(digests.c.made_at >= bindparam("since"), digests.c.is_posted == 0),
)
_NEW = (
    select(queue_entries.c.channel, func.count())
    .where(
        queue_entries.c.channel.in_(_among),
        queue_entries.c.rank == LOW,
        queue_entries.c.created_at >= bindparam("since"),
    )
    .group_by(queue_entries.c.channel)
)
_UNPOSTED = (
    select(outbox.c.pace, func.count())
    .where(text(READY), outbox.c.destination == "slack", outbox.c.pace.in_(_among), outbox.c.priority == LOW)
    .group_by(outbox.c.pace)
)
_OLDEST_UNPOSTED = (
    select(outbox.c.pace, func.min(outbox.c.created_at))
    .where(text(READY), outbox.c.destination == "slack", outbox.c.pace.in_(_among), outbox.c.effect_type.in_(_POSTS))
    .group_by(outbox.c.pace)
)
_WAITING = select(outbox.c.id).where(
    outbox.c.lane == bindparam("of_lane"), text(BLOCKING), outbox.c.status == "pending"
)
_WRITE = text(
    "INSERT INTO digests (key, channel, made_at, has_room, is_posted, is_over, document)"
    " VALUES (:key, :channel, :made_at, :has_room, :is_posted, :is_over, :document) ON CONFLICT (key)"
    " DO UPDATE SET has_room = :has_room, is_posted = :is_posted, is_over = :is_over, document = :document"
)
_decode_case = msgspec.json.Decoder(Case).decode
_decode = msgspec.json.Decoder(Digest).decode


class DigestReads:
    _connection: Connection

    def digest(self, key: str) -> Digest | None:
        document = self._connection.execute(_ONE, {"of_key": key}).scalar()
        return None if document is None else _decode(document)

    def live_digests(self) -> list[Digest]:
        """Those in which something may still be opened."""
        return [_decode(document) for document in self._connection.execute(_LIVE).scalars()]

    def listed_cases(self, digest: Digest) -> list[Case]:
        """In the order of their lines."""
        documents = self._connection.execute(_LISTED, {"ids": list(digest.cases)}).scalars()
        found = {case.id: case for case in map(_decode_case, documents)}
        return [found[case_id] for case_id in digest.cases if case_id in found]

    def crowds(self, channels: Collection[str], since: datetime) -> dict[str, Crowd]:
        """Of each channel: its low-tier cases that wait and came since then, or that Slack does not show yet."""
        among = sorted(channels)
        new: dict[str, int] = dict(self._connection.execute(_NEW, {"among": among, "since": event_time(since)}).all())
        unposted: dict[str, int] = dict(self._connection.execute(_UNPOSTED, {"among": among}).all())
        room: dict[str, str] = dict(self._connection.execute(_ROOM, {"among": among, "since": event_time(since)}).all())
        return {c: Crowd(low=max(new.get(c, 0), unposted.get(c, 0)), digest=room.get(c, "")) for c in among}

    def oldest_unposted(self, channels: Collection[str]) -> dict[str, datetime]:
        """When the packet, or digest, was made that waits longest to be posted in each of these channels."""
        rows = self._connection.execute(_OLDEST_UNPOSTED, {"among": sorted(channels)})
        return {channel: datetime.fromisoformat(at) for channel, at in rows}


class DigestWrites(OutboxWrites, DigestReads):
    def _project_digests(self, before: Case | None, after: Case, now: datetime) -> None:
        """A new line for a packet that was folded just now; a line of which something changed is shown anew."""
        for packet in after.packets:
            if not packet.digest:
                continue
            known = before is not None and before.packet(packet.key) is not None
            if before is not None and known and line_of(before, packet.key) == line_of(after, packet.key):
                continue
            digest = self.digest(packet.digest)
            if not known and packet.folded:
                digest = digest or Digest(key=packet.digest, channel=packet.channel, made_at=now)
                digest = msgspec.structs.replace(digest, cases=(*digest.cases, after.id), over=False)
            if digest is not None and after.id in digest.cases:
                self._send_digest(digest, now)

    def _send_digest(self, digest: Digest, now: datetime) -> None:
        """What waits to be sent already will show this, too: a burst costs few messages."""
        waiting = self._connection.execute(_WAITING, {"of_lane": digest.lane}).first() is not None
        if not waiting:
            digest, pending = sending(digest)
            self._enqueue(None, (pending,), now)
        self._write_digest(digest)

    def _write_digest(self, digest: Digest) -> None:
        row = {
            "key": digest.key,
            "channel": digest.channel,
            "made_at": event_time(digest.made_at),
            "is_posted": int(digest.ts is not None),
            "has_room": int(digest.has_room),
            "is_over": int(digest.over),
            "document": msgspec.json.encode(digest).decode(),
        }
        self._connection.execute(_WRITE, row)
