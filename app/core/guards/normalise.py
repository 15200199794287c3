"""Readings of a text in which disguises are undone, each with a map back to the text as it was given.

A `View` is what rules are matched on. `plain` always exists; the others only when the text gives reason for them:
`joined` (s p a c e d letters, digits, digit words), `split` (invisible characters read as spaces), `leet` (h4ck3d),
`tags` (what stands inside mark-up; the plain view leaves it out), `shown` (without what stands inside comments).
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

import re2


class View(NamedTuple):
    """`text[i]` was read from `original[starts[i]:ends[i]]`; both sequences are as long as `text`."""

    kind: str
    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Offsets in the original of the non-empty slice `text[start:end]`."""
        return self.starts[start], self.ends[end - 1]


class Reading(NamedTuple):
    """`cased` keeps upper case, for encodings in which it carries meaning; `views[0]` is the plain view."""

    cased: View
    views: tuple[View, ...]


# Look-alikes of Latin letters; used only inside words that also hold a Latin letter, so real Greek and Russian stay.
_CONFUSABLE = str.maketrans(
    "аеорсухіјѕԁһӏԛԝьвкмнтгпАВЕКМНОРСТХУІЈЅҺӀԚԜαβγεικνορτυχωηΑΒΕΖΗΙΚΜΝΟΡΤΥΧ",
    "aeopcyxijsdhlqwbbkmhtrnABEKMHOPCTXYIJSHlQWabyeiknoptuxwnABEZHIKMNOPTYX",
)
# The other way: a letter that resembles no Latin one tells that the word is Cyrillic or Greek, and these are disguises.
_CYRILLIC = str.maketrans("aceiopxyAaBEKMHOPCTXYkmt", "асеіорхуАаВЕКМНОРСТХУкмт")
_GREEK = str.maketrans("aikmnopuvtxABEZHIKMNOPTYX", "αικμηορυντχΑΒΕΖΗΙΚΜΝΟΡΤΥΧ")
_PURE_CYRILLIC = re.compile("[Ѐ-ӿ]")
_PURE_GREEK = re.compile("[Ͱ-Ͽ]")
# Latin letters that no Unicode decomposition turns into plain ones.
_LATIN = dict(zip("ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘǫʀꜱᴛᴜᴠᴡʏᴢłøđıŁØĐħŧɑɡ", "abcdefghijklmnopqrstuvwyzlodiLODhtag", strict=True)) | {
    "æ": "ae",
    "œ": "oe",
    "Æ": "AE",
    "Œ": "OE",
}
_QUOTES = dict.fromkeys("’‘‛′ʼ`´", "'") | dict.fromkeys("“”„‟«»″", '"')
_SENTENCE_ENDS = frozenset("。！？।॥؟۔…")
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_NEWLINES = frozenset("\n\r\x0b\x0c\x85\u2028\u2029")
# Emphasis marks only decorate; they would stand between the words of a phrase.
_DECORATION = frozenset("*`")
_MARKUP = re.compile(
    r"(?P<comment><!--|-->)|(?P<tag></?[a-z][a-z0-9]{0,15}(?:\s[^<>]{0,300})?/?>)"
    r"|(?P<entity>&(?:\#[0-9]{1,7}|\#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});)",
    re.IGNORECASE,
)
_WHOLE_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_BLOCK_TAG = re.compile(r"</?(?:br|p|div|li|ul|ol|tr|td|th|table|h[1-6]|hr)\b", re.IGNORECASE)
_LIST_ITEM = re.compile(r"[-+*•#>|]|\d{1,3}[.)]\s")
_WORD = re.compile(r"[^\W_]+")
_ORDINARY = re.compile(r"[ -)+-;=?-_a-z{-~]*\Z")


def is_invisible(char: str) -> bool:
    """True for characters that take no ink: zero-width, bidi controls, soft hyphens, tags, variation selectors."""
    if char < "\x7f":
        return char < " " and char not in "\t\n\r\x0b\x0c"
    return (
        char in _BLANK_LETTERS
        or "\ufe00" <= char <= "\ufe0f"
        or "\U000e0000" <= char <= "\U000e01ef"
        or (unicodedata.category(char) in ("Cf", "Cc") and char not in _NEWLINES)
    )


