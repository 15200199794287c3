"""Personal data in disguise (GU5): every trick on every kind of data is found as often as the plain text, and exactly
where it stands in the text as it was given."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable

import pytest

from app.core.findings import Entity
from app.core.guards import Rules, scan

ENOUGH = 0.95
# What stands around the value, the value, what it is. None of them is anybody's.
DATA: list[tuple[str, str, Entity]] = [
    *(
        ("Please charge {} today", number, "CREDIT_CARD")
        for number in (
            "4111 1111 1111 1111",
            "4012888888881881",
            "4222-2222-2222-2220",
            "5555 5555 5555 4444",
            "5105105105105100",
            "2223 0031 2200 3222",
            "378282246310005",
            "3714 496353 98431",
            "6011 1111 1111 1117",
            "6011000990139424",
            "3530 1113 3330 0000",
            "30569309025904",
        )
    ),
    *(
        ("Send the money to {} please", number, "IBAN")
        for number in (
            "DE89 3704 0044 0532 0130 00",
            "GB29NWBK60161331926819",
            "FR14 2004 1010 0505 0001 3M02 606",
            "ES9121000418450200051332",
            "IT60 X054 2811 1010 0000 0123 456",
            "NL91ABNA0417164300",
            "BE68 5390 0754 7034",
            "CH9300762011623852957",
        )
    ),
    *(
        ("my SSN is {} okay", number, "US_SSN")
        for number in (
            "536-22-8726",
            "219-09-9999",
            "457-55-5462",
            "321 54 9876",
            "123-45-6789",
            "601.23.4567",
            "078-05-1120",
            "212-66-4321",
        )
    ),
    *(
        ("Write to {} please", address, "EMAIL")
        for address in (
            "jo.doe@mail.example.org",
            "anna_schmidt@post.example.de",
            "x.y+shop@example.co.uk",
            "support99@shop.example.com",
            "marie-claire@poste.example.fr",
            "p.garcia@correo.example.es",
            "r2d2@droids.example.net",
            "info@a-b.example.io",
            "first.middle.last@mail.example.com",
            "q@mail.example.org",
        )
    ),
    *(
        ("Please call me at {} tonight", number, "PHONE")
        for number in (
            "+1 415 555 0132",
            "(415) 555-0132",
            "415-555-0132",
            "+44 7700 900123",
            "020 7946 0958",
            "+49 30 901820",
            "0171 2345678",
            "+33 6 12 34 56 78",
            "06 12 34 56 78",
            "+34 612 345 678",
        )
    ),
    *(
        ("My address on the net is {} today", address, "IP_ADDRESS")
        for address in (
            "203.0.113.7",
            "198.51.100.23",
            "192.0.2.146",
            "10.20.30.40",
            "2001:db8::8a2e:370:7334",
            "2001:db8:85a3:8d3:1319:8a2e:370:7348",
        )
    ),
    *(
        ("my national id number is {} thanks", number, "NATIONAL_ID")
        for number in (
            "12345678Z",
            "X1234567L",
            "2 55 08 14 168 025 38",
            "86 095 742 719",
            "AB 12 34 56 C",
            "RSSMRA85T10A562S",
            "529.982.247-25",
            "811228-9874",
            "756.9217.0769.85",
            "2341 2341 2346",
        )
    ),
]
SPOKEN = dict(
    zip("0123456789", ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"], strict=True)
)
LOOK_ALIKES = str.maketrans("aeopcxyABEHKMOPCTX", "аеорсхуАВЕНКМОРСТХ")

Trick = Callable[[str], str]


def between(mark: str) -> Trick:
    """A mark between all letters and digits; what stood between them stays away, as who spaces out does."""
    return lambda value: mark.join(c for c in value if c.isalnum())


def each(change: Callable[[str], str]) -> Trick:
    return lambda value: "".join(map(change, value))


def in_the_middle(mark: str) -> Trick:
    return lambda value: value[: len(value) // 2] + mark + value[len(value) // 2 :]


NUMBERS: frozenset[Entity] = frozenset({"CREDIT_CARD", "US_SSN", "PHONE"})
WITH_LETTERS: frozenset[Entity] = frozenset({"EMAIL", "IBAN", "NATIONAL_ID"})
EVERY: frozenset[Entity] = NUMBERS | WITH_LETTERS | {"IP_ADDRESS"}
# Where a trick makes no sense: dots and signs are part of e-mail and IP addresses, so taking them out leaves none;
# look-alikes are letters; spoken digits are for values that are all digits; leetspeak writes words with digits, and a
# number is digits already, while an e-mail address in leetspeak is another address.
TRICKS: dict[str, tuple[Trick, frozenset[Entity]]] = {
    "full width": (each(lambda c: chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c), EVERY),
    "mathematical digits": (each(lambda c: chr(0x1D7CE + int(c)) if c.isdigit() else c), EVERY),
    "digits of another script": (each(lambda c: chr(0x0660 + int(c)) if c.isdigit() else c), EVERY),
    "zero width spaces": (lambda value: "\u200b".join(value), EVERY),
    "zero width joiners": (lambda value: "\u200d".join(value), EVERY),
    "soft hyphens": (lambda value: "\u00ad".join(value), EVERY),
    "word joiners": (lambda value: "\u2060\ufeff".join(value), EVERY),
    "bidi controls inside": (in_the_middle("\u202e\u202c\u2066\u2069"), EVERY),
    "bidi controls around all": (each(lambda c: f"\u202a{c}\u202c"), EVERY),
    "look-alikes": (lambda value: value.translate(LOOK_ALIKES), WITH_LETTERS),
    "combining marks": (each(lambda c: c + "\u0301"), EVERY),
    "combining strokes": (each(lambda c: c + "\u0336" if c.isalnum() else c), EVERY),
    "spaced out": (between(" "), NUMBERS | {"IBAN"}),
    "hyphens between": (between("-"), NUMBERS | {"IBAN"}),
    "dots between": (between("."), NUMBERS | {"IBAN"}),
    "underscores between": (between("_"), NUMBERS | {"IBAN"}),
    "digit words": (lambda value: " ".join(SPOKEN[c] for c in value if c.isdigit()), NUMBERS),
    "comments inside": (in_the_middle("<!-- x -->"), EVERY),
    "mark-up inside": (in_the_middle("<b></b>"), EVERY),
    "entities": (each(lambda c: f"&#{ord(c)};"), EVERY),
    "hexadecimal entities": (each(lambda c: f"&#x{ord(c):x};"), EVERY),
    "tag characters": (each(lambda c: chr(0xE0000 + ord(c))), EVERY),
}


def found_at(rules: Rules, text: str, value: str, entity: Entity) -> bool:
    """Whether one finding of this entity covers exactly the value: nothing of it left, nothing of its neighbours."""
    start = text.index(value)
    end = start + len(value)
    covering = [f for f in scan(text, "input", rules) if f.entity == entity and f.start < end and start < f.end]
    return len(covering) == 1 and bare(text, covering[0].start, start) and bare(text, end, covering[0].end)


def bare(text: str, a: int, b: int) -> bool:
    """Marks without ink at the edge of a value may go with it; letters, digits and spaces may not."""
    return not re.search(r"[\w\s]", text[min(a, b) : max(a, b)])


def recall(rules: Rules, trick: Trick, entities: frozenset[Entity]) -> tuple[float, list[str]]:
    chosen = [(around, trick(value), entity) for around, value, entity in DATA if entity in entities]
    missed = [v for around, v, entity in chosen if not found_at(rules, around.format(v), v, entity)]
    return 1 - len(missed) / len(chosen), missed


def test_plain_data_is_found_whole(rules: Rules) -> None:
    assert len(DATA) >= 60
    assert len({entity for _, _, entity in DATA}) == 7
    assert recall(rules, str, EVERY) == (1.0, [])


@pytest.mark.parametrize("name", TRICKS)
def test_disguised_data_is_found_as_often(rules: Rules, name: str) -> None:
    trick, entities = TRICKS[name]
    share, missed = recall(rules, trick, entities)
    assert share >= ENOUGH, missed


@pytest.mark.parametrize("name", TRICKS)
def test_each_trick_changes_the_value(name: str) -> None:
    trick, entities = TRICKS[name]
    changed = [trick(value) != value for _, value, entity in DATA if entity in entities]
    assert sum(changed) >= 0.5 * len(changed)


def test_encoded_data_is_found_at_its_code(rules: Rules) -> None:
    missed = []
    for around, value, entity in DATA:
        code = base64.b64encode(f"hello there, {around.format(value)}".encode()).decode()
        text = f"note {code} end"
        where = {text[f.start : f.end] for f in scan(text, "input", rules) if f.entity == entity}
        if where != {code}:
            missed.append(value)
    assert len(missed) <= (1 - ENOUGH) * len(DATA), missed


@pytest.mark.parametrize(
    "text",
    [
        "m y  c a r d  i s  4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "card ４１１１-１１１１\u200b-1111-<!-- x -->1111",
        "4\u0336111 1111 &#49;111 1111 is the card",
    ],
)
def test_tricks_may_be_mixed(rules: Rules, text: str) -> None:
    assert any(f.entity == "CREDIT_CARD" for f in scan(text, "input", rules))
