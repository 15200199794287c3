"""What no pattern can say: text hidden from a reader's eye, encoded payloads, personal data that comes back."""

from __future__ import annotations

import base64
import binascii
import codecs
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import re2

from app.core.findings import Entity
from app.core.guards.normalise import Reading, View, fold_text, is_invisible, read

_MOST_VALUES = 60
_SHORTEST_NAME = 3

_TAGS = re.compile("(?<!\U0001f3f4)(?<![\U000e0020-\U000e007f])[\U000e0020-\U000e007f]{2,}|[\U000e0100-\U000e01ef]{2,}")
_BIDI_OVERRIDE = re.compile("[\u202d\u202e][^\u202c\n]{2,}")
_COMMENT = re.compile(r"<!--(?!\s*\[)(.{0,20000}?)(?:-->|\Z)", re.DOTALL)
# Two words; in scripts without spaces, or with vowel signs that are no letters, a few characters on end.
_WORDS = re.compile(r"[^\W\d_]{2}\W+[^\W\d_]{2}|[\u0900-\u0e7f\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]{4}")
_STYLE = re.compile(
    r"style\s*=\s*[\"']?[^\"'<>]{0,200}?(?:display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0|opacity\s*:\s*0)",
    re.IGNORECASE,
)
# One separator all along and so no word breaks: nobody writes to be read like this.
_SPACED_OUT = re.compile(r"(?<!\w)(?:[^\W\d_]( )){15,}[^\W\d_](?!\w)|(?<!\w)(?:[^\W\d_][.|·•-]){11,}[^\W\d_](?!\w)")
_TOKEN = re.compile(r"[^\W_]{3,}")
_FEWEST_REPEATS = 10
_EXPECTED_INVISIBLE = frozenset("\u200c\u200d\u200e\u200f\u00ad")
_FEWEST_INVISIBLE = 3
_DEEPEST = 2


def hidden_text(text: str) -> list[tuple[int, int]]:
    """Spans that a reader would not see, or not read, but a machine would."""
    spans = [m.span() for m in _SPACED_OUT.finditer(text)]
    spans += _repeated(text)
    if "<" in text:
        spans += [m.span() for m in _COMMENT.finditer(text) if _WORDS.search(m.group(1))]
        spans += [m.span() for m in _STYLE.finditer(text)]
    if not text.isascii():
        spans += [m.span() for pattern in (_TAGS, _BIDI_OVERRIDE) for m in pattern.finditer(text)]
        inside = [
            i
            for i in range(1, len(text) - 1)
            if "\x7f" < text[i] < "\ufe00"
            and text[i] not in _EXPECTED_INVISIBLE
            and is_invisible(text[i])
            and (_latin(text[i - 1]) or is_invisible(text[i - 1]))
            and (_latin(text[i + 1]) or is_invisible(text[i + 1]))
        ]
        if len(inside) >= _FEWEST_INVISIBLE:
            spans.append((inside[0], inside[-1] + 1))
    return spans


def _repeated(text: str) -> list[tuple[int, int]]:
    """Runs of one word, many times over: a reader skips them, a model loses its thread."""
    spans = []
    word, start, end, count = "", 0, 0, 0
    for found in _TOKEN.finditer(text):
        same = found.group().casefold() == word
        if not same and count >= _FEWEST_REPEATS:
            spans.append((start, end))
        if not same:
            word, start, count = found.group().casefold(), found.start(), 0
        end, count = found.end(), count + 1
    return [*spans, (start, end)] if count >= _FEWEST_REPEATS else spans


def _latin(char: str) -> bool:
    return char.isalnum() and char < "\u0250"


class Payload(NamedTuple):
    text: str
    start: int
    end: int


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}(?:[ \n][A-Za-z0-9+/_-]{16,})*={0,2}")
_HEX = re.compile(
    r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f][0-9A-Fa-f :]{22,}|(?:(?:\\[xX]|0[xX]|%)[0-9A-Fa-f]{2}[ ,]{0,2}){8,})"
)
_HEX_MARKS = re.compile(r"\\[xX]|0[xX]|[% :,]")
_BINARY = re.compile(r"(?<![01])[01]{8}(?:[ ,]{0,2}[01]{8}){7,}(?![01])")
_MORSE = re.compile(r"[.-]{1,6}(?: ?[ /|] ?[.-]{1,6}){11,}")
_MORSE_LETTERS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.."
)
_MORSE_CODE = dict(zip(_MORSE_LETTERS.split(), "abcdefghijklmnopqrstuvwxyz", strict=True))
# A shifted or mirrored text cannot be told from nonsense but by its words; two of these do not come by chance.
_GIVEAWAYS = (
    "ignore disregard forget previous instruction instructions system prompt password reveal secret assistant "
    "message hidden rules repeat everything"
)
_ALTCHARS = str.maketrans("-_", "+/", " \n=")


