"""Checks that a stretch which looks like an identifier is one: checksums, ranges, the phone library.

A validator gets a `Candidate` and returns the slice of the view that really is the identifier, or None. Patterns may
match too much (a card number and the order number after it); validators narrow it down. Each does bounded work.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import NamedTuple

import phonenumbers

from app.core.guards.national_ids import is_national_id
from app.core.guards.normalise import View

Slice = tuple[int, int]


class Candidate(NamedTuple):
    view: View
    start: int
    end: int
    original: str
    regions: tuple[str, ...] = ()
    allowed_hosts: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return self.view.text[self.start : self.end]


Validator = Callable[[Candidate], Slice | None]

# Leading digits, lengths: enough to tell a card from any other long number that happens to pass Luhn.
_CARD_RANGES: tuple[tuple[int, int, tuple[int, ...]], ...] = (
    (3400, 3499, (15,)),
    (3700, 3799, (15,)),
    (5100, 5599, (16,)),
    (2221, 2720, (16,)),
    (4000, 4999, (16, 13, 19)),
    (6011, 6011, (16, 19)),
    (6440, 6599, (16, 19)),
    (6200, 6299, (16, 17, 18, 19)),
    (3528, 3589, (16, 17, 18, 19)),
    (1800, 1800, (15,)),
    (2131, 2131, (15,)),
    (3000, 3059, (14, 16, 19)),
    (3600, 3699, (14, 16, 19)),
    (3800, 3999, (14, 16, 19)),
    (5000, 5099, (16, 15, 14, 13, 12, 17, 18, 19)),
    (5600, 5999, (16, 15, 14, 13, 12, 17, 18, 19)),
    (6000, 6999, (16, 15, 14, 13, 12, 17, 18, 19)),
)
_DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_MOST_DIGITS = 48

# ISO 13616 lengths of the registry's countries.
_IBAN_LENGTH = {
    country: length
    for length, countries in {
        15: "NO",
        16: "BE",
        18: "DK FI FO GL NL",
        19: "MK SI",
        20: "AT BA EE KZ LT LU XK",
        21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA",
        23: "AE GI IL IQ OM TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST",
        26: "IS TR",
        27: "BI FR GR IT MC SM",
        28: "AL AZ BY CY DO GT HU LB NI PL SV",
        29: "BR EG PS QA UA",
        30: "JO KW MU YE",
        31: "MT SC",
        32: "LC",
    }.items()
    for country in countries.split()
}


def luhn(digits: str) -> bool:
    """True when the last digit is the Luhn check digit of those before it."""
    total = sum(map(int, digits[-1::-2])) + sum(_DOUBLED[int(d)] for d in digits[-2::-2])
    return total % 10 == 0


def _alnum_at(candidate: Candidate) -> list[int]:
    text = candidate.view.text
    return [i for i in range(candidate.start, candidate.end) if text[i].isalnum()]


def _card_length(digits: str) -> int | None:
    head = int(digits[:4])
    for low, high, lengths in _CARD_RANGES:
        if low <= head <= high:
            for length in lengths:
                if len(digits) >= length and luhn(digits[:length]) and len(set(digits[:length])) > 1:
                    return length
    return None


def credit_card(candidate: Candidate) -> Slice | None:
    """A card number of a known range with a good check digit, starting at any digit group of the candidate."""
    where = _alnum_at(candidate)[:_MOST_DIGITS]
    digits = "".join(candidate.view.text[i] for i in where)
    for first in range(len(digits) - 11):
        if first and where[first] == where[first - 1] + 1:
            continue
        length = _card_length(digits[first:])
        if length is None:
            continue
        end = where[first + length - 1] + 1
        if first + length == len(digits) or where[first + length] > end:
            return where[first], end
    return None


def iban(candidate: Candidate) -> Slice | None:
    """Country, that country's length, mod-97; letters of a following word are left out."""
    where = _alnum_at(candidate)
    text = candidate.view.text
    length = _IBAN_LENGTH.get((text[where[0]] + text[where[1]]).upper(), 99)
    if len(where) < length:
        return None
    end = where[length - 1] + 1
    if end < len(text) and text[end].isalnum():
        return None
    code = "".join(text[i] for i in where[:length])
    if not code.isascii():
        return None
    if int("".join(str(int(c, 36)) for c in code[4:] + code[:4])) % 97 != 1:
        return None
    return candidate.start, end


def us_ssn(candidate: Candidate) -> Slice | None:
    """Nine digits in the ranges the administration gives out; tax ids in the same form (9xx) count too."""
    digits = "".join(c for c in candidate.text if c.isdigit())
    good = (
        len(digits) == 9
        and digits[:3] not in ("000", "666")
        and digits[3:5] != "00"
        and digits[5:] != "0000"
        and len(set(digits)) > 1
    )
    return (candidate.start, candidate.end) if good else None


# Ways to write a North American number; the other ways to write ten digits are order numbers.
_NANP = re.compile(r"(?:1[ .-])?\(?[2-9]\d\d\)?[ .-]{0,2}\d{3}[ .-]\d{4}(?: ?(?:x|ext\.?) ?\d{1,5})?")
_NOT_A_PHONE = re.compile(
    r"(?:19|20)\d\d([-/. ])(?:0?[1-9]|1[0-2])\1(?:[0-2]?\d|3[01])(?!\d)"  # 2024-05-31, and a time after it
    r"|(?:[0-2]?\d|3[01])([-/.])(?:[0-2]?\d|3[01])\2(?:19|20)?\d\d(?: +\d|\Z)"  # 31/05/2024
    r"|\d{1,3}(?:\.\d{1,3}){3}\Z"
    r"|97[89][- ]\d"  # a book
)
_GROUP = re.compile(r"\d+")


