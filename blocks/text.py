"""Words for Slack: clipped, split, masked and disarmed, so that no customer text ever acts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal

from app.core.findings import Finding
from app.core.guards import mask

# Joiner and variation selectors hold emoji together; every other format character only hides or reorders.
_KEPT_FORMAT = frozenset("\u200d\ufe0e\ufe0f")
_GLUE = frozenset("\u200d\ufe0e\ufe0f") | {chr(c) for c in range(0x1F3FB, 0x1F400)}
_HIDDEN_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")
_ODD = re.compile(r"[^ -~\n\t\r]")  # all that could be hidden; the rest needs no look at the Unicode tables
_SPACES = re.compile(r"\s+")
_WORD_JOINER = "\u2060"
# Where Slack would make a link or a mention of plain words, and the marks it reads as formatting.
_LIVE = re.compile(r"(?<=@)(?=\w)|(?<=\w:)(?=//)|(?<=\w\.)(?=[^\W\d_])|(?<=mailto)(?=:)|(?<=#)(?=\w)")
_MARKS = str.maketrans({"*": "∗", "_": "＿", "~": "∼", "`": "ˋ"})
_USER_ID = re.compile(r"[UW][A-Z0-9_]{1,30}")
_URL = re.compile(
    r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?"
)


def escape(text: str) -> str:
    """Slack's three control characters, disarmed; for text that has to stand inside mrkdwn or `text`."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def clip(text: str, limit: int) -> str:
    """At most `limit` characters, the last one an ellipsis where something was cut."""
    return text if len(text) <= limit else text[: _cut(text, 0, limit - 1)].rstrip() + "…"


def is_hidden(char: str) -> bool:
    """A character nobody sees: it hides, reorders or pads text."""
    if char in _KEPT_FORMAT or char in "\n\t\r":
        return False
    return unicodedata.category(char) in ("Cf", "Cc", "Co", "Cn") or char in _HIDDEN_LETTERS


def hidden_count(text: str) -> int:
    return sum(is_hidden(match[0]) for match in _ODD.finditer(text))


def one_line(text: str, limit: int) -> str:
    """Text for a place in a line of ours: no line breaks, nothing hidden that could reorder its neighbours."""
    seen = _ODD.sub(lambda match: "" if is_hidden(match[0]) else match[0], text[: limit * 8])
    return clip(_SPACES.sub(" ", seen).strip(), limit)


def dead(text: str) -> str:
    """Foreign text for a message's `text`: no mention or link in it can come alive."""
    return escape(_LIVE.sub(_WORD_JOINER, text))


def prose(text: str, limit: int) -> str:
    """As `dead`, on one line and without formatting; for sentences, since it changes marks that ids are made of."""
    return dead(one_line(text, limit).translate(_MARKS))


def spelled(identifier: str, limit: int = 60) -> str:
    """`shipping_status` → "shipping status"."""
    return one_line(identifier.replace("_", " ").replace("-", " "), limit)


def article(noun: str) -> str:
    return f"{'an' if noun[:1].casefold() in tuple('aeiou') else 'a'} {noun}"


def counted(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def money(amount: Decimal, currency: str) -> str:
    """`240 EUR`, `1,250.50 USD`: no trailing zeros, cents always two digits."""
    if not amount.is_finite() or abs(amount.adjusted()) > 30:
        return one_line(f"{amount} {currency}", 60)
    whole = amount == amount.to_integral_value()
    digits = f"{amount:,.0f}" if whole else f"{amount:,f}".rstrip("0")
    if not whole and len(digits.rpartition(".")[2]) == 1:
        digits += "0"
    return one_line(f"{digits} {currency}", 60)


def percent(confidence: float) -> str:
    return f"{confidence * 100:.0f} %"


def when(at: datetime) -> str:
    """A time in the reader's own zone; mrkdwn."""
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{utc(at)}>" if showable(at) else utc(at)


def showable(at: datetime) -> bool:
    """A time Slack can put into the reader's zone; a deadline may be any year."""
    return 0 <= at.timestamp() <= 10**10


def utc(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")


def mention(user_id: str) -> str:
    """A live mention, or nothing for what is not a user id; mrkdwn."""
    return f"<@{user_id}>" if _USER_ID.fullmatch(user_id) else ""


def safe_url(url: str) -> str:
    """The URL if it is plain http(s) that cannot break out of a link, else empty."""
    return url if len(url) <= 2_000 and _URL.fullmatch(url) else ""


def masked(text: str, findings: Iterable[Finding]) -> str:
    """The text with sensitive and contact data hidden; people's names stay (OP7)."""
    return mask(text, [f for f in findings if f.sensitive or f.entity != "PERSON"], contact=True)


def chunks(text: str, size: int) -> Iterator[str]:
    """The text in order and complete, in pieces Slack takes, none cut between a letter and its marks."""
    start = 0
    while start < len(text):
        # Slack counts an emoji as two
        room = size - sum(c > "\uffff" for c in text[start : start + size])
        cut = _cut(text, start, start + max(room, 1), tidy=True)
        yield text[start:cut]
        start = cut


def _cut(text: str, start: int, end: int, *, tidy: bool = False) -> int:
    if end >= len(text):
        return len(text)
    for mark in ("\n", " ") if tidy else ():
        at = text.rfind(mark, max(start + 1, end - 400), end)
        if at > start:
            return at + 1
    cut = end
    floor = max(start + 1, end - 40)
    while cut > floor and (unicodedata.combining(text[cut]) or text[cut] in _GLUE or text[cut - 1] == "\u200d"):
        cut -= 1
    return cut if cut > floor else end