def _is_tag(char: str) -> bool:
    return "\U000e0020" <= char <= "\U000e007e"


@lru_cache(maxsize=4096)
def fold_char(cluster: str) -> str:
    """One character with its combining marks, as plain as Unicode makes it: accents off, case kept, symbols blank."""
    if cluster in _LATIN:
        return _LATIN[cluster]
    if cluster in _QUOTES:
        return _QUOTES[cluster]
    bare = "".join(c for c in unicodedata.normalize("NFKD", cluster) if not "\u0300" <= c <= "\u036f")
    out = []
    for char in unicodedata.normalize("NFKC", bare):
        digit = unicodedata.decimal(char, None)
        if digit is not None:
            out.append(str(digit))
        elif unicodedata.category(char) == "Pd" or char == "\u2212":
            out.append("-")
        elif char in _SENTENCE_ENDS:
            out.append(".")
        elif char < "\x7f" or char.isalnum() or unicodedata.category(char)[0] == "M":
            out.append(_LATIN.get(char) or char)
        else:
            out.append(_QUOTES.get(char) or " ")
    return "".join(out)


def fold_text(text: str) -> str:
    """The letters of a pattern or a known value, folded as `read` folds a text."""
    return "".join(map(fold_char, text)).casefold()


def as_it_looks(text: str) -> str:
    """Alike for texts that nobody can tell apart: to compare, not to read, since native letters become Latin ones."""
    seen = "".join(map(fold_char, (c for c in text if not is_invisible(c))))
    return seen.translate(_CONFUSABLE).casefold()


class _Builder:
    """Collects characters and where they came from, folding runs of white space into one."""

    def __init__(self) -> None:
        self.chars: list[str] = []
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.breaks = 0

    def add(self, chars: str, start: int, end: int) -> None:
        self.breaks = 0
        for char in chars:
            self.chars.append(char)
            self.starts.append(start)
            self.ends.append(end)

    def space(self, newline: bool, start: int, end: int, breaks: int = 1) -> None:
        """Two line ends, or one before a list item, end a sentence; a single one is only a wrapped line."""
        if not self.chars or self.chars[-1] not in " \n":
            self.add(" ", start, end)
        self.ends[-1] = end
        self.breaks += breaks if newline else 0
        if self.breaks >= 2 or (newline and len(self.chars) > 1 and self.chars[-2] == ":"):
            self.chars[-1] = "\n"


def _pieces(text: str, tags: bool, shown: bool) -> Iterator[tuple[str | None, int, int]]:
    """Stretches of text (None) and what the mark-up between them reads as; with `tags` they are text too, and with
    `shown` a comment is left out whole."""
    done = 0
    for found in _MARKUP.finditer(text) if "<" in text or "&" in text or "-->" in text else ():
        whole = found.group()
        if found.start() < done or (tags and found["tag"]):
            continue
        yield None, done, found.start()
        done = found.end()
        if found["comment"]:
            hidden = _WHOLE_COMMENT.match(text, found.start()) if shown else None
            done = hidden.end() if hidden else done
            yield "" if hidden else " ", found.start(), done
        elif found["tag"]:
            yield "\n\n" if _BLOCK_TAG.match(whole) else "", found.start(), done
        else:
            yield html.unescape(whole), found.start(), done
    yield None, done, len(text)


