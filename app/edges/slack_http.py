"""POST /slack/events: verify first, parse later. A forged request must cost us one HMAC and nothing else."""

from __future__ import annotations

import time
from collections.abc import Callable

from slack_bolt import App, BoltRequest
from slack_sdk.signature import Clock, SignatureVerifier
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

MOST_BYTES = 1_048_576


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
        readable = timestamp.isascii() and timestamp.isdigit() and signature.isascii()
        return self._usable and readable and self._verifier.is_valid(body, timestamp, signature)

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
        bolt_request = BoltRequest(body=body.decode("utf-8", "replace"), headers=dict(headers.items()))
        answer = await run_in_threadpool(self._app.dispatch, bolt_request)
        return Response(answer.body, answer.status, {k: v[0] for k, v in answer.headers.items() if v})
