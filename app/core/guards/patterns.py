"""The pattern language of guardrails.yaml: RE2, with letters folded as texts are and a few shorthands of its own.

    we have … refunded      words apart by white space; … is up to 50 characters within the same sentence
    {money} {2,3} \\w \\d     a word list; a repeat; any letter or digit of any script; any digit
    can't                   the apostrophe may be missing
    (?P<value>…)            only this part is the finding

A pattern matches whole words: no letter or digit stands right before or after it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import re2

from app.core.guards.normalise import fold_text

# Views are lower case and hold no symbols beyond ASCII, so a letter is told by its code point alone; that keeps the
# automata small. In scripts that put no space between words (Thai, Han, kana, Hangul) every place is a word's edge.
_WORDLIKE = r"0-9a-z\x{80}-\x{dff}\x{f00}-\x{10ff}\x{1200}-\x{177f}\x{1800}-\x{2e7f}\x{a000}-\x{a95f}\x{a980}-\x{abff}"
_ANY_WORDLIKE = r"0-9a-z_\x{80}-\x{10ffff}"
_SPACE = r"(?:[ \n_-]{1,3})"
_EDGE = rf"[^{_WORDLIKE}.!?\n]"
_GAP = rf"{_EDGE}(?:(?:[^.!?\n]|[.!?][^ \n]){{0,50}}?{_EDGE})?"
_BEFORE = rf"(?:^|[^{_WORDLIKE}])("
_AFTER = rf")(?:$|[^{_WORDLIKE}])"
_ESCAPES = {
    r"\w": f"[{_ANY_WORDLIKE}]",
    r"\W": f"[^{_ANY_WORDLIKE}]",
    r"\d": "[0-9]",
    r"\s": r"[ \n]",
    r"\S": r"[^ \n]",
}
_IN_CLASS = {r"\w": _ANY_WORDLIKE, r"\d": "0-9", r"\s": r" \n"}
_TOKEN = re.compile(
    r"(?P<keep>\\[pP]\{[^}]*\}|\(\?P<\w+>|\(\?:|\{[0-9]+(?:,[0-9]*)?\})|(?P<escape>\\.)"
    r"|(?P<klass>\[\^?\]?(?:\\.|[^\]\\])*\])|\{(?P<words>[a-z_]+)\}|(?P<gap>\s*(?:…|\.\.\.)\s*)|(?P<space>\s+)"
    r"|(?P<char>.)",
    re.DOTALL,
)
_META = frozenset("()|?*+^$.[]{}")
_LARGEST_PROGRAM = 60_000

Words = Mapping[str, Mapping[str, Sequence[str]]]


class PatternError(ValueError):
    """A pattern that cannot be used, said for its owner."""


class Pattern(NamedTuple):
    """`needle` is a cheap pattern that every text with a match matches too."""

    regexp: Any
    group: int
    needle: str

    def spans(self, data: bytes) -> Iterator[tuple[int, int]]:
        """Byte spans of all matches, left to right."""
        at = 0
        while (found := self.regexp.search(data, at)) is not None:
            start, end = found.span(self.group)
            if start < end:
                yield start, end
            at = found.end(1)

    def found_in(self, data: bytes) -> bool:
        return self.regexp.search(data) is not None


def options() -> Any:
    chosen = re2.Options()
    chosen.log_errors = False
    chosen.max_mem = 64 << 20
    return chosen


# No view holds it, so a filter that has looked at the whole text has seen it last.
_SENTINEL = "\x02"


class Prefilter:
    """Which of many patterns may match a text, told by the words each one needs. A pattern that needs none is tried as
    `needle`, all of those in one pass: patterns with gaps in them would make that pass slow."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self._words = re2.Filter()
        self._words.Add(_SENTINEL, options())
        for pattern in patterns:
            self._words.Add(pattern.regexp.pattern, options())
        self._words.Compile()
        self._loose = [n for n in self._words.Match(b"", potential=True) or () if n]
        self._rest = re2.Set.SearchSet(options())
        self._rest.Add("(?s:.?)")
        for n in self._loose:
            self._rest.Add(patterns[n - 1].needle)
        self._rest.Compile()

    def Match(self, data: bytes) -> list[int] | None:  # noqa: N802 - the name re2.Set gives it
        """Numbers of the patterns (the first one's is 1) after a 0; None when it gave up, so that all may match."""
        by_word = self._words.Match(data + _SENTINEL.encode(), potential=True)
        by_needle = self._rest.Match(data)
        if not by_word or 0 not in by_word or not by_needle or 0 not in by_needle:
            return None
        return sorted({*by_word}.difference(self._loose) | {self._loose[n - 1] for n in by_needle if n})


