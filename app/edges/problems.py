"""RFC 9457 problem documents: every answer that is not a success says what is wrong, and where, in the caller's words.

A document never repeats a value it was given, only names of fields.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal

import msgspec
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import ErrorDetails
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Match

from app.core.errors import Refused
from app.engine import Busy

log = logging.getLogger("countersign.http")

MEDIA_TYPE = "application/problem+json"
MAX_ERRORS = 20
_NAME_LENGTH = 100
_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
Place = Literal["body", "query", "path", "header"]
_PLACES: tuple[Place, ...] = ("body", "query", "path", "header")

# What a person reads for each of pydantic's errors; {…} are limits of ours, never the caller's values.
_SENTENCES: Mapping[str, str] = {
    "missing": "this field is required",
    "extra_forbidden": "there is no such field",
    "string_type": "text expected",
    "bool_type": "true or false expected",
    "int_type": "a whole number expected",
    "int_parsing": "a whole number expected",
    "int_from_float": "a whole number expected",
    "float_type": "a number expected",
    "float_parsing": "a number expected",
    "finite_number": "a finite number expected",
    "list_type": "a list expected",
    "dict_type": "an object expected",
    "model_type": "an object expected",
    "model_attributes_type": "an object expected",
    "string_pattern_mismatch": "not of the form that is documented",
    "literal_error": "expected one of {expected}",
    "string_too_long": "at most {max_length} characters",
    "string_too_short": "must not be empty",
    "too_long": "at most {max_length} entries",
    "too_short": "at least {min_length} expected",
    "greater_than_equal": "must not be less than {ge}",
    "less_than_equal": "must not be more than {le}",
}


class FieldError(msgspec.Struct, frozen=True):
    """One mistake: where, as the caller wrote it, and what is wrong."""

    at: tuple[str | int, ...]
    detail: str
    place: Place = "body"

    @property
    def field(self) -> str:
        """`messages[0].author`; the place itself when the whole of it is meant."""
        text = ""
        for part in self.at:
            text += f"[{part}]" if isinstance(part, int) else f"{'.' if text else ''}{shown_name(part)}"
        return text or self.place

    @property
    def pointer(self) -> str:
        """RFC 6901 as a URI fragment, `#/messages/0/author`."""
        parts = (shown_name(str(part)).replace("~", "~0").replace("/", "~1") for part in self.at)
        return "#" + "".join(f"/{part}" for part in parts)


class Problem(Exception):
    """Raised anywhere in an edge to answer with a problem document."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str = "",
        errors: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def response(self) -> Response:
        shown = self.errors[:MAX_ERRORS]
        document: dict[str, object] = {
            "type": f"urn:countersign:problem:{self.code}",
            "title": HTTPStatus(self.status).phrase,
            "status": self.status,
            "code": self.code,
            "detail": self.detail or _summary(self.errors),
        }
        if shown:
            document["errors"] = [_entry(error) for error in shown]
        headers = {**self.headers, "cache-control": "no-store", "x-content-type-options": "nosniff"}
        return Response(msgspec.json.encode(document), self.status, headers, media_type=MEDIA_TYPE)


def invalid(*errors: FieldError) -> Problem:
    return Problem(422, "invalid_request", errors=errors)


def invalid_body(error: ValidationError) -> Problem:
    """The mistakes pydantic found in a request body."""
    details = error.errors(include_url=False, include_input=False)
    return invalid(*_field_errors((("body", *d["loc"]), d) for d in details))


def refusal(refused: Refused) -> Problem:
    return Problem(404 if refused.code == "no_case" else 409, refused.code, refused.sentence)


def shown_name(name: str) -> str:
    """A field's name as it was sent, made harmless: a caller may have chosen it to be long or unprintable."""
    text = "".join(c if c.isprintable() else "?" for c in name[:_NAME_LENGTH])
    return text + "…" if len(name) > _NAME_LENGTH else text


def install(app: FastAPI) -> None:
    """Make every error of this app, the framework's own included, a problem document."""
    handlers: dict[Any, Any] = {
        Problem: _on_problem,
        Refused: _on_refused,
        Busy: _on_busy,
        RequestValidationError: _on_invalid,
        HTTPException: _on_http,
        ClientDisconnect: _on_disconnect,
        OperationalError: _on_database,
        InterfaceError: _on_database,
        PoolTimeout: _on_database,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)


async def _on_problem(_request: Request, problem: Problem) -> Response:
    return problem.response()


async def _on_refused(_request: Request, refused: Refused) -> Response:
    return refusal(refused).response()


async def _on_busy(_request: Request, _busy: Busy) -> Response:
    return unavailable("Too many requests wait to be stored. Nothing was stored; try again.").response()


async def _on_database(_request: Request, error: Exception) -> Response:
    log.error("the database did not answer: %s", type(error).__name__)
    return unavailable("The database cannot be reached. Try again.", retry_after=5).response()


async def _on_invalid(_request: Request, error: RequestValidationError) -> Response:
    return invalid(*_field_errors((d["loc"], d) for d in error.errors())).response()


async def _on_http(request: Request, error: HTTPException) -> Response:
    sentences = {404: "There is nothing at this address.", 405: "This address does not take this method."}
    code = HTTPStatus(error.status_code).phrase.lower().replace(" ", "_").replace("-", "_")
    detail = sentences.get(error.status_code, HTTPStatus(error.status_code).phrase + ".")
    headers = dict(error.headers or {})
    if error.status_code == 405:
        headers = {"allow": ", ".join(_allowed(request))}
    return Problem(error.status_code, code, detail, headers=headers).response()


def _allowed(request: Request) -> list[str]:
    """Of all routes at this address; the framework names the first one's only."""
    routes, scope = request.app.routes, request.scope
    return [m for m in _METHODS if any(r.matches({**scope, "method": m})[0] is Match.FULL for r in routes)]


async def _on_disconnect(_request: Request, _error: ClientDisconnect) -> Response:
    return Response(status_code=400)  # nobody is there to read it


def unavailable(detail: str, retry_after: int = 1) -> Problem:
    return Problem(503, "unavailable", detail, headers={"retry-after": str(retry_after)})


def internal_error() -> Problem:
    return Problem(500, "internal_error", "Something went wrong on our side. Nothing more is known; try again.")


def _entry(error: FieldError) -> dict[str, str]:
    entry = {"field": error.field, "in": error.place, "detail": error.detail}
    return {**entry, "pointer": error.pointer} if error.place == "body" else entry


def _summary(errors: Sequence[FieldError]) -> str:
    if not errors:
        return ""
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return f"{errors[0].field}: {errors[0].detail}{more}."


def _field_errors(details: Iterable[tuple[tuple[int | str, ...], ErrorDetails | Any]]) -> list[FieldError]:
    found = []
    for loc, detail in details:
        place: Place = next((p for p in _PLACES if loc and loc[0] == p), "body")
        # `[key]` is pydantic's word for "the name of this field", not a part of what was sent.
        at = tuple(part for part in loc[1:] if part != "[key]")
        found.append(FieldError(at, _sentence(detail), place))
    return found


def _sentence(detail: ErrorDetails | Any) -> str:
    kind = str(detail["type"])
    if kind.startswith("countersign_"):
        return str(detail["msg"])
    known = _SENTENCES.get(kind)
    return known.format_map(detail.get("ctx") or {}) if known else "not valid"