def _lines(candidate: Candidate) -> list[Slice]:
    """The candidate and its lines: a number ends with its line, whatever stands at the start of the next one."""
    view = candidate.view
    breaks = [
        i
        for i in range(candidate.start, candidate.end)
        if view.text[i] == " " and "\n" in candidate.original[view.starts[i] : view.ends[i]]
    ]
    starts = [candidate.start, *(i + 1 for i in breaks)]
    return list(zip(starts, [*breaks, candidate.end], strict=True))


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def phone(candidate: Candidate) -> Slice | None:
    """A number that the phone library calls valid, internationally or in a region of the rule, or written like one."""
    for start, end in _lines(candidate):
        text = candidate.view.text[start:end]
        regions: tuple[str | None, ...] = (None,) if text.startswith(("+", "00")) else candidate.regions
        if _phone_shape(text) and any(_is_phone(text, region) for region in regions):
            return start, end
    return None


@lru_cache(maxsize=256)
def _trunk_prefix(region: str) -> str:
    return phonenumbers.ndd_prefix_for_region(region, True) or ""


def _written_as_in(text: str, region: str) -> bool:
    """Groups of digits are anything at all; the prefix for calls within a country tells a phone number, or three
    groups where there is none. One group is left to the rule: its pattern or its context knows why."""
    groups = _GROUP.findall(text)
    prefix = _trunk_prefix(region)
    if len(groups) == 1:
        return True
    if prefix == "1":
        return _NANP.fullmatch(text) is not None
    return groups[0].startswith(prefix) if prefix else len(groups) >= 3


def _is_phone(text: str, region: str | None) -> bool:
    if region is not None and not _written_as_in(text, region):
        return False
    try:
        number = phonenumbers.parse("+" + text[2:] if text.startswith("00") else text, region)
    except phonenumbers.NumberParseException:
        return False
    # Numbers that are not given out yet (or never: 555) are still meant as phone numbers when so written.
    written = region is None or (_trunk_prefix(region) == "1" and _NANP.fullmatch(text) is not None)
    return phonenumbers.is_valid_number(number) or (written and phonenumbers.is_possible_number(number))


def _phone_shape(text: str) -> bool:
    """Whether a run of digits could be a phone number at all: long enough, and no date, time, address or book."""
    return 6 <= _digits(text) <= 17 and len(set(text)) >= 4 and not _NOT_A_PHONE.match(text)


def phone_shape(candidate: Candidate) -> Slice | None:
    """For rules whose context says that a phone number is meant: any number that is not plainly something else."""
    for start, end in _lines(candidate):
        if _phone_shape(candidate.view.text[start:end]):
            return start, end
    return None


def ip_address(candidate: Candidate) -> Slice | None:
    try:
        ipaddress.ip_address(candidate.text)
    except ValueError:
        return None
    return candidate.start, candidate.end


def national_id(candidate: Candidate) -> Slice | None:
    """A number with a good check digit (or whatever a country has instead) of one of the rule's regions."""
    good = is_national_id(candidate.text, candidate.regions)
    return (candidate.start, candidate.end) if good else None


def _national_id_of(region: str) -> Validator:
    return lambda candidate: national_id(candidate._replace(regions=(region,)))


_HOST = re.compile(r"(?:[a-z][a-z0-9+.-]{1,20}:)?[/\\]{0,4}([^/\\?#\s]*)")
_DOT = re.compile(r"\s*[\[({]\s*(?:\.|dot)\s*[\])}]\s*")


def _host(url: str) -> str:
    authority = _HOST.match(_DOT.sub(".", url))
    netloc = authority.group(1) if authority else ""
    return netloc.rsplit("@", 1)[-1].partition(":")[0].strip(".")


def host_allowed(host: str, allowed: tuple[str, ...]) -> bool:
    """`*.example.com` stands for every host below example.com, not for example.com itself."""
    return any(host == name or (name.startswith("*.") and host.endswith(name[1:])) for name in allowed)


def host_not_allowed(candidate: Candidate) -> Slice | None:
    """A link elsewhere. A link written with look-alikes or invisible characters is never an allowed one."""
    view = candidate.view
    start, end = view.span(candidate.start, candidate.end)
    plain = candidate.original[start:end].casefold() == candidate.text
    if candidate.start and view.text[candidate.start - 1] == "@" and "://" not in candidate.text:
        return None  # the host of an e-mail address
    allowed = plain and host_allowed(_host(candidate.text), candidate.allowed_hosts)
    return None if allowed else (candidate.start, candidate.end)


VALIDATORS: Mapping[str, Validator] = {
    "credit_card": credit_card,
    "iban": iban,
    "us_ssn": us_ssn,
    "phone": phone,
    "phone_shape": phone_shape,
    "ip_address": ip_address,
    "national_id": national_id,
    "es_national_id": _national_id_of("ES"),
    "fr_national_id": _national_id_of("FR"),
    "de_tax_id": _national_id_of("DE"),
    "host_not_allowed": host_not_allowed,
}
