"""The helpdesk's end of the generic webhook: what customers really received."""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from .config import SandboxConfig
from .faults import Faults
from .model import Json
from .standard_webhooks import refusal
from .web_api import cut_line, hang

_HASH = re.compile(r"[0-9a-f]{64}")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})")
KINDS = ("reply", "holding", "note")
_REPLY = ("case_id", "ticket_id", "text", "kind", "public", "request_hash")
_FIELDS = ("case_id", "ticket_id", "fields", "tags")


@dataclass(frozen=True)
class HelpdeskDelivery:
    """One accepted delivery. `at` is the workspace clock; `id` the webhook-id, the same across retries."""

    id: str
    type: str
    at: float
    case_id: str
    ticket_id: str
    text: str | None = None
    kind: str | None = None
    public: bool | None = None
    request_hash: str | None = None
    fields: dict[str, Any] | None = None
    tags: list[str] | None = None

    def as_json(self) -> Json:
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Invalid(Exception):
    """A body the helpdesk does not take, naming the field."""

    field: str
    reason: str


def _keys(value: Any, wanted: tuple[str, ...], where: str) -> Json:
    if not isinstance(value, dict):
        raise Invalid(where or "body", "must be an object")
    prefix = f"{where}." if where else ""
    for key in wanted:
        if key not in value:
            raise Invalid(prefix + key, "missing field")
    for key in value:
        if key not in wanted:
            raise Invalid(prefix + str(key), "unknown field")
    return value


def _text(data: Json, key: str) -> str:
    value = data[key]
    if not isinstance(value, str) or not value:
        raise Invalid(f"data.{key}", "must be a non-empty string")
    return value


def _reply(data: Json) -> Json:
    kind, public = data["kind"], data["public"]
    if kind not in KINDS:
        raise Invalid("data.kind", f"must be one of {', '.join(KINDS)}")
    if not isinstance(public, bool):
        raise Invalid("data.public", "must be true or false")
    if kind == "note" and public:
        raise Invalid("data.public", "a note is never public")
    if kind != "note" and not public:
        raise Invalid("data.public", f"a {kind} is always public")
    request_hash = data["request_hash"]
    if request_hash is None and kind != "reply":
        return {"text": _text(data, "text"), "kind": kind, "public": public}
    if not isinstance(request_hash, str) or not _HASH.fullmatch(request_hash):
        raise Invalid("data.request_hash", "must be 64 lower-case hex digits")
    return {"text": _text(data, "text"), "kind": kind, "public": public, "request_hash": request_hash}


def _ticket_fields(data: Json) -> Json:
    fields, tags = data["fields"], data["tags"]
    if not isinstance(fields, dict):
        raise Invalid("data.fields", "must be an object")
    for key, value in fields.items():
        if value is not None and not isinstance(value, str | int | float | bool):
            raise Invalid(f"data.fields.{key}", "must be a string, number, boolean or null")
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise Invalid("data.tags", "must be a list of strings")
    return {"fields": fields, "tags": tags}


def parse(body: bytes, message_id: str, at: float) -> HelpdeskDelivery:
    """The delivery in a verified body; Invalid names the first wrong field."""
    try:
        outer = _keys(json.loads(body), ("type", "timestamp", "data"), "")
    except ValueError:
        raise Invalid("body", "must be JSON") from None
    if not isinstance(outer["timestamp"], str) or not _ISO.fullmatch(outer["timestamp"]):
        raise Invalid("timestamp", "must be ISO 8601 with a zone")
    if outer["type"] == "reply.send":
        data = _keys(outer["data"], _REPLY, "data")
        rest = _reply(data)
    elif outer["type"] == "ticket.fields":
        data = _keys(outer["data"], _FIELDS, "data")
        rest = _ticket_fields(data)
    else:
        raise Invalid("type", "must be reply.send or ticket.fields")
    case_id, ticket_id = _text(data, "case_id"), _text(data, "ticket_id")
    return HelpdeskDelivery(message_id, outer["type"], at, case_id, ticket_id, **rest)


@dataclass
class Helpdesk:
    """`received` in order of acceptance; `repeats` are ids it dropped; `refused` is (status, reason)."""

    config: SandboxConfig
    faults: Faults
    changed: Callable[[], None] = lambda: None
    received: list[HelpdeskDelivery] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    _ids: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def replies(self, ticket_id: str | None = None) -> list[HelpdeskDelivery]:
        """What the customer saw, of one ticket or of all."""
        return [d for d in self.received if d.public and ticket_id in (None, d.ticket_id)]

    def _refuse(self, status: int, reason: str, **extra: str) -> Response:
        with self._lock:
            self.refused.append((status, reason))
        self.changed()
        return JSONResponse({"error": reason, **extra}, status)

    def _accept(self, body: bytes, message_id: str) -> Response:
        try:
            delivery = parse(body, message_id, self.config.now())
        except Invalid as error:
            return self._refuse(422, f"{error.field}: {error.reason}", field=error.field)
        with self._lock:
            known = message_id in self._ids
            self._ids.add(message_id)
            (self.repeats.append(message_id) if known else self.received.append(delivery))
        self.changed()
        return JSONResponse({"status": "duplicate" if known else "accepted"})

    async def webhook(self, request: Request) -> Response:
        faults, stall = self.faults, self.config.stall_seconds
        if faults.take("helpdesk_down"):
            return PlainTextResponse("Service Unavailable", 503)
        if faults.take("helpdesk_500"):
            return JSONResponse({"error": "internal error"}, 500)
        if faults.take("helpdesk_429"):
            return JSONResponse({"error": "too many requests"}, 429, {"Retry-After": "1"})
        if faults.take("helpdesk_timeout_before"):
            await hang(request, stall)
            return PlainTextResponse("Gateway Timeout", 504)
        body = await request.body()
        clocks = (time.time(), self.config.now())
        problem = refusal(self.config.helpdesk_secret, request.headers, body, clocks)
        if problem:
            return self._refuse(401, problem)
        response = self._accept(body, request.headers["webhook-id"])
        struck = response.status_code == 200 and faults.take("helpdesk_timeout_after")
        if struck == "drop":
            return await cut_line(request)
        if struck:
            await hang(request, stall)
            return PlainTextResponse("Gateway Timeout", 504)
        return response
