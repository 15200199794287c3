"""POST /slack/events: verify first, parse later. A forged request must cost us one HMAC and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from slack_bolt import App, BoltRequest
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

MOST_BYTES = 1_048_576
MOST_DIGITS = 15  # of a timestamp


class _Typed(msgspec.Struct):
    type: str


class _Event(msgspec.Struct):
    type: str
    event: _Typed | None = None


class _Interaction(msgspec.Struct):
    type: str
    user: dict[str, Any] = {}
    actions: Annotated[list[dict[str, Any]], msgspec.Meta(min_length=1)] | None = None
    view: _Typed | None = None


def _readable(body: bytes, kind: str) -> bool:
    """Whether Bolt can take it: it relies on the shape of whatever Slack signed."""
    try:
        if kind.startswith("application/json") or body.startswith(b"{"):
            msgspec.json.decode(body, type=_Event)
        elif (payload := dict(parse_qsl(body.decode())).get("payload")) is not None:
            msgspec.json.decode(payload, type=_Interaction)
    except (msgspec.DecodeError, ValueError, RecursionError):
        return False
    return True


class _WallClock(Clock):
    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    def now(self) -> float:
        return self._now()


class SlackEndpoint:
    """ASGI-side handler in front of Bolt; `now` is the wall clock, since Slack signs with it."""

    def __init__(self, app: App, signing_secret: str, now: Callable[[], float] = time.time) -> None:
        self._app = app
        self._verifier = SignatureVerifier(signing_secret, _WallClock(now))
        self._usable = bool(signing_secret)

    def _genuine(self, body: bytes, timestamp: str, signature: str) -> bool:
        readable = timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= MOST_DIGITS and signature.isascii()
        try:
            return self._usable and readable and self._verifier.is_valid(body, timestamp, signature)
        except UnicodeDecodeError:  # Slack signs text
            return False

    async def __call__(self, request: Request) -> Response:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > MOST_BYTES:
                return Response("too large", 413)
        headers = request.headers
        timestamp = headers.get("x-slack-request-timestamp", "")
        signature = headers.get("x-slack-signature", "")
        if not self._genuine(bytes(body), timestamp, signature):
            return Response("invalid signature", 401)
        if not _readable(bytes(body), headers.get("content-type", "")):
            return Response("unreadable", 400)
        bolt_request = BoltRequest(body=body.decode("utf-8", "replace"), headers=dict(headers.items()))
        answer = await run_in_threadpool(self._app.dispatch, bolt_request)
        return Response(answer.body, answer.status, {k: v[0] for k, v in answer.headers.items() if v})
