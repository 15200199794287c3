"""Slack as a destination: packets, threads, direct messages, and what answers one person at once."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from app.core.change import UPDATES
from app.ports.errors import Found, GiveUp, RetryLater, SendResult
from app.ports.http import HttpDestination
from app.ports.pace import Pace
from app.ports.slack_errors import call

Block = Mapping[str, Any]
Blocks = Sequence[Block]

TIMEOUT = 10  # seconds; the SDK knows only one
DELIVERY_EVENT = "countersign_delivery"
MARKER = "delivery"
# Slack's clock and ours differ; the marker is exact, so reaching back costs nothing but lines.
LOOK_BACK = timedelta(minutes=5)
PAGE = 200
MOST_PAGES = 10
MOST_DIRECTS = 10_000

# The SDK writes whole requests at DEBUG and the start of unreadable answers at ERROR; faults are ours to report.
_sdk_log = logging.getLogger("countersign.slack_sdk")
_sdk_log.setLevel(logging.CRITICAL)


def slack_client(
    token: str, base_url: str = WebClient.BASE_URL, *, proxy: str | None = None, timeout: int = TIMEOUT
) -> WebClient:
    """A client that never retries by itself: a repeated chat.postMessage would be a second message (DL2)."""
    return WebClient(
        token=token,
        base_url=f"{base_url.rstrip('/')}/",
        timeout=timeout,
        retry_handlers=[],
        logger=_sdk_log,
        proxy=proxy,
    )


class SlackPort:
    """Every method may raise RetryLater, GiveUp (its `code` is Slack's) or, where it posts, Ambiguous."""

    idempotent = frozenset({"PacketUpdate"})

    def __init__(
        self,
        client: WebClient,
        *,
        monotonic: Callable[[], float] = time.monotonic,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        if client.retry_handlers:
            raise ValueError("the Slack client must not retry by itself: build it with slack_client()")
        self._client = client
        self._pace = Pace(monotonic)
        self._directs: dict[str, str] = {}
        self._respond = HttpDestination(
            "Slack's response_url", url_setting="the button's response_url", transport=transport
        )

    # --- deliveries ----------------------------------------------------------------------------------------------

    def ready_at(self, channel: str) -> float:
        """When `channel` (or, for a direct message, the user) takes its next message, on the monotonic clock."""
        return self._pace.ready_at(channel)

    def post(
        self,
        delivery_id: str,
        channel: str,
        text: str,
        blocks: Blocks,
        metadata: Mapping[str, Any] | None,
        thread_ts: str | None = None,
    ) -> SendResult:
        """A message, or a reply in a thread, whose metadata carries the marker. RetryLater if asked too soon."""
        return self._post(delivery_id, channel, channel, text, blocks, metadata, thread_ts)

    def direct(
        self,
        delivery_id: str,
        user: str,
        text: str,
        blocks: Blocks,
        metadata: Mapping[str, Any] | None = None,
    ) -> SendResult:
        channel = self.direct_channel(user)
        return self._post(delivery_id, user, channel, text, blocks, metadata, None)

    def update(
        self, channel: str, ts: str, text: str, blocks: Blocks, metadata: Mapping[str, Any] | None
    ) -> SendResult:
        """Shows the same twice at worst: it may be repeated."""
        shown: dict[str, Any] = {"metadata": dict(metadata)} if metadata else {}
        try:
            call(
                self._client.chat_update,
                repeatable=True,
                channel=channel,
                ts=ts,
                text=text,
                blocks=list(blocks),
                **shown,
            )
        except RetryLater as exc:
            if exc.after:  # the others wait too: none of them would be let through
                self._pace.hold(UPDATES, exc.after)
            raise
        return SendResult(remote_id=ts, channel_id=channel, ts=ts)

    def find_posted(
        self, delivery_id: str, channel_id: str, thread_ts: str | None, oldest: datetime
    ) -> tuple[Found, str]:
        """Whether a delivery's marker stands in a channel or thread since `oldest`, and at which ts.

        Ask no sooner than the time-out after the attempt: a request may still be on its way. RetryLater when Slack
        cannot be asked now.
        """
        method = self._client.conversations_replies if thread_ts else self._client.conversations_history
        arguments: dict[str, Any] = {
            "channel": channel_id,
            "oldest": f"{(oldest - LOOK_BACK).timestamp():.6f}",
            "include_all_metadata": True,
            "limit": PAGE,
        }
        if thread_ts:
            arguments["ts"] = thread_ts
        try:
            for _ in range(MOST_PAGES):
                page = call(method, repeatable=True, **arguments)
                for message in page.get("messages") or ():
                    if _marker(message) == delivery_id:
                        return Found.YES, str(message.get("ts", ""))
                cursor = _cursor(page)
                if not cursor:
                    return (Found.UNKNOWN if page.get("has_more") else Found.NO), ""
                arguments["cursor"] = cursor
        except GiveUp:
            pass  # what cannot be read proves nothing
        return Found.UNKNOWN, ""

    def find_direct(self, delivery_id: str, user: str, oldest: datetime) -> tuple[Found, str]:
        """`find_posted` in the direct messages with `user`."""
        try:
            channel = self.direct_channel(user)
        except GiveUp:
            return Found.UNKNOWN, ""
        return self.find_posted(delivery_id, channel, None, oldest)

    # --- answers to one person, at once --------------------------------------------------------------------------

    def open_view(self, trigger_id: str, view: Mapping[str, Any]) -> str:
        """The id of the opened modal. A trigger lives 3 seconds and works once."""
        opened = call(self._client.views_open, repeatable=False, trigger_id=trigger_id, view=dict(view))
        return str((opened.get("view") or {}).get("id", ""))

    def update_view(self, view_id: str, view: Mapping[str, Any]) -> None:
        call(self._client.views_update, repeatable=True, view_id=view_id, view=dict(view))

    def ephemeral(self, channel: str, user: str, text: str, blocks: Blocks, thread_ts: str | None = None) -> None:
        call(
            self._client.chat_postEphemeral,
            repeatable=False,
            channel=channel,
            user=user,
            text=text,
            blocks=list(blocks),
            **({"thread_ts": thread_ts} if thread_ts else {}),
        )

    def respond(self, response_url: str, text: str, blocks: Blocks = (), thread_ts: str = "") -> None:
        """Privately to who clicked. The URL lives 30 minutes and works 5 times; GiveUp after that."""
        message = {
            "response_type": "ephemeral",
            "replace_original": False,
            "text": text,
            **({"blocks": list(blocks)} if blocks else {}),
            **({"thread_ts": thread_ts} if thread_ts else {}),
        }
        self._respond.request("POST", response_url, json=message)

    def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        call(self._client.views_publish, repeatable=True, user_id=user, view=dict(view))

    def permalink(self, channel_id: str, ts: str) -> str:
        found = call(self._client.chat_getPermalink, repeatable=True, channel=channel_id, message_ts=ts)
        return str(found.get("permalink", ""))

    def close(self) -> None:
        self._respond.close()

    # --- within --------------------------------------------------------------------------------------------------

    def _post(
        self,
        delivery_id: str,
        pace_key: str,
        channel: str,
        text: str,
        blocks: Blocks,
        metadata: Mapping[str, Any] | None,
        thread_ts: str | None,
    ) -> SendResult:
        wait = self._pace.claim(pace_key)
        if wait:
            raise RetryLater("the channel takes one message a second", after=wait, code="paced")
        try:
            posted = call(
                self._client.chat_postMessage,
                repeatable=False,
                look_at=f"{'the thread in ' if thread_ts else ''}Slack channel {channel}, for delivery {delivery_id}",
                channel=channel,
                text=text,
                blocks=list(blocks),
                metadata=_marked(metadata, delivery_id),
                unfurl_links=False,
                unfurl_media=False,
                **({"thread_ts": thread_ts} if thread_ts else {}),
            )
        except RetryLater as exc:
            if exc.after:
                self._pace.hold(pace_key, exc.after)
            raise
        finally:
            # From the answer on, not from the request: Slack counts what arrives.
            self._pace.hold(pace_key)
        ts = str(posted.get("ts", ""))
        return SendResult(remote_id=ts, channel_id=str(posted.get("channel", channel)), ts=ts)

    def direct_channel(self, user: str) -> str:
        """The id of the direct conversation with `user`. Raises RetryLater or GiveUp."""
        known = self._directs.get(user)
        if known:
            return known
        opened = call(self._client.conversations_open, repeatable=True, users=user)
        channel = str((opened.get("channel") or {}).get("id", ""))
        if not channel:
            raise RetryLater("Slack opened no direct message", code="no_channel")
        if len(self._directs) >= MOST_DIRECTS:
            self._directs.clear()
        self._directs[user] = channel
        return channel


def _marked(metadata: Mapping[str, Any] | None, delivery_id: str) -> dict[str, Any]:
    given = metadata or {}
    payload = {**(given.get("event_payload") or {}), MARKER: delivery_id}
    return {"event_type": given.get("event_type") or DELIVERY_EVENT, "event_payload": payload}


def _marker(message: Mapping[str, Any]) -> str:
    metadata = message.get("metadata")
    payload = metadata.get("event_payload") if isinstance(metadata, Mapping) else None
    return str(payload.get(MARKER, "")) if isinstance(payload, Mapping) else ""


def _cursor(page: SlackResponse) -> str:
    return str((page.get("response_metadata") or {}).get("next_cursor") or "")
