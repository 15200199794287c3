"""A digest: one Slack message in which each low-risk case of a burst is a line (SL12). Kept true like a packet."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from app.core.assessment import TIERS, Value
from app.core.case import Case
from app.core.change import UPDATES
from app.core.effects import DigestShow, Event, EventType, Pending, Settlement
from app.core.errors import Refused

LINES = 20
EVERY = timedelta(seconds=3)  # what changes within that time is one update
POSTS = 3  # whoever deletes it more often will not have it there


class Digest(Value, frozen=True, kw_only=True):
    """`ts` is None until Slack took it; `shown` tells what Slack shows now, since `shown_at`.

    `over`: nobody has to open anything there any more.
    """

    key: str
    channel: str
    made_at: datetime
    cases: tuple[str, ...] = ()
    channel_id: str = ""
    ts: str | None = None
    shown: str = ""
    shown_at: datetime | None = None
    gone: tuple[str, ...] = ()  # ts of its messages that are not there any more
    over: bool = False
    deliveries: int = 0  # number of the last one: ids are `<key>-<n>`

    @property
    def lane(self) -> str:
        return f"digest:{self.key}"

    @property
    def has_room(self) -> bool:
        return len(self.cases) < LINES and not (self.gone or self.over)


# --- what is asked of it -----------------------------------------------------------------------------------------


class DigestReceipt(msgspec.Struct, frozen=True, kw_only=True):
    """About delivery `delivery` of a digest; its outbox row is settled in the same transaction."""

    digest: str
    delivery: str


class DigestShown(DigestReceipt, frozen=True, kw_only=True):
    """Slack shows `shown` now; empty where the message was found but nobody knows what it says."""

    channel_id: str
    ts: str
    shown: str
    over: bool


class DigestSkipped(DigestReceipt, frozen=True, kw_only=True):
    """Slack shows it as it is, or nobody needs it."""

    over: bool = False


class DigestRefused(DigestReceipt, frozen=True, kw_only=True):
    """Slack refuses it for good: `message` is gone, or it takes none (`all`)."""

    lost: Literal["message", "all"]
    error: str
    remedy: str = ""


class RepairDigest(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody saw in Slack: the message `ts` is not there, says something else, or its channel is lost."""

    digest: str
    ts: str
    found: Literal["missing", "drifted", "no_channel"]
    reason: str = ""


AnyDigestReceipt = DigestShown | DigestSkipped | DigestRefused
DigestCommand = AnyDigestReceipt | RepairDigest


class DigestOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """`again`: it has to be sent once more. `broken`: why its lines have to be packets of their own, else empty."""

    digest: Digest
    events: tuple[Event, ...] = ()
    settled: tuple[Settlement, ...] = ()
    again: bool = False
    broken: str = ""


def decide_digest(digest: Digest, command: DigestCommand, now: datetime) -> DigestOutcome:
    """Raises Refused, with nothing changed, where the digest stands elsewhere by now."""
    match command:
        case DigestShown():
            return _shown(digest, command, now)
        case DigestSkipped():
            return DigestOutcome(digest=replace(digest, over=command.over), settled=_done(command))
        case DigestRefused():
            cancelled = Settlement(delivery=command.delivery, status="cancelled", error=command.error)
            lost = command.lost == "message" and digest.ts is not None
            outcome = _gone(digest, command.error) if lost else _broken(digest, command.error)
            return replace(outcome, settled=(cancelled,))
        case RepairDigest():
            if (digest.ts or "") != command.ts or not command.ts:
                raise Refused("repaired", "This digest stands elsewhere by now.")
            match command.found:
                case "missing":
                    return _gone(digest, command.reason or "The message was deleted.")
                case "drifted":
                    return DigestOutcome(digest=replace(digest, shown=""), again=True)
                case "no_channel":
                    return _broken(digest, command.reason or "The channel cannot be used.")
                case _:
                    assert_never(command.found)
        case _:
            assert_never(command)


def sending(digest: Digest) -> tuple[Digest, Pending]:
    """The delivery that brings Slack in line, and the digest that knows of it."""
    number = digest.deliveries + 1
    pending = Pending(
        id=f"{digest.key}-{number}",
        number=number,
        lane=digest.lane,
        destination="slack",
        priority=len(TIERS) - 1,
        effect=DigestShow(digest=digest.key),
        pace=UPDATES if digest.ts else digest.channel,
    )
    return replace(digest, deliveries=number), pending


def line_of(case: Case, packet: str) -> tuple[object, ...]:
    """What a digest says of a case, to tell whether it has to say it anew."""
    shown, claim, verdict = case.packet(packet), case.claim, case.verdict
    stands = (shown.folded, shown.channel_id, shown.ts) if shown else ()
    return (case.state, stands, claim and claim.user, verdict and (verdict.outcome, verdict.by), case.intent)


def waits(case: Case, digest: str) -> bool:
    """Whether the line is all there is of an open case."""
    return not case.is_final and any(p.folded and p.digest == digest for p in case.packets)


def throttled(digest: Digest, now: datetime) -> float:
    """Seconds until the message may change again."""
    if digest.ts is None or digest.shown_at is None:
        return 0.0
    return max(0.0, (digest.shown_at + EVERY - now).total_seconds())


def _shown(digest: Digest, command: DigestShown, now: datetime) -> DigestOutcome:
    place = {"channel_id": command.channel_id, "ts": command.ts, "shown": command.shown}
    if command.ts in digest.gone:  # deleted while this was on its way
        event = _event("DigestUpdated", digest, **place, gone=True)
        return DigestOutcome(digest=digest, events=(event,), settled=_done(command))
    after = replace(
        digest,
        channel_id=command.channel_id,
        ts=command.ts,
        shown=command.shown,
        shown_at=now,
        over=command.over,
    )
    event = _event("DigestPosted" if digest.ts is None else "DigestUpdated", digest, **place)
    return DigestOutcome(digest=after, events=(event,), settled=_done(command), again=not command.shown)


def _gone(digest: Digest, why: str) -> DigestOutcome:
    """Posted again in the same place, but not for ever."""
    gone = (*digest.gone, digest.ts or "")
    bare = replace(digest, ts=None, shown="", shown_at=None, gone=gone)
    event = _event("DigestLost", digest, why, ts=digest.ts or "")
    if len(gone) > POSTS:
        return DigestOutcome(digest=replace(bare, over=True), events=(event,), broken=why)
    return DigestOutcome(digest=bare, events=(event,), again=True)


def _broken(digest: Digest, why: str) -> DigestOutcome:
    event = _event("DigestLost", digest, why, ts=digest.ts or "")
    gone = (*digest.gone, digest.ts or "")
    bare = replace(digest, ts=None, shown="", shown_at=None, gone=gone, over=True)
    return DigestOutcome(digest=bare, events=(event,), broken=why)


def _done(command: DigestReceipt) -> tuple[Settlement, ...]:
    return (Settlement(delivery=command.delivery, status="done"),)


def _event(kind: EventType, digest: Digest, reason: str = "", **data: object) -> Event:
    known = {"digest": digest.key, "channel": digest.channel, "cases": list(digest.cases)}
    return Event(type=kind, actor="system:dispatch", reason=reason, data={**known, **data})
