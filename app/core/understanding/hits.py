"""A stretch of a customer's text that says one thing, and the text as it stands with such stretches taken out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

# Belongs to no word and no number, so nothing is read across it.
TAKEN = "\ufffc"


class Hit(NamedTuple):
    """`value` is normalised; the words as written are `text[start:end]`."""

    start: int
    end: int
    value: str


def without(text: str, hits: Iterable[Hit]) -> str:
    """The text at its full length, with what was read already out of the way."""
    for hit in hits:
        text = text[: hit.start] + TAKEN * (hit.end - hit.start) + text[hit.end :]
    return text
