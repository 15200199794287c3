"""Amounts of money as people write them: `1,234.56`, `1.234,56`, `1 234,56`, with a currency before or after."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal

from app.core.understanding.hits import Hit

_DOLLARS = ("USD", "CAD", "AUD", "NZD", "SGD", "HKD", "MXN")
_CROWNS = ("SEK", "NOK", "DKK")
_CODES = (
    "USD EUR GBP CHF CAD AUD NZD SGD HKD MXN JPY CNY INR BRL ZAR SEK NOK DKK PLN CZK HUF RON BGN TRY AED SAR ILS KRW"
)
# What people write for a currency. One name stands for a whole family: there the customer's own currency decides.
_NAMES: dict[str, str] = {code.lower(): code for code in _CODES.split()} | {
    **dict.fromkeys(("€", "euro", "euros", "eu€"), "EUR"),
    **dict.fromkeys(("£", "pound", "pounds", "quid", "libras"), "GBP"),
    **dict.fromkeys(("us$", "u.s. dollars", "us dollars"), "USD"),
    **dict.fromkeys(("ca$", "c$", "canadian dollars"), "CAD"),
    **dict.fromkeys(("au$", "a$", "australian dollars"), "AUD"),
    **dict.fromkeys(("nz$",), "NZD"),
    **dict.fromkeys(("s$",), "SGD"),
    **dict.fromkeys(("hk$",), "HKD"),
    **dict.fromkeys(("mx$",), "MXN"),
    **dict.fromkeys(("r$", "reais"), "BRL"),
    **dict.fromkeys(("¥", "yen"), "JPY"),
    **dict.fromkeys(("₹", "rs", "rs.", "rupees", "rupee"), "INR"),
    **dict.fromkeys(("fr.", "franken", "sfr", "swiss francs"), "CHF"),
    **dict.fromkeys(("zł", "zloty", "złoty"), "PLN"),
    "kč": "CZK",
    **dict.fromkeys(("$", "dollar", "dollars", "dólares", "dolares", "bucks"), "dollar"),
    **dict.fromkeys(("kr", "kr.", "kronor", "kroner"), "crown"),
}
_BEFORE = [n for n in _NAMES if not n.isalpha() or n.upper() in _NAMES.values() or n in ("rs", "kr", "sfr")]
_GAP = "[ \u00a0\u202f]?"
_DIGITS = (
    r"(?:[0-9]{1,3}(?:[.,'’ \u00a0\u202f][0-9]{3}){1,4}(?:[.,][0-9]{1,2})?"
    r"|[0-9]{1,10}(?:[.,](?:[0-9]{1,2}|[-–—]{1,2}))?)(?![.,]?[0-9])"
)
_SCALE = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}
_SCALED = rf"(?:{_GAP}(?P<scale>k|m|thousand|million)(?![^\W\d_]))?"
_WEIGHED = r"(?! (?:of|heavy|heavier|lighter|overweight)\b)"


def _any(names: list[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))


_PREFIXED = re.compile(rf"(?<![^\W_])(?P<currency>{_any(_BEFORE)}){_GAP}(?P<number>{_DIGITS}){_SCALED}", re.IGNORECASE)
_SUFFIXED = re.compile(
    rf"(?<![\w.,])(?P<number>{_DIGITS}){_SCALED}(?:{_GAP}|-)(?P<currency>{_any(list(_NAMES))})(?![^\W_]){_WEIGHED}"
    r"(?: and (?P<cents>[0-9]{1,2}) cents?\b)?",
    re.IGNORECASE,
)
_UNITS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = dict(
    zip(["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"], range(20, 100, 10), strict=True)
)
_SMALL = {word: value for value, word in enumerate(_UNITS)} | _TENS | {"a": 1}
_NUMERAL = f"(?:{'|'.join([*_SMALL, 'hundred', 'thousand'])})"
_SPELLED = re.compile(
    r"(?<![\w-])(?<!couple )(?<!couple of )(?<!few )(?<!several )"
    rf"(?P<number>{_NUMERAL}(?:[ -](?:and )?{_NUMERAL}){{0,8}}) "
    rf"(?P<currency>{_any([n for n in _NAMES if n.isalpha()])})(?![^\W_]){_WEIGHED}",
    re.IGNORECASE,
)


def find_amounts(text: str, home: str = "") -> Iterator[Hit]:
    """Values such as `1234.56 EUR`. `home` is the customer's currency: it decides which dollar or crown is meant."""
    taken = -1
    found = [m for pattern in (_PREFIXED, _SUFFIXED, _SPELLED) for m in pattern.finditer(text)]
    for match in sorted(found, key=lambda m: (m.start(), -m.end())):
        if match.start() < taken:
            continue
        number = _spelled(match["number"]) if match.re is _SPELLED else _read(match["number"])
        if number is None:
            continue
        taken = match.end()
        said = match.groupdict()
        amount = (number * _SCALE[said["scale"].lower()]).normalize() if said.get("scale") else number
        if said.get("cents") and amount == int(amount):
            amount += Decimal(said["cents"]) / 100
        yield Hit(match.start(), match.end(), f"{_written(amount)} {_currency(match['currency'], home.upper())}")


def _currency(name: str, home: str) -> str:
    """ISO code; a crown of a country nobody named stays `kr`."""
    code = _NAMES[name.lower()]
    if code == "dollar":
        return home if home in _DOLLARS else "USD"
    if code == "crown":
        return home if home in _CROWNS else "kr"
    return code


def _read(number: str) -> Decimal:
    """The last mark is the decimal one, unless three digits follow it or it stands there twice."""
    plain = re.sub("['’ \u00a0\u202f–—-]", "", number).rstrip(".,")
    mark = max(plain.rfind("."), plain.rfind(","))
    if mark < 0:
        return Decimal(plain)
    grouped = plain.count(plain[mark]) > 1 or len(plain) - mark - 1 == 3
    whole = re.sub("[.,]", "", plain if grouped else plain[:mark])
    return Decimal(whole if grouped else f"{whole}.{plain[mark + 1 :]}")


def _spelled(words: str) -> Decimal | None:
    """`two hundred and twenty-five`; None where the words make no number."""
    total = current = 0
    read = [word for word in re.split("[ -]", words.lower()) if word != "and"]
    if read == ["a"]:
        return None
    for word in read:
        if word == "hundred":
            current = max(current, 1) * 100
        elif word == "thousand":
            total, current = total + max(current, 1) * 1_000, 0
        elif current % 10 and _SMALL[word]:
            return None
        else:
            current += _SMALL[word]
    return Decimal(total + current)


def _written(amount: Decimal) -> str:
    """Cents always have two digits."""
    text = f"{amount:f}"
    if "." not in text:
        return text
    whole, _, cents = text.partition(".")
    cents = cents.rstrip("0") if len(cents) > 2 else cents
    return f"{whole}.{cents:0<2}" if cents else whole
