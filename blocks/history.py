"""The history of a case as a modal: who did what, when, and why, newest first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from app.core.case import Case
from app.core.people import People
from blocks.kit import Json, context, mrkdwn, plain
from blocks.surface import Surroundings
from blocks.text import counted, one_line, when
from blocks.words import case_and_ticket, short_hash

SHOWN = 45
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
# What an event may show of its data; texts of drafts are not among it, withheld ones least of all.
_SHOWN_DATA = (
    "view",
    "rules",
    "intent",
    "tier",
    "role",
    "to_role",
    "category",
    "then",
    "draft_version",
    "channel",
    "remedy",
    "taken_from",
    "instead_of",
    "of",
    "to",
)
_WHOSE = {"instead_of": "for", "of": "from", "to": "to"}
# Receipts of the machinery: here they would bury what people did; the audit log has them all.
_PLUMBING = frozenset({"PacketUpdated", "DeliverySucceeded"})


def history_view(case: Case, events: Sequence[Mapping[str, Any]], around: Surroundings | None = None) -> Json:
    """`events` oldest first, each with type, actor, at (datetime, ISO text or Unix seconds), reason, data."""
    around = around or Surroundings(people=People())
    told = [event for event in reversed(events) if event.get("type") not in _PLUMBING]
    blocks: list[Json] = [context(plain(f"{case_and_ticket(case)} · {counted(len(told), 'event')}, newest first"))]
    for event in told[:SHOWN]:
        blocks.append(_entry(event, around))
    if len(told) > SHOWN:
        blocks.append(context(plain(f"and {counted(len(told) - SHOWN, 'earlier event')} in the audit log")))
    return {"type": "modal", "title": plain("History"), "close": plain("Close"), "blocks": blocks}


def _entry(event: Mapping[str, Any], around: Surroundings) -> Json:
    data = event.get("data") or {}
    said = _CAMEL.sub(" ", str(event.get("type", "event")))
    parts = [one_line(said[:1] + said[1:].lower(), 60), around.name(str(event.get("actor", "")))]
    parts += [_fact(key, _spoken(data[key]), around) for key in _SHOWN_DATA if data.get(key)]
    if request_hash := str(event.get("request_hash", "")):
        parts.append(one_line(short_hash(request_hash), 12))
    if reason := one_line(str(event.get("reason", "")), 300):
        parts.append(reason)
    at = _moment(event.get("at"))
    return context(*([mrkdwn(when(at))] if at else []), plain(" · ".join(parts)))


def _spoken(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def _fact(key: str, value: str, around: Surroundings) -> str:
    if key in ("role", "to_role"):
        return around.role(value)
    if key == "taken_from":
        return f"taken over from {around.name(value)}"
    if key in _WHOSE:
        return f"{_WHOSE[key]} {around.name(value)}"
    words = one_line(value.replace("_", " ") if key in ("view", "category", "then", "intent") else value, 60)
    return words if key == "view" else f"{key.replace('_', ' ')} {words}"


def _moment(value: object) -> datetime | None:
    if isinstance(value, datetime):
        return value
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    try:
        at = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
