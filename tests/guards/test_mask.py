from __future__ import annotations

import pytest

from app.core.findings import Entity, Finding
from app.core.guards import Rules, mask, scan


def a_finding(start: int, end: int, entity: Entity | None, sensitive: bool = False) -> Finding:
    return Finding(
        rule_id="r",
        rule_version="1",
        type="pii",
        action="masked",
        start=start,
        end=end,
        entity=entity,
        sensitive=sensitive,
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("card 4111 1111 1111 1111 ok", "card ••••1111 ok"),
        ("card ４１１１１１１１１１１１１１１１ ok", "card ••••1111 ok"),
        ("ring +49 30 901820 ok", "ring ••••1820 ok"),
        ("to jane.doe@example.org ok", "to j•••@e•••.org ok"),
        ("to j@x.de ok", "to •••@•••.de ok"),
        ("ssn 536-22-8726 ok", "ssn •••• ok"),
        ("iban DE89370400440532013000 ok", "iban •••• ok"),
        ("my name is Dana", "my name is ••••"),
    ],
)
def test_forms(rules: Rules, text: str, expected: str) -> None:
    assert mask(text, scan(text, "input", rules), contact=True) == expected


def test_contact_and_sensitive_are_chosen_apart(rules: Rules) -> None:
    text = "536-22-8726 jane@example.org"
    found = scan(text, "input", rules)
    assert mask(text, found, contact=False) == "•••• jane@example.org"
    assert mask(text, found, contact=True, sensitive=False) == "536-22-8726 j•••@e•••.org"


def test_overlaps_and_short_numbers_give_nothing_away() -> None:
    text = "4111111111111111"
    both = [a_finding(0, 16, "CREDIT_CARD", True), a_finding(4, 16, "PHONE")]
    assert mask(text, both, contact=True) == "••••"
    assert mask("4821", [a_finding(0, 4, "CREDIT_CARD", True)], contact=True) == "••••"
    assert mask("123456", [a_finding(0, 6, "PHONE")], contact=True) == "••••"


def test_findings_without_an_entity_change_nothing() -> None:
    assert mask("hello", [a_finding(0, 5, None)], contact=True) == "hello"


def test_encoded_payload_with_personal_data_is_masked_whole(rules: Rules) -> None:
    text = "see bXkgY2FyZCBpcyA0MTExIDExMTEgMTExMSAxMTExIG9rYXkgdGhlbiBteSBmcmllbmQ= now"
    assert mask(text, scan(text, "input", rules), contact=True) == "see •••• now"
