"""Masked copies of a text, for logs and for people who need not see the data."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

from app.core.findings import Finding

_DOTS = "•••"
_HIDDEN = "••••"
# The last four digits are how people name a card or a phone; a shorter number would be given away by them.
_FEWEST_DIGITS = {"CREDIT_CARD": 12, "PHONE": 7}


def mask(text: str, findings: Iterable[Finding], *, contact: bool, sensitive: bool = True) -> str:
    """A copy with personal data hidden: `contact` and `sensitive` say which kinds. Lengths are not kept."""
    chosen = sorted(
        (f.start, f.end, f.entity) for f in findings if f.entity is not None and (sensitive if f.sensitive else contact)
    )
    out: list[str] = []
    done = 0
    at = 0
    while at < len(chosen):
        start, end, entity = chosen[at]
        at += 1
        alone = True
        while at < len(chosen) and chosen[at][0] < end:
            # Where two overlap neither form is safe to show.
            alone &= chosen[at] == (start, end, entity)
            end = max(end, chosen[at][1])
            at += 1
        out += (text[done:start], _masked(text[start:end], entity) if alone else _HIDDEN)
        done = end
    out.append(text[done:])
    return "".join(out)


def _masked(value: str, entity: str) -> str:
    if entity in _FEWEST_DIGITS:
        digits = [str(d) for c in value if (d := unicodedata.decimal(c, None)) is not None]
        if len(digits) >= _FEWEST_DIGITS[entity] and not any(c.isalpha() for c in value):
            return _HIDDEN + "".join(digits[-4:])
    if entity == "EMAIL":
        return _masked_email(value)
    return _HIDDEN


def _masked_email(value: str) -> str:
    local, at, host = value.partition("@")
    name, dot, ending = host.rpartition(".")
    if not (at and dot and name and ending.isascii() and ending.isalpha() and len(ending) <= 12):
        return _HIDDEN
    return f"{_first(local)}{_DOTS}@{_first(name)}{_DOTS}.{ending}"


def _first(part: str) -> str:
    return part[0] if len(part) > 2 and part[0].isalnum() else ""
