"""The request hash: what a decision binds to."""

from __future__ import annotations

import re
from decimal import Decimal
from hashlib import sha256
from typing import TypedDict

import rfc8785

from app.core.errors import CountersignError

# Money fits many times over; without a bound, `1E+999999999` would be written out digit by digit.
MAX_AMOUNT_DIGITS = 60
_PLAIN_DECIMAL = re.compile(r"-?[0-9]{1,60}(\.[0-9]{1,60})?")


class RequestHashError(CountersignError, ValueError):
    """A field that cannot be hashed; the message names it."""


class HashedAction(TypedDict):
    """The action a reply promises. `amount`: a decimal, or text nobody could read, hashed as it came."""

    type: str
    amount: Decimal | str | None
    currency: str | None


def request_hash(
    *,
    case_id: str,
    draft_version: int,
    text: str,
    recipient: str,
    channel: str,
    action: HashedAction | None,
    policy_snapshot: str,
) -> str:
    """SHA-256, lower-case hex, over the RFC 8785 form of exactly these seven fields.

    Text is taken as it is, without Unicode normalisation: two texts that only look alike are two requests.
    Raises RequestHashError.
    """
    fields: dict[str, str | int | dict[str, str | None] | None] = {
        "case_id": _text("case_id", case_id),
        "draft_version": _version(draft_version),
        "text": _text("text", text),
        "recipient": _text("recipient", recipient),
        "channel": _text("channel", channel),
        "action": None if action is None else _action(action),
        "policy_snapshot": _text("policy_snapshot", policy_snapshot),
    }
    return sha256(rfc8785.dumps(fields)).hexdigest()


def decimal_text(value: Decimal) -> str:
    """The one way to write an amount: no exponent, no trailing zeros, no minus before zero.

    Exact whatever the decimal context. Raises RequestHashError for NaN, infinity, more than 60 digits a side.
    """
    if not value.is_finite():
        raise RequestHashError(f"amount: {value} is not a number")
    if not value:
        return "0"
    if value.adjusted() >= MAX_AMOUNT_DIGITS or _exponent(value) < -MAX_AMOUNT_DIGITS:
        raise RequestHashError(f"amount: more than {MAX_AMOUNT_DIGITS} digits before or after the point")
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _exponent(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return exponent if isinstance(exponent, int) else 0


def _action(action: HashedAction) -> dict[str, str | None]:
    if set(action) != {"type", "amount", "currency"}:
        raise RequestHashError("action: exactly type, amount and currency expected")
    currency = action["currency"]
    return {
        "type": _text("action.type", action["type"]),
        "amount": _amount(action["amount"]),
        "currency": None if currency is None else _text("action.currency", currency),
    }


def _amount(amount: Decimal | str | None) -> str | None:
    if amount is None:
        return None
    if isinstance(amount, Decimal):
        return decimal_text(amount)
    text = _text("action.amount", amount)
    return decimal_text(Decimal(text)) if _PLAIN_DECIMAL.fullmatch(text) else text


def _version(value: int) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 1 << 53:
        raise RequestHashError("draft_version: a whole number from 0 expected")
    return value


def _text(field: str, value: str) -> str:
    if not isinstance(value, str):
        raise RequestHashError(f"{field}: text expected")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise RequestHashError(f"{field}: it holds a lone surrogate, which no text has") from None
    return value
