"""`/api/{method}`: authentication, scopes, limits and faults around the methods."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from . import api_chat, api_reads, api_views
from .api_args import Args, Context, Method
from .model import Json, SlackError
from .serving import CUT

METHODS: dict[str, Method] = {**api_chat.METHODS, **api_reads.METHODS, **api_views.METHODS}
_CONNECT = "apps.connections.open"


async def cut_line(request: Request) -> Response:
    """No answer at all: the connection closes. Served by other means than `run`, a gateway's time-out instead."""
    if cut := request.scope.get(CUT):
        cut()
    return PlainTextResponse("Gateway Timeout", 504)


async def hang(request: Request, seconds: float) -> None:
    """Say nothing for that long, or until the caller gives up."""
    waited = 0.0
    while waited < seconds and not await request.is_disconnected():
        await asyncio.sleep(0.05)
        waited += 0.05


class WebApi:
    """Answers Web API calls; `call` is the whole of it without HTTP."""

    def __init__(self, context: Context, connect: Callable[[str], str]) -> None:
        self.context = context
        self._connect = connect
        self.log: list[tuple[str, Json, Json]] = []

    def call(self, name: str, values: Json, token: str | None, base_url: str = "") -> Json:
        """The `ok` answer of a method; SlackError for every refusal."""
        config = self.context.config
        if not token:
            raise SlackError("not_authed")
        if token not in (config.bot_token, config.app_token):
            raise SlackError("invalid_auth")
        if name == _CONNECT:
            if token != config.app_token:
                raise SlackError("not_allowed_token_type")
            return {"ok": True, "url": self._connect(base_url)}
        method = METHODS.get(name)
        if method is None:
            raise SlackError("unknown_method", req_method=name)
        if token != config.bot_token:
            raise SlackError("not_allowed_token_type")
        self._limit(name, method)
        context = replace(self.context, base_url=base_url)
        context.require(*method.scopes)
        return {"ok": True, **method.handle(context, Args(values))}

    def _limit(self, name: str, method: Method) -> None:
        mode = self.context.faults.get("slack_rate_limit")
        if mode == "always":
            raise SlackError("ratelimited", 429, {"Retry-After": "1"})
        if mode == "strict" and self.context.config.rate_tiers:
            wait = self.context.buckets.take(f"tier:{name}", method.per_minute / 60, method.per_minute)
            if wait:
                raise SlackError("ratelimited", 429, {"Retry-After": str(wait)})

    def answer(self, name: str, values: Json, token: str | None, base_url: str) -> Response:
        """`call` as an HTTP answer, logged."""
        headers = {"x-slack-req-id": uuid4().hex, "x-oauth-scopes": ",".join(self.context.config.scopes)}
        try:
            body = self.call(name, values, token, base_url)
            status = 200
        except SlackError as error:
            body, status = error.body(), error.status
            headers |= error.headers
        self._remember(name, values, body)
        return JSONResponse(body, status, headers)

    def _remember(self, name: str, values: Json, body: Json) -> None:
        """Keep the last calls, without tokens, for tests and the curious."""
        self.log.append((name, {k: v for k, v in values.items() if k != "token"}, body))
        del self.log[:-1000]

    async def endpoint(self, request: Request) -> Response:
        faults = self.context.faults
        name = request.path_params["method"]
        slow = faults.get("slack_slow_ms")
        if slow:
            await asyncio.sleep(float(slow) / 1000)
        if faults.take("slack_down"):
            return PlainTextResponse("Service Unavailable", 503)
        if faults.take("slack_500"):
            return JSONResponse({"ok": False, "error": "internal_error"}, 500)
        try:
            values, token = await read_call(request)
        except ValueError:
            return JSONResponse({"ok": False, "error": "invalid_json"})
        stall = self.context.config.stall_seconds
        if name.startswith("chat.") and faults.take("slack_timeout_before"):
            await hang(request, stall)
            return PlainTextResponse("Gateway Timeout", 504)
        response = self.answer(name, values, token, base_url_of(request))
        struck = name.startswith("chat.") and response.status_code == 200 and faults.take("slack_timeout_after")
        if struck == "drop":
            return await cut_line(request)
        if struck:
            await hang(request, stall)
            return PlainTextResponse("Gateway Timeout", 504)
        return response


def base_url_of(request: Request) -> str:
    """This server as the caller reached it, without a trailing slash."""
    return f"{request.url.scheme}://{request.url.netloc}"


async def read_call(request: Request) -> tuple[Json, str | None]:
    """(arguments, token) of a Web API request, however it was encoded; ValueError for unreadable JSON."""
    values: dict[str, Any] = dict(request.query_params)
    if request.method == "POST":
        kind = request.headers.get("content-type", "")
        if kind.startswith("application/json"):
            raw = await request.body()
            parsed = json.loads(raw) if raw else {}
            if not isinstance(parsed, dict):
                raise ValueError("not an object")
            values |= parsed
        else:
            raw = await request.body()
            values |= dict(parse_qsl(raw.decode(), keep_blank_values=True))
    header = request.headers.get("authorization", "")
    token = header.removeprefix("Bearer ").strip() if header.startswith("Bearer ") else None
    return values, token or values.get("token")
