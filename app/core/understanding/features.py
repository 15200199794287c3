"""What the classifier sees of a text: words, pairs of words, and pieces of words (which survive typing mistakes)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import lru_cache
from itertools import pairwise

from app.core.guards.normalise import fold_text

# People say what they want at the beginning or at the end.
FIRST_CHARACTERS, LAST_CHARACTERS = 3000, 1000
# About the length of the phrases that are learnt from: a longer sentence is read through a window that moves on.
WINDOW, STEP = 10, 5
# Features are strings; the first character says which kind.
KINDS = WORD, PAIR, PIECE = "w", "p", "c"

_TOKEN = re.compile(r"[^\W_]+(?:['@.\-][^\W_]+)*")
_DIGIT = re.compile(r"\d")
_SENTENCE_END = re.compile(r"[.!?;\n]+(?:\s+|$)")
# Words that carry no intent by themselves; pairs are made over their heads, too.
_SMALL_WORDS = """
a an the this that these those my your our his her its of to in on at for from by with and or is are was be been am it i
you we me us do does did have has had will would can could should please just very so some any there here as
"""
_SMALL = frozenset(_SMALL_WORDS.split())


def fold(text: str) -> str:
    """Lower case without accents; of a long text its beginning and its end."""
    if len(text) > FIRST_CHARACTERS + LAST_CHARACTERS:
        text = f"{text[:FIRST_CHARACTERS]}\n{text[-LAST_CHARACTERS:]}"
    return text.lower() if text.isascii() else fold_text(text)


def parts(text: str) -> list[list[str]]:
    """The words of each sentence, long sentences in overlapping windows. Never empty, though a part may be."""
    sentences = [tokens(sentence) for sentence in _SENTENCE_END.split(fold(text))]
    return [part for words in sentences if words for part in _windows(words)] or [[]]


def tokens(folded: str) -> list[str]:
    """Words without their marks. Anything with a digit is one word: numbers differ, their being there matters."""
    return ["0" if _DIGIT.search(word) else word.replace("'", "") for word in _TOKEN.findall(folded)]


def features(words: list[str], same: Mapping[str, str]) -> tuple[Counter[str], Counter[str], Counter[str]]:
    """By kind, in the order of `KINDS`. `same` maps a word to the name of the words that mean the same."""
    heads = [same.get(word, word) for word in words]
    single = [WORD + word for word in words]
    single += [WORD + head for word, head in zip(words, heads, strict=True) if head != word]
    pieces = [piece for word in words if word not in _SMALL and word != "0" for piece in _pieces(word)]
    return Counter(single), Counter(_pairs(heads)), Counter(pieces)


def _windows(words: list[str]) -> list[list[str]]:
    if len(words) <= WINDOW + 2:
        return [words]
    return [words[start : start + WINDOW] for start in range(0, len(words) - STEP, STEP)]


def _pairs(heads: list[str]) -> Iterator[str]:
    for left, right in pairwise(["<", *heads, ">"]):
        yield f"{PAIR}{left} {right}"
    large = [head for head in heads if head not in _SMALL]
    for left, right in [*pairwise(large), *zip(large, large[2:], strict=False)]:
        yield f"{PAIR}{left}~{right}"


@lru_cache(maxsize=4096)
def _pieces(word: str) -> tuple[str, ...]:
    padded = f"<{word[:30]}>"
    return tuple(PIECE + padded[start : start + size] for size in (3, 4, 5) for start in range(len(padded) - size + 1))
