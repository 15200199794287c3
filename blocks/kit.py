"""Block Kit as plain dicts. What comes from outside goes into `plain` or `literal`; `mrkdwn` is for our own words."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from blocks.text import chunks, one_line, safe_url, showable, utc

Json = dict[str, Any]

MAX_SECTION = 3_000
MAX_HEADER = 150


def plain(text: str) -> Json:
    """A literal: Slack reads no mention, link, formatting or emoji code in it."""
    return {"type": "plain_text", "text": text or "–", "emoji": False}


def mrkdwn(text: str) -> Json:
    """Our own words only."""
    return {"type": "mrkdwn", "text": text}


def header(text: str) -> Json:
    return {"type": "header", "text": plain(one_line(text, MAX_HEADER))}


def divider() -> Json:
    return {"type": "divider"}


def context(*elements: Json) -> Json:
    return {"type": "context", "elements": list(elements)}


def section(text: Json, **more: Any) -> Json:
    return {"type": "section", "text": text, **more}


def literal_sections(text: str) -> list[Json]:
    """The whole text, word for word, never folded behind "see more": what is approved is shown."""
    return [section(plain(piece), expand=True) for piece in chunks(text, MAX_SECTION)]


def button(label: str, action_id: str, value: str, *, style: str = "", confirm: Json | None = None) -> Json:
    made: Json = {"type": "button", "text": plain(label), "action_id": action_id, "value": value}
    if style:
        made["style"] = style
    if confirm:
        made["confirm"] = confirm
    return made


def url_button(label: str, action_id: str, url: str) -> Json:
    return {"type": "button", "text": plain(label), "action_id": action_id, "url": url}


def fields(pairs: Iterable[tuple[str, str]]) -> list[Json]:
    """`Label: value` pairs, two beside each other where there is room; ten to a block."""
    made = [plain(f"{one_line(label, 60)}: {one_line(value, 200)}") for label, value in pairs if value]
    return [{"type": "section", "fields": made[i : i + 10]} for i in range(0, len(made), 10)]


# rich text: literal words with our own emphasis


def literal(text: str, **style: bool) -> Json:
    return {"type": "text", "text": text or " ", **({"style": style} if style else {})}


def bold(text: str) -> Json:
    return literal(text, bold=True)


def moment(at: datetime) -> Json:
    if not showable(at):
        return literal(utc(at))
    stamp = int(at.timestamp())
    return {"type": "date", "timestamp": stamp, "format": "{date_short_pretty} {time}", "fallback": utc(at)}


def link(url: str, text: str) -> Json:
    """A link whose words are ours; the words alone if the URL is not one we would open."""
    return {"type": "link", "url": url, "text": text} if safe_url(url) else literal(text)


def line(*elements: Json) -> Json:
    return {"type": "rich_text_section", "elements": list(elements)}


def quote(text: str) -> Json:
    return {"type": "rich_text_quote", "elements": [literal(text)]}


def bullets(lines: Iterable[Iterable[Json]]) -> Json:
    return {"type": "rich_text_list", "style": "bullet", "elements": [line(*one) for one in lines]}


def rich(*elements: Json) -> Json:
    return {"type": "rich_text", "elements": list(elements)}
