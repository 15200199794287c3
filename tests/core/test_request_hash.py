from decimal import Context, Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.requesthash import RequestHashError, decimal_text, request_hash

REFUND = {"type": "refund", "amount": "240", "currency": "EUR"}
REQUEST = {
    "case_id": "case_01",
    "draft_version": 2,
    "text": "Hi Zoë \U0001f44b\nDone.",
    "recipient": "cust_9",
    "channel": "email",
    "action": REFUND,
    "policy_snapshot": "abc",
}


def hash_with(**changes):
    return request_hash(**{**REQUEST, **changes})


def refund(amount):
    return hash_with(action={**REFUND, "amount": amount})


def test_the_hash_is_sha256_of_the_canonical_object():
    # sha256sum of, in UTF-8 and on one line:
    # {"action":{"amount":"240","currency":"EUR","type":"refund"},"case_id":"case_01","channel":"email",
    # "draft_version":2,"policy_snapshot":"abc","recipient":"cust_9","text":"Hi Zoë 👋\nDone."}
    assert hash_with() == "54c195920bbc2885ead94bff51043cb63a2fe7dec1ceacc4e7128cc689fd43da"


def test_a_reply_without_an_action_hashes_a_null():
    # sha256sum of {"action":null,"case_id":"case_01","channel":"chat","draft_version":1,
    # "policy_snapshot":"abc","recipient":"cust_9","text":"Hello"}
    plain = hash_with(draft_version=1, text="Hello", channel="chat", action=None)
    assert plain == "03c15f698a23cd992386b2dbcda71c6067d78f42a7529aa1869256846e6df58f"


@pytest.mark.parametrize(
    "changes",
    [
        {"case_id": "case_02"},
        {"draft_version": 3},
        {"text": "Hi Zoë \U0001f44b\nDone"},
        {"text": "Hi Zoe\u0308 \U0001f44b\nDone."},
        {"text": "Hi Zoë \U0001f44b\r\nDone."},
        {"recipient": "cust_8"},
        {"channel": "chat"},
        {"policy_snapshot": "abd"},
        {"action": None},
        {"action": {**REFUND, "type": "credit"}},
        {"action": {**REFUND, "currency": "USD"}},
        {"action": {**REFUND, "currency": None}},
        {"action": {**REFUND, "amount": "241"}},
        {"action": {**REFUND, "amount": None}},
        {"action": {**REFUND, "amount": "about 240"}},
    ],
)
def test_every_field_counts_to_the_character(changes):
    assert hash_with(**changes) != hash_with()


@pytest.mark.parametrize("amount", ["240.00", "240.0", "0240", Decimal("240"), Decimal("2.4E+2")])
def test_one_amount_has_one_hash_however_it_was_written(amount):
    assert refund(amount) == refund("240")


def test_an_amount_nobody_could_read_is_hashed_as_it_came():
    unreadable = ["two hundred", "240 EUR", "2,40", "NaN", "1e400000000", "9" * 61, "\u0662\u0664\u0660"]
    assert len({refund(amount) for amount in [*unreadable, "240", "", None]}) == len(unreadable) + 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("240.00", "240"),
        ("0.10", "0.1"),
        ("1E+3", "1000"),
        ("-0", "0"),
        ("-0.00", "0"),
        ("0E+7", "0"),
        ("0E-999999", "0"),
        ("100", "100"),
        ("-12.50", "-12.5"),
        ("1E-7", "0.0000001"),
        ("12345678901234567890123456789.012300", "12345678901234567890123456789.0123"),
    ],
)
def test_amounts_are_written_one_way(value, text):
    assert decimal_text(Decimal(value)) == text


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6))
def test_decimal_text_keeps_the_value_and_the_form(value):
    text = decimal_text(value)
    assert Decimal(text) == value
    assert "E" not in text
    assert "." not in text or not text.endswith(("0", "."))
    assert text != "-0"


def test_a_small_decimal_context_rounds_nothing():
    with localcontext(Context(prec=3)):
        assert decimal_text(Decimal("123456.70")) == "123456.7"


@pytest.mark.parametrize("value", ["NaN", "sNaN", "Infinity", "-Infinity", "1E+999999", "1E-999999"])
def test_amounts_without_a_short_form_are_refused(value):
    with pytest.raises(RequestHashError, match="amount"):
        decimal_text(Decimal(value))


@pytest.mark.parametrize(
    ("field", "changes"),
    [
        ("text", {"text": "half a smile \ud83d"}),
        ("recipient", {"recipient": None}),
        ("case_id", {"case_id": 7}),
        ("draft_version", {"draft_version": True}),
        ("draft_version", {"draft_version": "1"}),
        ("draft_version", {"draft_version": -1}),
        ("action", {"action": {**REFUND, "irreversible": True}}),
        ("action", {"action": {"type": "refund"}}),
        ("action.type", {"action": {**REFUND, "type": None}}),
        ("action.amount", {"action": {**REFUND, "amount": 240.0}}),
        ("action.currency", {"action": {**REFUND, "currency": 978}}),
    ],
)
def test_what_cannot_be_hashed_names_its_field(field, changes):
    with pytest.raises(RequestHashError, match=f"^{field}: "):
        hash_with(**changes)
