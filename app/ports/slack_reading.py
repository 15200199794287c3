"""What Slack shows of our messages, read back: the only proof that people see what they should (SL2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from slack_sdk import WebClient

from app.ports.errors import GiveUp
from app.ports.slack_errors import CHANNEL_LOST, call

PAGE = 200
DIGEST = "digest"  # in a packet's metadata: which state of the case Slack shows
CASE_EVENT = "countersign_case"
OURS = (CASE_EVENT, "countersign_digest")  # metadata of what we keep true


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """One message that is there. `digest` is empty where it is no packet or digest of ours."""

    ts: str
    digest: str = ""


class Stretch(msgspec.Struct, frozen=True, kw_only=True):
    """All that stands in a channel after `since` and before the time it was asked for, the newest first."""

    messages: tuple[Shown, ...]
    since: str
    more: bool  # before `since` there is more of what was asked for


class SlackReader:
    """Every method is one request; each may raise RetryLater or GiveUp (its `code` is Slack's)."""

    def __init__(self, client: WebClient) -> None:
        self._client = client

    def trouble(self, channel_id: str) -> str:
        """Why nothing can be posted in a channel, in Slack's own word; empty where it can."""
        try:
            answer = call(self._client.conversations_info, repeatable=True, channel=channel_id)
        except GiveUp as refused:
            if refused.code in CHANNEL_LOST:
                return refused.code
            raise
        channel = answer.get("channel") or {}
        if channel.get("is_archived"):
            return "is_archived"
        joined = channel.get("is_im") or channel.get("is_member", True)
        return "" if joined else "not_in_channel"

    def stretch(self, channel_id: str, oldest: str, latest: str) -> Stretch:
        """Top-level messages with `oldest` <= ts < `latest`, as many of the newest as one page holds."""
        page = call(
            self._client.conversations_history,
            repeatable=True,
            channel=channel_id,
            oldest=_just_before(oldest),
            latest=latest,
            include_all_metadata=True,
            limit=PAGE,
        )
        found = tuple(_shown(m) for m in page.get("messages") or () if m.get("subtype") != "tombstone")
        all_ts = [str(m.get("ts") or "") for m in page.get("messages") or ()]
        more = bool(page.get("has_more")) and bool(all_ts)
        return Stretch(messages=found, since=min(all_ts, key=float) if more else oldest, more=more)

    def reply(self, channel_id: str, thread_ts: str, ts: str) -> Shown | None:
        """One message of a thread; None where it is not there, or the thread is not."""
        try:
            page = call(
                self._client.conversations_replies,
                repeatable=True,
                channel=channel_id,
                ts=thread_ts,
                oldest=ts,
                latest=ts,
                inclusive=True,
                include_all_metadata=True,
                limit=10,
            )
        except GiveUp as refused:
            if refused.code in ("thread_not_found", "message_not_found"):
                return None
            raise
        return next((_shown(m) for m in page.get("messages") or () if m.get("ts") == ts), None)


def _just_before(ts: str) -> str:
    """Slack leaves the ends out; a message's ts has six decimals."""
    seconds, _, micros = ts.partition(".")
    whole = int(seconds or 0) * 1_000_000 + int(micros or 0) - 1
    return f"{max(whole, 0) // 1_000_000}.{max(whole, 0) % 1_000_000:06d}"


def _shown(message: Mapping[str, Any]) -> Shown:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") if metadata.get("event_type") in OURS else None
    digest = payload.get(DIGEST) if isinstance(payload, Mapping) else None
    return Shown(ts=str(message.get("ts") or ""), digest=str(digest or ""))
