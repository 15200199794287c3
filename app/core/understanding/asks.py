"""What customers ask to be done, told by their words. A wish that is denied ("I don't want a refund") is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from app.core.guards.normalise import read
from app.core.guards.patterns import Pattern, compile_any
from app.core.understanding.askphrases import ASKS, TROUBLES, UNLESS, WORDS
from app.core.understanding.hits import Hit

_SENTENCE_END = re.compile(r"[.!?\n]+(?: |\Z)|\n")
# A denial reaches no further than its own part of the sentence.
_PART_END = re.compile(
    r"[,;:()]|(?<![a-z0-9])(?:but|and|so|then|please|pls|because|since|instead|i want|i need|i would|i'd|can you"
    r"|could you|aber|und|sondern|bitte|mais|et|donc|pero|sino|porque|por favor)(?![a-z0-9])"
)
_NOT = re.compile(
    r"(?<![a-z0-9])(?:(?:do|does|did|wo|would|have|has|had|should|is|are|was)n[' ]?t|not|never|no|nor|without|nobody"
    r"|rather than|instead of|nicht|kein(?:e[nmrs]?)?|nie|niemals|ohne|statt|pas|jamais|sans|aucune?|ningun[ao]?|nunca"
    r"|sin|tampoco)(?![a-z0-9])(?! (?:forget|hesitate|only))"
)
_TURN = re.compile(r"(?<![a-z0-9])(?:but|sondern|mais|pero|sino|aber|rather)(?![a-z0-9])")
_SENTENCE = 400  # characters of one on either side
_DENIED_WITHIN = 45  # characters before the wish
_MOST_TRIED = 20  # places of one wish


def find_asks(text: str) -> Iterator[Hit]:
    """Each action once, where it is asked for last; the hit is the whole sentence that asks."""
    view = read(text).views[0]
    data = view.text.encode(errors="replace")
    for action, pattern in _patterns().items():
        if sentence := _last_asked(view.text, data, pattern):
            yield Hit(*view.span(*sentence), action)


def _last_asked(text: str, data: bytes, pattern: _Action) -> tuple[int, int] | None:
    ascii_only = len(data) == len(text)
    last, at = None, 0
    for _ in range(_MOST_TRIED):
        found = pattern.asks.regexp.search(data, at)
        if found is None:
            break
        start, end = found.span(pattern.asks.group)
        # What is denied may reach over a wish that is not: "I want no refund, send me …"
        at = start + 1
        if not ascii_only:
            start, end = (len(data[:place].decode(errors="ignore")) for place in (start, end))
        if sentence := _asked(text, start, end, pattern.unless, troubled=pattern.troubled):
            last, at = sentence, found.end(pattern.asks.group)
    return last


def _asked(text: str, start: int, end: int, unless: Pattern | None, *, troubled: bool) -> tuple[int, int] | None:
    """The sentence that asks, if this place in it does."""
    earliest = max(start - _SENTENCE, 0)
    first = max((m.end() for m in _SENTENCE_END.finditer(text, earliest, start)), default=earliest)
    found = _SENTENCE_END.search(text, end, end + _SENTENCE)
    last = found.start() + 1 if found else min(len(text), end + _SENTENCE)
    before = text[max(first, start - _DENIED_WITHIN) : start]
    part = before[max((m.end() for m in _PART_END.finditer(before)), default=0) :]
    # "I haven't received it" and "I don't know my password" ask all the same.
    said = part if troubled else part + text[start:end]
    if _NOT.search(said, max((m.end() for m in _TURN.finditer(said)), default=0)):
        return None
    if unless is not None and unless.found_in(text[first:last].encode(errors="replace")):
        return None
    return first, last


class _Action:
    def __init__(self, name: str) -> None:
        asks = compile_any([(phrase, None) for phrase in ASKS[name]], WORDS)
        if asks is None:
            raise ValueError(f"{name}: no phrases")
        self.asks = asks
        self.troubled = name in TROUBLES
        self.unless = compile_any([(phrase, None) for phrase in UNLESS.get(name, ())], WORDS)


@cache
def _patterns() -> dict[str, _Action]:
    return {name: _Action(name) for name in ASKS}
