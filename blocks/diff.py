"""What an edit changed, word by word: removed words struck through, new ones bold, long unchanged runs left out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Literal

from blocks.kit import Json, literal
from blocks.text import clip

Kind = Literal["same", "gone", "new", "skip"]
Piece = tuple[Kind, str]

_WORDS = re.compile(r"\S+[^\S\n]*|\s+")
# Comparing is quadratic at worst: beyond this many words between the common start and end, it is a rewrite.
MAX_WORDS = 700
KEEP = 40  # characters of unchanged text on either side of a change


def word_diff(before: str, after: str) -> tuple[Piece, ...]:
    """Pieces in order: without `gone` they give `after`, without `new` they give `before`; nothing is left out."""
    old, new = _WORDS.findall(before), _WORDS.findall(after)
    head = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    left, right = old[head:], new[head:]
    tail = next(
        (i for i, (a, b) in enumerate(zip(reversed(left), reversed(right), strict=False)) if a != b),
        min(len(left), len(right)),
    )
    middle_old, middle_new = left[: len(left) - tail], right[: len(right) - tail]
    pieces: list[Piece] = [("same", "".join(old[:head])), *_middle(middle_old, middle_new)]
    pieces.append(("same", "".join(left[len(left) - tail :])))
    return tuple(piece for piece in pieces if piece[1])


def _middle(old: list[str], new: list[str]) -> Iterator[Piece]:
    if max(len(old), len(new)) > MAX_WORDS:
        yield ("gone", "".join(old))
        yield ("new", "".join(new))
        return
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    for op, a, b, c, d in matcher.get_opcodes():
        if op == "equal":
            yield ("same", "".join(old[a:b]))
        else:
            yield ("gone", "".join(old[a:b]))
            yield ("new", "".join(new[c:d]))


def compact(pieces: tuple[Piece, ...], limit: int) -> tuple[Piece, ...]:
    """Changes with a little text around them, in at most about `limit` characters; `skip` marks what is left out."""
    out: list[Piece] = []
    room = limit
    for index, (kind, text) in enumerate(pieces):
        for piece in _around(text, index == 0, index == len(pieces) - 1) if kind == "same" else [(kind, text)]:
            if room <= 0:
                return (*out, ("skip", " …"))
            shown: Piece = (piece[0], clip(piece[1], max(room, 20)))
            out.append(shown)
            room -= len(shown[1])
    return tuple(out)


def _around(text: str, first: bool, last: bool) -> list[Piece]:
    start = "" if first else text[:KEEP]
    end = "" if last else text[-KEEP:]
    if len(start) + len(end) + 10 >= len(text):
        return [("same", text)]
    pieces: list[Piece] = [("same", start), ("skip", " … "), ("same", end)]
    return [piece for piece in pieces if piece[1]]


def diff_elements(before: str, after: str, limit: int = 1_200) -> list[Json]:
    """Rich text of the change, literal."""
    style: dict[Kind, dict[str, bool]] = {"new": {"bold": True}, "gone": {"strike": True}}
    return [literal(text, **style.get(kind, {})) for kind, text in compact(word_diff(before, after), limit)]