def _readable(data: bytes, depth: int = 0) -> str | None:
    """The text, when it is one that a person could have written (words, mostly letters), or code for such a text."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if depth < _DEEPEST and _BASE64.fullmatch(text):
        return _from_base64(text, depth + 1)
    letters = sum(c.isspace() or unicodedata.category(c)[0] in "LMN" for c in text)
    if len(text) < 8 or letters < 0.8 * len(text) or not all(c.isprintable() or c.isspace() for c in text):
        return None
    return text if _WORDS.search(text) else None


def _from_base64(token: str, depth: int = 0) -> str | None:
    code = token.translate(_ALTCHARS)
    # A word glued in front shifts the alphabet, so each alignment is tried.
    for skip in range(4):
        part = code[skip:]
        part = part[: len(part) - (len(part) % 4 == 1)]
        try:
            text = _readable(base64.b64decode(part + "=" * (-len(part) % 4)), depth)
        except (binascii.Error, ValueError):
            continue
        if text is not None:
            return text
    return None


def _from_hex(token: str) -> str | None:
    digits = _HEX_MARKS.sub("", token)
    return _readable(bytes.fromhex(digits)) if len(digits) % 2 == 0 else None


def _from_binary(token: str) -> str | None:
    bits = re.sub("[ ,]", "", token)
    return _readable(bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)))


def _from_morse(token: str) -> str | None:
    words = ("".join(_MORSE_CODE.get(letter, "") for letter in word.split()) for word in re.split("[/|]", token))
    return _readable(" ".join(words).encode())


def _rot13(text: str) -> str:
    return codecs.encode(text, "rot13")


def _mirrored(text: str) -> str:
    return text[::-1]


class _Code(NamedTuple):
    """`sign`: what every match of `pattern` holds, for RE2, which looks for all signs in one pass."""

    sign: str
    pattern: re.Pattern[str]
    decode: Callable[[str], str | None]


def _giving_away(disguise: Callable[[str], str]) -> _Code:
    words = "|".join(map(disguise, _GIVEAWAYS.split()))
    word = rf"\b(?:{words})\b"
    return _Code(f"(?i:{words})", re.compile(rf"{word}(?:[^\n]{{0,120}}?{word})+", re.IGNORECASE), disguise)


_CODES = (
    _Code("[A-Za-z0-9+/_-]{16}", _BASE64, _from_base64),
    _Code(r"[0-9A-Fa-f][0-9A-Fa-f :]{22}|(?:\\[xX]|0[xX]|%)[0-9A-Fa-f]{2}", _HEX, _from_hex),
    _Code("[01]{8}[ ,]{0,2}[01]{8}", _BINARY, _from_binary),
    _Code("[.-] ?[ /|] ?[.-]", _MORSE, _from_morse),
    _giving_away(_rot13),
    _giving_away(_mirrored),
)
_SIGNS = re2.compile("|".join(code.sign for code in _CODES).encode())


def payloads(cased: View) -> Iterator[Payload]:
    """Readable texts that were carried in a code, with the span of the code in the original."""
    if _SIGNS.search(cased.text.encode()) is None:
        return
    for _, pattern, decode in _CODES:
        for found in pattern.finditer(cased.text):
            text = decode(found.group())
            if text is not None:
                yield Payload(text, *cased.span(*found.span()))


class Known(NamedTuple):
    """A piece of personal data that is known already, folded for comparison."""

    value: str
    entity: Entity


def known_facts(customer: Mapping[str, str], wanted: Mapping[str, Entity]) -> list[Known]:
    """The account facts a rule asks for; a name counts whole and by its parts."""
    known = []
    for key, entity in wanted.items():
        value = " ".join(fold_text(str(customer.get(key) or "")).split())
        if len(value) >= _SHORTEST_NAME:
            known.append(Known(value, entity))
        if entity == "PERSON":
            known += [Known(part, entity) for part in value.split() if len(part) >= _SHORTEST_NAME]
    return known[:_MOST_VALUES]


def known_value(original: str, entity: Entity) -> Known:
    return Known(read(original).views[0].text.strip(), entity)


def occurrences(reading: Reading, known: list[Known]) -> Iterator[tuple[int, int, Entity]]:
    """Where known values stand in a text, however it is written: spans in the original."""
    plain = reading.views[0]
    where = [i for i, char in enumerate(plain.text) if char.isdigit()]
    digits = "".join(plain.text[i] for i in where)
    for value, entity in dict.fromkeys(known[:_MOST_VALUES]):
        number = "".join(c for c in value if c.isdigit())
        if len(number) >= 6 and entity not in ("EMAIL", "ADDRESS", "PERSON"):
            for at in _find_all(digits, number):
                first, last = where[at], where[at + len(number) - 1]
                if last - first < 2 * len(number):
                    yield *plain.span(first, last + 1), entity
            continue
        for at in _find_all(plain.text, value):
            end = at + len(value)
            if not plain.text[at - 1 : at].isalnum() and not plain.text[end : end + 1].isalnum():
                yield *plain.span(at, end), entity


def _find_all(text: str, value: str) -> Iterator[int]:
    at = text.find(value) if value else -1
    while at >= 0:
        yield at
        at = text.find(value, at + len(value))
