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
_SHOWN_DATA = ("role", "to_role", "category", "then", "draft_version", "channel", "remedy")


def history_view(case: Case, events: Sequence[Mapping[str, Any]], around: Surroundings | None = None) -> Json:
    """`events` oldest first, each with type, actor, at (datetime, ISO text or Unix seconds), reason, data."""
    around = around or Surroundings(people=People())
    blocks: list[Json] = [context(plain(f"{case_and_ticket(case)} · {counted(len(events), 'event')}"))]
    for event in list(reversed(events))[:SHOWN]:
        blocks.append(_entry(event, around))
    if len(events) > SHOWN:
        blocks.append(context(plain(f"and {counted(len(events) - SHOWN, 'earlier event')} in the audit log")))
    return {"type": "modal", "title": plain("History"), "close": plain("Close"), "blocks": blocks}


def _entry(event: Mapping[str, Any], around: Surroundings) -> Json:
    data = event.get("data") or {}
    said = _CAMEL.sub(" ", str(event.get("type", "event")))
    parts = [one_line(said[:1] + said[1:].lower(), 60), around.name(str(event.get("actor", "")))]
    parts += [f"{key.replace('_', ' ')} {one_line(str(data[key]), 60)}" for key in _SHOWN_DATA if data.get(key)]
    if request_hash := str(event.get("request_hash", "")):
        parts.append(one_line(short_hash(request_hash), 12))
    if reason := one_line(str(event.get("reason", "")), 300):
        parts.append(reason)
    at = _moment(event.get("at"))
    return context(*([mrkdwn(when(at))] if at else []), plain(" · ".join(parts)))


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
