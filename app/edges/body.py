"""Request bodies as bytes: how large, how deep, and what JSON we take.

JSON here is stricter than most parsers: one value to a name, no NaN, numbers read exactly, and text that every
database can hold. What is refused is refused before any of it is believed.
"""

from __future__ import annotations

import asyncio
import json
import math
import re
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from typing import Any

import rfc8785
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.edges.problems import FieldError, Problem, invalid

MAX_BODY = 1 << 20
MAX_DEPTH = 32  # the outermost object is 1
MAX_FIELDS = 100  # of one object
MAX_ENTRIES = 1_000  # of one list
MAX_DIGITS = 100
READ_SECONDS = 30
# A body that is too large is read on to here, so that its sender gets to read the answer.
_DRAIN = 16 * MAX_BODY

# Whole strings, or a bracket outside of one. Possessive, so linear on any input.
_TOKENS = re.compile(rb'"(?>[^"\\]+|\\.)*+"|[\[\]{}]', re.DOTALL)
_OPEN, _CLOSE = frozenset(b"[{"), frozenset(b"]}")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")

Path = tuple[str | int, ...]


class SizeLimit:
    """Answers 413 for bodies over 1 MiB, told by Content-Length or found while reading chunks."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limited = _limited(receive)
        if _declared_length(scope) <= MAX_BODY:
            await self._app(scope, limited, send)
            return
        try:
            while (await limited()).get("more_body", False):
                pass
            problem = _too_large()
        except Problem as found:
            problem = found
        await problem.response()(scope, receive, send)


def _limited(receive: Receive) -> Receive:
    taken = 0

    async def limited() -> Message:
        nonlocal taken
        message = await receive()
        taken += len(message.get("body", b""))
        if taken <= MAX_BODY:
            return message
        while message["type"] == "http.request" and message.get("more_body") and taken <= _DRAIN:
            message = await receive()
            taken += len(message.get("body", b""))
        raise _too_large()

    return limited


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return int(value[:20])
    return 0


def _too_large() -> Problem:
    return Problem(413, "too_large", f"body: at most {MAX_BODY} bytes.", [FieldError((), "too large")])


async def read_body(request: Request) -> dict[str, Any]:
    """The JSON object a request carries; raises Problem 400, 408, 413, 415 or 422."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not (kind.startswith("application/") and kind.endswith("+json")):
        raise Problem(415, "unsupported_media_type", "Send the body as application/json.", [FieldError((), "not JSON")])
    try:
        async with asyncio.timeout(READ_SECONDS):
            body = await request.body()
    except TimeoutError:
        raise Problem(408, "request_timeout", "The body did not arrive in time.") from None
    return parse_object(body)


def parse_object(body: bytes) -> dict[str, Any]:
    """Strict JSON: objects, lists, text, bool, None, int and Decimal. Raises Problem naming the field."""
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise _malformed(f"not UTF-8 at byte {error.start}") from None
    _check_depth(body)
    repeated: dict[int, str] = {}
    try:
        value = json.loads(
            text,
            object_pairs_hook=_keep_once(repeated),
            parse_float=_decimal,
            parse_int=_integer,
            parse_constant=lambda _: math.nan,
        )
    except json.JSONDecodeError as error:
        raise _malformed(f"not JSON at line {error.lineno}, column {error.colno}") from None
    if not isinstance(value, dict):
        raise invalid(FieldError((), "an object expected"))
    _check_values(value, repeated)
    return value


def content_digest(value: object) -> str:
    """SHA-256 over the RFC 8785 form: equal whatever the spacing, the order, or how a number is written."""
    return sha256(rfc8785.dumps(_canonical(value))).hexdigest()


def _malformed(what: str) -> Problem:
    return Problem(400, "malformed_json", f"body: {what}.", [FieldError((), what)])


def _check_depth(body: bytes) -> None:
    """Before parsing: the parser recurses, and a small body can be a million lists deep."""
    if body.count(b"[") + body.count(b"{") <= MAX_DEPTH:
        return
    depth = 0
    for token in _TOKENS.finditer(body):
        first = body[token.start()]
        if first in _OPEN:
            depth += 1
            if depth > MAX_DEPTH:
                raise invalid(FieldError((), f"nested deeper than {MAX_DEPTH}"))
        elif first in _CLOSE:
            depth -= 1


def _keep_once(repeated: dict[int, str]) -> Callable[[list[tuple[str, Any]]], dict[str, Any]]:
    """Notes objects that name a field twice: whichever value won, somebody downstream would have read the other."""

    def keep(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) != len(pairs):
            seen: set[str] = set()
            repeated[id(value)] = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        return value

    return keep


def _decimal(text: str) -> Decimal | float:
    """Exact; infinity stands for a number nobody can mean, and is refused with its field's name."""
    try:
        return Decimal(text) if len(text) <= MAX_DIGITS else math.inf
    except InvalidOperation:
        return math.inf


def _integer(text: str) -> int | float:
    return int(text) if len(text) <= MAX_DIGITS else math.inf


def _check_values(root: dict[str, Any], repeated: dict[int, str]) -> None:
    waiting: list[tuple[Path, Any]] = [((), root)]
    while waiting:
        path, value = waiting.pop()
        if isinstance(value, dict):
            if len(value) > MAX_FIELDS:
                raise invalid(FieldError(path, f"at most {MAX_FIELDS} fields"))
            if id(value) in repeated:
                raise invalid(FieldError((*path, repeated[id(value)]), "given more than once"))
            for name, inner in value.items():
                if _UNSTORABLE.search(name):
                    raise invalid(FieldError((*path, name), "the name holds a NUL or half a surrogate pair"))
                waiting.append(((*path, name), inner))
        elif isinstance(value, list):
            if len(value) > MAX_ENTRIES:
                raise invalid(FieldError(path, f"at most {MAX_ENTRIES} entries"))
            waiting.extend(((*path, index), inner) for index, inner in enumerate(value))
        elif isinstance(value, str):
            if _UNSTORABLE.search(value):
                raise invalid(FieldError(path, "holds a NUL or half a surrogate pair"))
        elif isinstance(value, float):
            raise invalid(FieldError(path, "not a number JSON can hold, or one of too many digits"))
    if repeated:
        raise invalid(FieldError((next(iter(repeated.values())),), "given more than once"))


def _canonical(value: object) -> Any:
    """For rfc8785, whose numbers are doubles: one that no double holds is marked, not rounded into another amount."""
    match value:
        case dict():
            return {name: _canonical(inner) for name, inner in value.items()}
        case list():
            return [_canonical(inner) for inner in value]
        case bool() | None | str():
            return value
        case int() | Decimal():
            exact = Decimal(value)
            double = float(exact)
            if math.isfinite(double) and Decimal(repr(double)) == exact:
                return double
            return f"\x00{_plain(exact)}"
    raise TypeError(f"not a JSON value: {type(value).__name__}")


def _plain(value: Decimal) -> str:
    """Digits and exponent without trailing zeros; `Decimal.normalize` would round to the context's precision."""
    sign, digits, exponent = value.as_tuple()
    text = "".join(map(str, digits)).lstrip("0")
    kept = text.rstrip("0")
    return f"{'-' if sign else ''}{kept}e{int(exponent) + len(text) - len(kept)}"
