"""What the classifier sees of a text: words, pairs of words, and pieces of words (which survive typing mistakes)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

from app.core.guards.normalise import fold_text

MOST_CHARACTERS = 4000
_TOKEN = re.compile(r"[^\W_]+(?:['@.\-][^\W_]+)*")
_DIGIT = re.compile(r"\d")
# Words that carry no intent by themselves; pairs are made over their heads, too.
_SMALL = frozenset(
    "a an the this that these those my your our his her its of to in on at for from by with and or is are was be been am "
    "it i you we me us do does did have has had will would can could should please just very so some any there here as".split()
)
KINDS = ("word", "pair", "piece")
Kind = int  # index into KINDS
Feature = tuple[Kind, str]


def fold(text: str) -> str:
    text = text[:MOST_CHARACTERS]
    return text.lower() if text.isascii() else fold_text(text)


def tokens(folded: str) -> list[str]:
    """Words without their marks. Anything with a digit is one word: numbers differ, their being there matters."""
    return ["0" if _DIGIT.search(word) else word.replace("'", "") for word in _TOKEN.findall(folded)]


def features(folded: str, same: Mapping[str, str]) -> Counter[Feature]:
    words = tokens(folded)
    heads = [same.get(word, word) for word in words]
    found = Counter(_pairs(heads))
    for word, head in zip(words, heads, strict=True):
        found[0, word] += 1
        if head != word:
            found[0, head] += 1
        if word not in _SMALL and word != "0":
            for piece in _pieces(word):
                found[2, piece] += 1
    return found


def _pairs(heads: list[str]) -> Iterator[Feature]:
    ends = ["<", *heads, ">"]
    for left, right in pairwise(ends):
        yield 1, f"{left} {right}"
    large = [head for head in heads if head not in _SMALL]
    for left, right in pairwise(large):
        yield 1, f"{left}~{right}"
    for left, right in zip(large, large[2:], strict=False):
        yield 1, f"{left}~{right}"


def _pieces(word: str) -> Iterator[str]:
    padded = f"<{word[:30]}>"
    for size in (3, 4, 5):
        for start in range(len(padded) - size + 1):
            yield padded[start : start + size]
