"""Reading amounts as people and programs write them."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation


def read_amount(value: str) -> tuple[Decimal | None, str]:
    """A plain decimal number, or (None, the text) when nobody can be sure what it says: then a person decides."""
    text = value.strip()
    try:
        amount = Decimal(text)
    except InvalidOperation:
        return None, text
    if not amount.is_finite() or abs(amount.adjusted()) > 18 or "_" in text:
        return None, text
    return amount, ""
