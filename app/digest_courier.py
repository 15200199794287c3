"""Brings digests to Slack: posted, kept in line with their cases, and not more often than every few seconds (SL12)."""

from __future__ import annotations

from app.core.case import Case
from app.core.digest import (
    AnyDigestReceipt,
    Digest,
    DigestRefused,
    DigestShown,
    DigestSkipped,
    throttled,
    waits,
)
from app.core.effects import DigestShow
from app.courier import with_digest
from app.office_courier import OfficeCourier
from app.ports.errors import Found, RetryLater
from app.ports.slack_errors import surface_trouble
from blocks.digest import digest_message
from blocks.surface import SlackMessage
from db.outbox import ClaimedDelivery


class DigestParcel:
    """A delivery together with the digest and its cases as they stand now."""

    def __init__(self, courier: OfficeCourier, delivery: ClaimedDelivery, digest: Digest, cases: list[Case]) -> None:
        self.courier = courier
        self.delivery = delivery
        self.digest = digest
        self.cases = cases

    @property
    def message(self) -> SlackMessage:
        return digest_message(self.digest, self.cases, self.courier.around())

    @property
    def over(self) -> bool:
        return not any(waits(case, self.digest.key) for case in self.cases)

    def send(self) -> AnyDigestReceipt:
        digest, slack, message = self.digest, self.courier.slack, self.message
        if digest.shown == message.digest or (digest.ts is None and self.over):
            return DigestSkipped(digest=digest.key, delivery=self.delivery.id, over=self.over)
        if wait := throttled(digest, self.courier.engine.clock.now()):
            raise RetryLater("a digest changes every few seconds", after=wait, code="paced")
        metadata = with_digest(message)
        if digest.ts is None:
            where = self.courier.channel(digest.channel)
            result = slack.post(self.delivery.id, where, message.text, message.blocks, metadata)
        else:
            result = slack.update(digest.channel_id, digest.ts, message.text, message.blocks, metadata)
        return self._shown(result.channel_id, result.ts, message.digest)

    def look(self) -> AnyDigestReceipt | bool:
        digest = self.digest
        if digest.ts is not None:
            return True
        where = self.courier.channel(digest.channel)
        since = self.delivery.first_at or self.delivery.created_at
        found, ts = self.courier.slack.find_posted(self.delivery.id, where, None, since)
        # posted twice it is a nuisance, not at all it hides cases
        return self._shown(where, ts, "") if found is Found.YES else True

    def gave_up(self, error: str, remedy: str, code: str = "", /) -> AnyDigestReceipt:
        lost = surface_trouble(code) == "message"
        return DigestRefused(
            digest=self.digest.key,
            delivery=self.delivery.id,
            lost="message" if lost else "all",
            error=error,
            remedy=remedy,
        )

    def parked(self, error: str, look_at: str = "") -> AnyDigestReceipt:
        return self.gave_up(error, look_at)

    def _shown(self, channel_id: str, ts: str, shown: str) -> DigestShown:
        return DigestShown(
            digest=self.digest.key,
            delivery=self.delivery.id,
            channel_id=channel_id,
            ts=ts,
            shown=shown,
            over=self.over,
        )


def digest_parcel(courier: OfficeCourier, delivery: ClaimedDelivery, effect: DigestShow) -> DigestParcel | None:
    """None when there is no such digest."""
    engine = courier.engine
    with engine.store.reading() as reader:
        digest = reader.digest(effect.digest)
        cases = reader.listed_cases(digest) if digest else []
    return DigestParcel(courier, delivery, digest, cases) if digest else None
