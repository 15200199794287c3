"""The customer's own words: without quoted mail, by sentence, shortened between words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

_QUOTED = re.compile(
    r"^[ \t]{0,8}(?:-{2,20} ?(?:original message|ursprüngliche nachricht|message d'origine|mensaje original)"
    r"|(?:on|am|le|el) [^\n]{5,200}(?:wrote|schrieb|écrit|escribió)[^\n]{0,80}:[ \t]*$)",
    re.IGNORECASE | re.MULTILINE,
)
_END = re.compile(r"(?<=[.!?…])[\"'”»)]{0,2}\s+|\n\s*\n|\n(?=[ \t]*[-*•])")
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_SMALL_WORDS = {
    "en": "the and you my is to of it for not have was please this with that on i're are your can i",
    "de": "der die das und ich nicht ist ein eine mein meine bitte sie zu den mit für auf es wir haben ihr mir dem",
    "fr": "le la les des et je vous est une mon ma pour pas que qui de du nous avec ce dans bonjour merci votre",
    "es": "el los las y mi que por para una con es del en se lo hola gracias pedido favor su quiero está no",
}
_WORDS = {language: frozenset(words.split()) for language, words in _SMALL_WORDS.items()}
_WORD = re.compile(r"[^\W\d_]+")
_HEAD = 1_000  # characters that tell a language


def own_words(text: str) -> str:
    """Without the mail that was answered: what an agent wrote is not the customer's wish."""
    quoted = _QUOTED.search(text)
    own = text[: quoted.start()] if quoted and text[: quoted.start()].strip() else text
    if "\n>" not in own and not own.startswith(">"):
        return own
    kept = "\n".join(line for line in own.split("\n") if not line.lstrip().startswith(">"))
    return kept if kept.strip() else own


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Start and end of each sentence that says something."""
    start = 0
    for found in _END.finditer(text):
        if _LETTER_OR_DIGIT.search(text, start, found.start()):
            yield start, found.start()
        start = found.end()
    if _LETTER_OR_DIGIT.search(text, start):
        yield start, len(text)


def first_words(text: str, limit: int) -> str:
    """On one line, nothing hidden in it, and cut at a word's edge where it is too long."""
    seen = "".join(" " if c.isspace() else c for c in text[: limit * 8] if c.isspace() or _visible(c))
    line = " ".join(seen.split())
    if len(line) <= limit:
        return line
    cut = line.rfind(" ", limit // 2, limit)
    return line[: cut if cut > 0 else limit - 1].rstrip(" ,;:-") + "…"


def written_in(text: str) -> str:
    """`en`, `de`, `fr` or `es` by the small words, "" where they do not tell."""
    words = _WORD.findall(text[:_HEAD].lower())
    counts = {language: sum(word in small for word in words) for language, small in _WORDS.items()}
    best, other = sorted(counts, key=lambda language: -counts[language])[:2]
    return best if counts[best] > counts[other] else ""


def _visible(char: str) -> bool:
    return char == "\u200d" or unicodedata.category(char) not in ("Cf", "Cc", "Co", "Cn")
