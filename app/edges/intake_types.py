"""The scalars of intake: how an id, an amount, a time and a confidence are read, and what OpenAPI says of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any

import msgspec
from pydantic import AfterValidator, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from app.core.money import read_amount
from app.core.requesthash import RequestHashError, decimal_text

MAX_TEXT = 20_000
MAX_ID = 200
MAX_URL = 2_000
MAX_MONEY = 10**15  # policy conditions compute with doubles, exact that far
MAX_SIZE = 10**15

_NO_CONTROLS = "[^\\u0000-\\u0020\\u007f-\\u00a0]"
_ID_PATTERN = f"^{_NO_CONTROLS}([^\\u0000-\\u001f\\u007f-\\u009f]*{_NO_CONTROLS})?$"
# RFC 3339, where Python's own reader takes far more.
_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")
_TAG = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_YEARS = range(1970, 2200)


def fault(code: str, sentence: str) -> PydanticCustomError:
    """`sentence` goes to the caller as it is: it must not hold what they sent."""
    return PydanticCustomError(f"countersign_{code}", sentence.replace("{", "{{").replace("}", "}}"))


def _id(value: str) -> str:
    if not value.isprintable():
        raise fault("id", "must not hold control or invisible characters")
    if value != value.strip():
        raise fault("id", "must not begin or end with a space")
    return value


def _moment(value: Any) -> datetime:
    if not isinstance(value, str):
        raise fault("time", "a time as text expected, such as 2026-03-02T09:00:00Z")
    if not _TIMESTAMP.fullmatch(value):
        raise fault("time", "a time with an offset expected, such as 2026-03-02T09:00:00Z")
    try:
        moment = datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise fault("time", "there is no such time") from None
    if moment.year not in _YEARS:
        raise fault("time", f"a year from {_YEARS[0]} to {_YEARS[-1]} expected")
    return moment


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise fault("number", "a number expected")
    return Decimal(value)


def _size(value: Any) -> int:
    number = _number(value)
    if not 0 <= number <= MAX_SIZE or number != number.to_integral_value():
        raise fault("size", f"a whole number from 0 to {MAX_SIZE} expected")
    return int(number)


def _confidence(value: Any) -> float:
    number = _number(value)
    if not 0 <= number <= 1:
        raise fault("confidence", "a number from 0 to 1 expected")
    return float(number)


def _read(text: str) -> tuple[Decimal | None, str]:
    """As `read_amount`, and only what the request hash can hold."""
    amount, unread = read_amount(text)
    try:
        return (None, unread) if amount is None else (Decimal(decimal_text(amount)), "")
    except RequestHashError:
        return None, text.strip()


def _money(value: Any) -> Decimal:
    amount, _ = _read(value if isinstance(value, str) else str(_number(value)))
    if amount is None or not 0 <= amount <= MAX_MONEY:
        raise fault("money", f'a number or decimal text from 0 to {MAX_MONEY} expected, such as "12000.50"')
    return amount


class Amount(msgspec.Struct, frozen=True):
    """An amount as read, or None and the text of one that nobody can be sure of."""

    value: Decimal | None
    text: str = ""

    @property
    def written(self) -> str:
        """As text again: what was read, else what was sent."""
        return self.text if self.value is None else decimal_text(self.value)


def _amount(value: Any) -> Amount:
    """Never refuses a number or text: what cannot be read goes to a person, together with what is below zero."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise fault("amount", 'a number or decimal text expected, such as 49.90 or "49.90"')
    text = str(value)
    if len(text) > MAX_ID:
        raise fault("amount", f"at most {MAX_ID} characters")
    amount, unread = _read(text)
    if amount is None:
        return Amount(None, unread or '""')  # not an absent amount: somebody sent one and it was empty
    return Amount(amount) if amount >= 0 else Amount(None, text.strip())


def _metadata_value(value: Any) -> str:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str | int | Decimal):
        text = str(value)
    else:
        raise fault("metadata", "text, a number, true or false expected")
    if len(text) > 1_000:
        raise fault("metadata", "at most 1000 characters")
    return text


def _iso(value: str) -> str:
    if not (value.isascii() and value.isalpha()):
        raise fault("currency", "three letters expected, such as EUR")
    return value.upper()


def _tag(value: str) -> str:
    if not _TAG.fullmatch(value):
        raise fault("language", "a BCP 47 language tag expected, such as en or pt-BR")
    return value


def _lower(value: str) -> str:
    return value.strip().lower()


# `parse_object` refuses NUL everywhere; this says so in OpenAPI.
_NO_NUL: dict[str, Any] = {"pattern": "^[^\\u0000]*$"}

Id = Annotated[
    str,
    Field(min_length=1, max_length=MAX_ID, json_schema_extra={"pattern": _ID_PATTERN}),
    AfterValidator(_id),
]
IdOrNone = Annotated[str, Field(max_length=MAX_ID, json_schema_extra=_NO_NUL), AfterValidator(_id)]
Name = Annotated[str, Field(max_length=500, json_schema_extra=_NO_NUL)]
Title = Annotated[str, Field(min_length=1, max_length=500, json_schema_extra=_NO_NUL)]
Label = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra=_NO_NUL)]
Short = Annotated[str, Field(max_length=320, json_schema_extra=_NO_NUL)]
Text = Annotated[str, Field(max_length=MAX_TEXT, json_schema_extra=_NO_NUL)]
Line = Annotated[str, Field(max_length=1_000, json_schema_extra=_NO_NUL)]
Url = Annotated[str, Field(max_length=MAX_URL, json_schema_extra=_NO_NUL)]
Segment = Annotated[str, Field(max_length=50, json_schema_extra=_NO_NUL), AfterValidator(_lower)]
Currency = Annotated[
    str,
    Field(min_length=3, max_length=3, json_schema_extra={"pattern": "^[A-Za-z]{3}$"}),
    AfterValidator(_iso),
]
LanguageTag = Annotated[
    str,
    Field(max_length=35, json_schema_extra={"pattern": "^[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*$"}),
    AfterValidator(_tag),
]
Moment = Annotated[
    datetime,
    PlainValidator(_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "description": "RFC 3339 with an offset"}),
]
Size = Annotated[int, PlainValidator(_size), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": MAX_SIZE})]
Confidence = Annotated[
    float, PlainValidator(_confidence), WithJsonSchema({"type": "number", "minimum": 0, "maximum": 1})
]
Money = Annotated[
    Decimal,
    PlainValidator(_money),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number", "minimum": 0, "maximum": MAX_MONEY},
                {"type": "string", "pattern": "^[0-9]{1,15}(\\.[0-9]{1,18})?$"},
            ]
        }
    ),
]
AmountGiven = Annotated[
    Amount,
    PlainValidator(_amount),
    WithJsonSchema(
        {
            "anyOf": [{"type": "number"}, {"type": "string", "maxLength": MAX_ID, **_NO_NUL}],
            "description": "A number or decimal text, read exactly. With text nobody can read, a person decides.",
        }
    ),
]
MetadataValue = Annotated[
    str,
    PlainValidator(_metadata_value),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "maxLength": 1_000, **_NO_NUL}, {"type": "number"}, {"type": "boolean"}]}
    ),
]
