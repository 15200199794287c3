"""What is alive in a message: which mentions ping and which links click, as Slack's parser sees it."""

import re
from collections.abc import Iterator
from typing import Any

from .model import Content, Json

_BROADCAST = re.compile(r"<!(channel|here|everyone)(?:\|[^<>]*)?>")
_USER = re.compile(r"<@([UWB][A-Z0-9_]*)(?:\|[^<>]*)?>")
_GROUP = re.compile(r"<!subteam\^(S[A-Z0-9_]*)(?:\|[^<>]*)?>")
_LINK = re.compile(r"<((?:https?://|mailto:|slack://)[^<>|]*)(?:\|([^<>]*))?>")
_BARE = re.compile(r"(?<![\w<!@.])@(channel|here|everyone|[a-z0-9][a-z0-9._-]*)\b")
_RICH_MENTION = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range"}


def mrkdwn_pings(text: str) -> list[str]:
    """Ids that a mrkdwn string notifies, in order of appearance, without repeats."""
    found = [(m.start(), m.group(1)) for regex in (_BROADCAST, _USER, _GROUP) for m in regex.finditer(text)]
    return list(dict.fromkeys(name for _, name in sorted(found)))


def mrkdwn_links(text: str) -> list[tuple[str, str]]:
    """(url, shown text) of each live link in a mrkdwn string."""
    return [(m.group(1), m.group(2) or m.group(1)) for m in _LINK.finditer(text)]


def bare_mentions(text: str, groups: dict[str, str]) -> list[str]:
    """Plain `@channel` and `@group-handle` words, which ping only where link_names or parse=full is on."""
    names = [m.group(1) for m in _BARE.finditer(text)]
    special = {"channel", "here", "everyone"}
    return [name if name in special else groups[name] for name in names if name in special or name in groups]


def mrkdwn_strings(node: Any) -> Iterator[str]:
    """Every string inside blocks or attachments that Slack parses as mrkdwn."""
    if isinstance(node, list):
        for item in node:
            yield from mrkdwn_strings(item)
    elif isinstance(node, dict):
        if node.get("type") in ("mrkdwn", "markdown") and isinstance(node.get("text"), str):
            yield node["text"]
            return
        for value in node.values():
            yield from mrkdwn_strings(value)


def _rich_nodes(node: Any) -> Iterator[Json]:
    if isinstance(node, list):
        for item in node:
            yield from _rich_nodes(item)
    elif isinstance(node, dict):
        if node.get("type") in (*_RICH_MENTION, "link"):
            yield node
        for value in node.values():
            yield from _rich_nodes(value)


def _rich_text(blocks: list[Json]) -> Iterator[Json]:
    for block in blocks:
        if block.get("type") == "rich_text":
            yield from _rich_nodes(block.get("elements", []))


def enliven(
    text: str,
    blocks: list[Json],
    attachments: list[Json],
    metadata: Json | None,
    *,
    names: dict[str, str] | None = None,
) -> Content:
    """The content with its pings and links found; `names` (handle to group id) turns bare @mentions on."""
    strings = [text, *mrkdwn_strings(blocks), *mrkdwn_strings(attachments)]
    strings += [str(a[key]) for a in attachments for key in ("text", "pretext") if key in a]
    pings: list[str] = []
    links: list[tuple[str, str]] = []
    for string in strings:
        pings += mrkdwn_pings(string)
        links += mrkdwn_links(string)
    if names is not None:
        pings += bare_mentions(text, names)
    for node in _rich_text(blocks):
        if node["type"] == "link":
            links.append((str(node.get("url", "")), str(node.get("text") or node.get("url", ""))))
        else:
            pings.append(str(node.get(_RICH_MENTION[node["type"]], "")))
    return Content(text, blocks, attachments, metadata, list(dict.fromkeys(pings)), links)