def _read_char(out: _Builder, text: str, at: int, end: int, invisible: str) -> int:
    """Read the cluster that starts at `at`; returns where the next one starts."""
    char = text[at]
    after = at + 1
    if char in _DECORATION:
        return after
    if char.isspace():
        wrapped = char in _NEWLINES and not (char == "\r" and text[after : after + 1] == "\n")
        listed = wrapped and _LIST_ITEM.match(text, after) is not None
        out.space(wrapped, at, after, 2 if listed else 1)
        return after
    if char < "\x7f" and char >= " " and (after >= end or text[after] < "\u0300"):
        out.add(char, at, after)
        return after
    if _is_tag(char):
        if at and not _is_tag(text[at - 1]):
            out.space(False, at, after)  # the hidden words are not part of the word before
        out.add(chr(ord(char) - 0xE0000), at, after)
        return after
    if is_invisible(char):
        if invisible:
            out.space(False, at, after)
        return after
    # Marks past the eighth are decoration; they join no cluster and fold to nothing.
    while after < min(end, at + 8) and unicodedata.combining(text[after]):
        after += 1
    folded = fold_char(text[at:after])
    if folded.isspace():
        out.space(False, at, after)
    else:
        out.add(folded, at, after)
    return after


def _clean(text: str, invisible: str = "", tags: bool = False, shown: bool = False) -> View:
    if _ORDINARY.match(text) and "  " not in text and "&" not in text:
        return View("plain", text, range(len(text)), range(1, len(text) + 1))
    out = _Builder()
    for reading, start, end in _pieces(text, tags, shown):
        if reading is None:
            at = start
            while at < end:
                at = _read_char(out, text, at, end, invisible)
            continue
        for char in reading:
            if char.isspace():
                out.space(char == "\n", start, end)
            elif not is_invisible(char):
                out.add(fold_char(char), start, end)
    cleaned = "".join(out.chars)
    return View("plain", _unmask_lookalikes(cleaned), out.starts, out.ends)


def _unmask_lookalikes(text: str) -> str:
    if text.isascii():
        return text
    cyrillic = _PURE_CYRILLIC.search(text.translate(_CONFUSABLE)) is not None

    def plain(word: re.Match[str]) -> str:
        found = word.group()
        if found.isascii() or not any(c < "\x7f" for c in found):
            return found
        latin = found.translate(_CONFUSABLE)
        if _PURE_CYRILLIC.search(latin):
            return found.translate(_CYRILLIC)
        if _PURE_GREEK.search(latin):
            return found.translate(_GREEK)
        native = found.translate(_CYRILLIC) if cyrillic else latin
        return latin if any(c < "\x7f" for c in native) else native

    return _WORD.sub(plain, text)


def _lower(view: View, kind: str) -> View:
    lowered = view.text.casefold()
    if len(lowered) == len(view.text):
        return View(kind, lowered, view.starts, view.ends)
    out = _Builder()
    for char, start, end in zip(view.text, view.starts, view.ends, strict=True):
        out.add(char.casefold(), start, end)
    return View(kind, "".join(out.chars), out.starts, out.ends)


def _edit(view: View, kind: str, edits: Sequence[tuple[int, int, str, Sequence[int]]]) -> View:
    """Replace stretches; an edit's last item says from which index of the view each new character came."""
    text: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    done = 0
    for start, end, new, origins in edits:
        text += (view.text[done:start], new)
        starts += view.starts[done:start]
        ends += view.ends[done:start]
        starts += (view.starts[i] for i in origins)
        ends += (view.ends[i] for i in origins)
        done = end
    text.append(view.text[done:])
    starts += view.starts[done:]
    ends += view.ends[done:]
    return View(kind, "".join(text), starts, ends)


_DIGIT_WORD = {
    word: str(value)
    for value, words in enumerate(
        (
            "zero oh null nil cero",
            "one eins un uno",
            "two zwei zwo deux dos",
            "three drei trois tres",
            "four vier quatre cuatro",
            "five funf fuenf cinq cinco",
            "six sechs seis",
            "seven sieben sept siete",
            "eight acht huit ocho",
            "nine neun neuf nueve",
        )
    )
    for word in words.split()
}
_ONE_WORD = "(?:" + "|".join(sorted(_DIGIT_WORD, key=len, reverse=True)) + ")"
_DIGIT_WORDS = re.compile(rf"\b{_ONE_WORD}(?:[ ,-]{{1,2}}{_ONE_WORD}\b){{3,}}")
_SPACED = re.compile(r"(?<![^\W_])[^\W_](?:[ \n.,:;/|+_·•-]{1,3}[^\W_](?![^\W_])){3,}")


