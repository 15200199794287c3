"""How a long draft is split over Slack messages: one rule for what is shown and for how many replies follow."""

from __future__ import annotations

import unicodedata

FIRST_PART = 6_000  # characters shown in the packet itself
NEXT_PART = 2_900  # characters in each reply of the thread


def draft_parts(text: str) -> tuple[str, ...]:
    """The text in order and complete: joined, the parts are the text. Never between a letter and its marks."""
    parts: list[str] = []
    start = 0
    while start < len(text) or not parts:
        end = min(len(text), start + (NEXT_PART if parts else FIRST_PART))
        cut = _boundary(text, start, end)
        parts.append(text[start:cut])
        start = cut
    return tuple(parts)


def _boundary(text: str, start: int, end: int) -> int:
    """The last place up to `end` where a reader would not mind a break; `end` itself when there is none nearby."""
    if end >= len(text):
        return len(text)
    for mark in ("\n", " "):
        at = text.rfind(mark, max(start + 1, end - 400), end)
        if at > start:
            return at + 1
    cut = end
    while cut > start + 1 and (unicodedata.combining(text[cut]) or text[cut] in "\u200d\ufe0f"):
        cut -= 1
    return cut