def _klass(text: str) -> str:
    parts = re.findall(r"\\[pP]\{[^}]*\}|\\.|.", text[1:-1], re.DOTALL)
    inner = "".join(_IN_CLASS.get(p) or (p if p[0] == "\\" else r" \n" if p == " " else fold_text(p)) for p in parts)
    return f"[{inner}]"


def _words(name: str, words: Words, language: str | None) -> str:
    if name not in words:
        raise PatternError(f"no word list is called {name!r}; there are: {', '.join(sorted(words)) or 'none'}")
    lists = words[name]
    if language is not None and language not in lists:
        raise PatternError(f"word list {name!r} has no words for language {language!r}")
    chosen = lists[language] if language is not None else [w for entries in lists.values() for w in entries]
    return "(?:" + "|".join(translate(w, {}, None)[0] for w in chosen) + ")"


def _plain(char: str) -> str:
    if char == "'":
        return "[' ]?"
    if char in _META:
        return char
    folded = fold_text(char)
    return folded if len(folded) == 1 else f"(?:{folded})"


def translate(pattern: str, words: Words, language: str | None) -> tuple[str, str]:
    """RE2 source of a pattern, and of a part of it that every match must contain."""
    parts: list[str] = []
    segments: list[list[str]] = [[]]
    depth = 0
    divisible = True
    for token in _TOKEN.finditer(pattern):
        source = token.group()
        kind = token.lastgroup
        if kind == "words":
            part = _words(token["words"], words, language)
        elif kind == "escape":
            if source in (r"\b", r"\B"):
                raise PatternError(r"\b is not needed: a pattern already matches whole words only")
            part = _ESCAPES.get(source, source)
        elif kind == "klass":
            part = _klass(source)
        elif kind == "gap":
            part = _GAP
        elif kind == "space":
            part = _SPACE
        elif source in ("[", "\\"):
            raise PatternError("missing ]" if source == "[" else "a \\ at the end escapes nothing")
        else:
            part = source if kind == "keep" else _plain(source)
            depth += (source[0] == "(") - (source == ")")
            divisible &= not (depth == 0 and source == "|")
            if depth < 0:
                raise PatternError("unexpected )")
        parts.append(part)
        if kind == "gap" and depth == 0:
            segments.append([])
        else:
            segments[-1].append(r"(?s:.*)" if kind == "gap" else part)
    if depth:
        raise PatternError("missing )")
    chosen = max(segments, key=len) if divisible else [p for s in segments for p in (*s, r"(?s:.*)")][:-1]
    return "".join(parts), "".join(chosen)


def _checked(pattern: str, words: Words, language: str | None) -> tuple[str, str]:
    if re.search(r"(?<!\\)\.[*+]", pattern):
        raise PatternError("'.*' would run across sentences: write … for a short gap in one sentence")
    return translate(pattern, words, language)


def compile_pattern(pattern: str, words: Words, language: str | None) -> Pattern:
    """Errors: PatternError with a sentence for the pattern's owner."""
    return _compile(*_checked(pattern, words, language))


def compile_any(patterns: Sequence[tuple[str, str | None]], words: Words) -> Pattern | None:
    """One pattern that matches where any of these (pattern, language) does. Errors: PatternError, not saying which."""
    if not patterns:
        return None
    bodies = [_checked(pattern, words, language)[0] for pattern, language in patterns]
    return _compile("|".join(f"(?:{body})" for body in bodies), "")


def _compile(body: str, needle: str) -> Pattern:
    try:
        regexp = re2.compile((_BEFORE + body + _AFTER).encode(), options())
    except re2.error as error:
        detail = error.args[0]
        raise PatternError(detail.decode() if isinstance(detail, bytes) else str(detail)) from None
    if regexp.search(b"") is not None:
        raise PatternError("it matches an empty text, so it would match everywhere")
    if regexp.programsize > _LARGEST_PROGRAM:
        raise PatternError("it is too large; split it into several")
    return Pattern(regexp, regexp.groupindex.get(b"value", 1), needle or body)