# What `_DIGIT_WORDS` and `_SPACED`, and `_LEET_MIX`, cannot do without: RE2 tells at once that most texts have none.
_MAY_BE_SPACED = re2.compile(
    rf"{_ONE_WORD}(?:[ ,-]{{1,2}}{_ONE_WORD}){{3}}|[\pL\pN](?:[ \n.,:;/|+_·•-]{{1,3}}[\pL\pN]){{3}}".encode()
)
_MAY_BE_LEET = re2.compile(rb"[a-z][013457@$]|[013457@$!|+][a-z]")


def _digit_words(view: View) -> View:
    edits = []
    for run in _DIGIT_WORDS.finditer(view.text):
        words = [(w.start(), w.end(), _DIGIT_WORD[w.group()]) for w in _WORD.finditer(view.text, *run.span())]
        # One character each, standing for the first letter; the next edit closes the gaps.
        edits += [(start, end, digit, (start,)) for start, end, digit in words]
    if not edits:
        return view
    edited = _edit(view, view.kind, edits)
    return _stretch_ends(edited)


def _stretch_ends(view: View) -> View:
    """A digit that stands for a word ends where the next character starts, so that spans cover whole words."""
    ends = list(view.ends)
    for i, after in enumerate(view.starts[1:]):
        ends[i] = max(ends[i], after)
    return view._replace(ends=ends)


def _join_spaced(view: View) -> View | None:
    """`r e f u n d` and `4 1 1 1` closed up; a wider or another gap than the run's own is a space between words."""
    worded = _digit_words(view)
    edits = []
    for run in _SPACED.finditer(worded.text):
        letters = list(_WORD.finditer(worded.text, *run.span()))
        gaps = [
            (worded.text[a.end() : b.start()], worded.starts[b.start()] - worded.ends[a.end() - 1])
            for a, b in pairwise(letters)
        ]
        width = min(size for _, size in gaps)
        own = next(gap for gap, size in gaps if size == width)
        new, origins = "", []
        for letter, (gap, size) in zip(letters, [*gaps, (own, width)], strict=True):
            apart = size > width or (gap != own and (" " in gap or "\n" in gap))
            new += letter.group() + (" " if apart else "")
            origins += [letter.start(), letter.end()] if apart else [letter.start()]
        edits.append((run.start(), run.end(), new, origins))
    if not edits and worded is view:
        return None
    return _edit(worded, "joined", edits)


_LEET_WORD = re.compile(r"[a-z0-9@$!|+]{3,}")
_LEET_MIX = re.compile(r"[a-z][013457@$]|[013457@$!|+][a-z]")
_LEET = str.maketrans("013457@$!|+", "oieastasilt")


def _unleet(view: View) -> View | None:
    def plain(found: re.Match[str]) -> str:
        word = found.group()
        if not _LEET_MIX.search(word):
            return word
        stem = word.rstrip("!|+")  # a mark at the end is punctuation
        return stem.replace("11", "ll").translate(_LEET) + word[len(stem) :]

    text = _LEET_WORD.sub(plain, view.text)
    return None if text == view.text else View("leet", text, view.starts, view.ends)


def read(text: str) -> Reading:
    """Every view of a text that differs from the plain one, the plain one first. Linear in the text's length."""
    cased = _clean(text)
    plain = _lower(cased, "plain")
    views = [plain]
    if not text.isascii() and any(a.isalnum() and is_invisible(b) for a, b in pairwise(text)):
        split = _lower(_clean(text, invisible=" "), "split")
        if split.text != plain.text:
            views.append(split)
    if "<" in text and any(found["tag"] for found in _MARKUP.finditer(text)):
        views.append(_lower(_clean(text, tags=True), "tags"))
    if "<!--" in text:
        views.append(_lower(_clean(text, shown=True), "shown"))
    data = plain.text.encode()
    joined = _join_spaced(plain) if _MAY_BE_SPACED.search(data) else None
    if joined is not None:
        views.append(joined)
    leet = _unleet(plain) if _MAY_BE_LEET.search(data) else None
    if leet is not None:
        views.append(leet)
    return Reading(cased, tuple(views))
