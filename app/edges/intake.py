"""`/v1/cases`: a request becomes a command, the case becomes the answer. Everything else is decided in the core."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated, Any, Generic, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from app.core.case import Case, Message
from app.core.errors import Refused
from app.core.messages import AddCustomerMessage, AnyCommand
from app.core.understanding import Understanding
from app.edges import intake_commands as commands
from app.edges.answers import AuditTrail, CaseList, CaseOut
from app.edges.body import content_digest, read_body
from app.edges.case_json import audit_bytes, case_bytes, case_json
from app.edges.ids import is_case_id, new_case_id
from app.edges.intake_models import (
    ActionResult,
    CaseFilters,
    DraftIn,
    NewCase,
    NewMessage,
    Waiting,
    Withdrawal,
)
from app.edges.keys import ApiKey, ApiKeys, Scope
from app.edges.metrics import Metrics
from app.edges.problems import MEDIA_TYPE, FieldError, Problem, invalid, invalid_body, unavailable
from app.edges.understanding import complete
from app.edges.waiting import Waiters
from app.engine import Engine, Handled, Remember
from app.ports.callbacks import callback_problem
from db.queries import BadCursor
from db.store import Reader

ANSWER_SECONDS = 10
_MAX_CHAIN = 1_000
M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


class Desk:
    """What the endpoints work with; `app.state.desk`."""

    def __init__(
        self,
        engine: Engine,
        keys: ApiKeys,
        metrics: Metrics,
        callback_hosts: frozenset[str] = frozenset(),
        understanding: Callable[[], Understanding | None] = lambda: None,
    ) -> None:
        self.engine = engine
        self.keys = keys
        self.metrics = metrics
        self.callback_hosts = callback_hosts
        self.understanding = understanding
        self.waiters = Waiters(engine)

    async def handle(self, command: AnyCommand, remember: Remember | None) -> Handled:
        """Waits for the commit without a thread. The command goes on when the caller does not."""
        if (reader := self.understanding()) is not None:
            command = await run_in_threadpool(self._complete, command, reader)
        future = asyncio.wrap_future(self.engine.submit(command, remember))
        try:
            handled = await asyncio.wait_for(asyncio.shield(future), ANSWER_SECONDS)
        except TimeoutError:
            raise unavailable("It is not known yet whether this was stored; repeat it with the same key.") from None
        except Refused as refused:
            self.metrics.refused(refused.code)
            raise
        self.metrics.handled(command)
        return handled

    def _complete(self, command: AnyCommand, reader: Understanding) -> AnyCommand:
        earlier: tuple[Message, ...] = ()
        if isinstance(command, AddCustomerMessage):
            with self.engine.store.reading() as stored:
                case = stored.case(command.case_id)
            earlier = case.messages if case else ()
        return complete(command, reader, earlier)

    async def read(self, ask: Callable[[Reader], T]) -> T:
        def asked() -> T:
            with self.engine.store.reading() as reader:
                return ask(reader)

        return await run_in_threadpool(asked)


class Body(Generic[M]):
    """A request's body as a value, and the digest that tells whether another request says the same."""

    def __init__(self, value: M, digest: str) -> None:
        self.value = value
        self.digest = digest


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


DeskHere = Annotated[Desk, Depends(_desk)]
_bearer = HTTPBearer(auto_error=False, scheme_name="ApiKey", description="The secret of an API key, alone")


def needs(scope: Scope) -> Callable[..., ApiKey]:
    """The key of a request, with this scope; 401 without a known key, 403 without the scope."""

    def key(desk: DeskHere, given: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]) -> ApiKey:
        found = desk.keys.find(given.credentials) if given else None
        if found is None:
            detail = "Send a known API key: Authorization: Bearer <secret>."
            raise Problem(401, "unauthorized", detail, headers={"www-authenticate": "Bearer"})
        if scope not in found.scopes:
            raise Problem(403, "missing_scope", f"The key {found.name} lacks the scope {scope}.")
        return found

    return key


def body_of(model: type[M]) -> Callable[[Request], Awaitable[Body[M]]]:
    """Reads, checks and digests a body. A body that may be empty has no required field."""
    may_be_empty = not any(field.is_required() for field in model.model_fields.values())

    async def body(request: Request) -> Body[M]:
        raw: Mapping[str, Any] = {}
        if not may_be_empty or await request.body():
            raw = await read_body(request)
        try:
            value = model.model_validate(raw)
        except ValidationError as error:
            raise invalid_body(error) from None
        return Body(value, content_digest({"to": request.url.path, "body": raw}))

    return body


def _takes(model: type[BaseModel]) -> dict[str, Any]:
    """The body in OpenAPI; `api.py` adds the model itself."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    required = any(field.is_required() for field in model.model_fields.values())
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


def _problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    said = {
        400: "Not JSON",
        401: "No known key",
        403: "The key lacks the scope",
        404: "No such case",
        408: "The body did not arrive in time",
        409: "Refused: `code` and `detail` say why; nothing changed",
        413: "Body over 1 MiB",
        415: "Not JSON",
        422: "Something is wrong with a field; `errors` names it",
        503: "Not now; see Retry-After",
    }
    schema = {"$ref": "#/components/schemas/ProblemOut"}
    return {s: {"description": said[s], "content": {MEDIA_TYPE: {"schema": schema}}} for s in statuses}


_READING = _problems(401, 403, 422, 503)
_POSTING = _problems(400, 401, 403, 408, 409, 413, 415, 422, 503)

Submits = Annotated[ApiKey, Depends(needs("submit"))]
Asserts = Annotated[ApiKey, Depends(needs("assert_transaction"))]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[!-~]([ -~]*[!-~])?$",
        description="The same key with the same content gives the first answer again; with other content 409",
    ),
]

router = APIRouter(prefix="/v1/cases", tags=["cases"])


@router.post(
    "",
    status_code=202,
    openapi_extra=_takes(NewCase),
    responses={**_POSTING, 202: {"model": CaseOut, "description": "Stored and assessed; people are being asked"}},
)
async def submit_case(
    desk: DeskHere,
    key: Submits,
    body: Annotated[Body[NewCase], Depends(body_of(NewCase))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Ask for approval of a reply. An open case on the same ticket is superseded."""
    url = body.value.callback_url
    if url is not None and (problem := callback_problem(url, desk.callback_hosts)):
        raise invalid(FieldError(("callback_url",), problem.removeprefix("callback_url ")))
    command = commands.receive_case(body.value, new_case_id(), key)
    return await _answer(desk, command, _remember(key, idempotency_key, body.digest))


@router.get("", dependencies=[Depends(needs("read"))], responses={**_READING, 200: {"model": CaseList}})
async def list_cases(desk: DeskHere, filters: Annotated[CaseFilters, Query()]) -> Response:
    """The newest first."""
    try:
        found, cursor = await desk.read(
            lambda reader: reader.cases(
                state=filters.state,
                tier=filters.tier,
                queue=filters.queue.removeprefix("#") if filters.queue else None,
                ticket=filters.ticket_id,
                customer=filters.customer_id,
                limit=filters.limit,
                cursor=filters.cursor,
            )
        )
    except BadCursor:
        raise invalid(FieldError(("cursor",), "not one that this list gave out", "query")) from None
    return _json(msgspec.json.encode({"items": [case_json(case) for case in found], "next_cursor": cursor}))


@router.get(
    "/{case_id}",
    dependencies=[Depends(needs("read"))],
    responses={**_READING, **_problems(404), 200: {"model": CaseOut}},
)
async def get_case(request: Request, desk: DeskHere, case_id: str, query: Annotated[Waiting, Query()]) -> Response:
    """The case as it is, or, with `wait`, once it is decided or that many seconds have passed."""
    _check_id(case_id)
    case = await desk.waiters.decided(case_id, query.wait, request.is_disconnected)
    if case is None:
        raise _no_case(case_id)
    return _json(case_bytes(case))


@router.post(
    "/{case_id}/withdraw",
    status_code=202,
    openapi_extra=_takes(Withdrawal),
    responses={**_POSTING, **_problems(404), 202: {"model": CaseOut}},
)
async def withdraw_case(
    desk: DeskHere,
    key: Submits,
    case_id: str,
    body: Annotated[Body[Withdrawal], Depends(body_of(Withdrawal))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Take the case back: its packets say so and nothing is sent."""
    _check_id(case_id)
    command = commands.withdraw(body.value, case_id, key)
    return await _answer(desk, command, _remember(key, idempotency_key, body.digest))


@router.post(
    "/{case_id}/messages",
    status_code=202,
    openapi_extra=_takes(NewMessage),
    responses={**_POSTING, **_problems(404), 202: {"model": CaseOut, "description": "The fresh case"}},
)
async def add_message(
    desk: DeskHere,
    key: Submits,
    case_id: str,
    body: Annotated[Body[NewMessage], Depends(body_of(NewMessage))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """The customer wrote again: a fresh case takes the place of this one, or of the one that already did."""
    _check_id(case_id)
    live = await desk.read(lambda reader: _successor(reader, case_id))
    command = commands.add_message(body.value, live or case_id, new_case_id(), key)
    return await _answer(desk, command, _remember(key, idempotency_key, body.digest))


@router.post(
    "/{case_id}/drafts",
    status_code=202,
    openapi_extra=_takes(DraftIn),
    responses={**_POSTING, **_problems(404), 202: {"model": CaseOut}},
)
async def submit_draft(
    desk: DeskHere,
    key: Submits,
    case_id: str,
    body: Annotated[Body[DraftIn], Depends(body_of(DraftIn))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """A new version of the reply: scanned again, and all approvals so far are void."""
    _check_id(case_id)
    command = commands.submit_draft(body.value, case_id, key)
    return await _answer(desk, command, _remember(key, idempotency_key, body.digest))


@router.post(
    "/{case_id}/action-result",
    status_code=202,
    openapi_extra=_takes(ActionResult),
    responses={**_POSTING, **_problems(404), 202: {"model": CaseOut}},
)
async def report_action_result(
    desk: DeskHere,
    key: Asserts,
    case_id: str,
    body: Annotated[Body[ActionResult], Depends(body_of(ActionResult))],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """What became of the approved action. Needs the scope `assert_transaction`."""
    _check_id(case_id)
    command = commands.report_result(body.value, case_id, key)
    return await _answer(desk, command, _remember(key, idempotency_key, body.digest))


@router.get(
    "/{case_id}/audit",
    dependencies=[Depends(needs("audit"))],
    responses={**_READING, **_problems(404), 200: {"model": AuditTrail}},
)
async def read_audit(desk: DeskHere, case_id: str) -> Response:
    """Every recorded fact about the case, oldest first. Needs the scope `audit`."""
    _check_id(case_id)
    case, events = await desk.read(lambda reader: (reader.case(case_id), reader.events(case_id)))
    if case is None:
        raise _no_case(case_id)
    return _json(audit_bytes(case_id, events))


async def _answer(desk: Desk, command: AnyCommand, remember: Remember | None) -> Response:
    handled = await desk.handle(command, remember)
    if handled.replayed is not None:
        first = msgspec.json.decode(handled.replayed, type=_Named)
        return _json(handled.replayed, 202, {"location": f"/v1/cases/{first.id}", "idempotent-replayed": "true"})
    if handled.case is None:
        raise AssertionError("a command was handled without a case")
    return _json(case_bytes(handled.case), 202, {"location": f"/v1/cases/{handled.case.id}"})


class _Named(msgspec.Struct):
    id: str


def _remember(key: ApiKey, idempotency_key: str | None, digest: str) -> Remember | None:
    """A key's name holds no colon, so no two callers share a remembered answer."""
    if idempotency_key is None:
        return None
    return Remember(key=f"{key.name}:{idempotency_key}", digest=digest, answer=case_bytes)


def _successor(reader: Reader, case_id: str) -> str | None:
    """The last of the cases that superseded each other; None for an unknown case."""
    case: Case | None = reader.case(case_id)
    for _ in range(_MAX_CHAIN):
        if case is None or not case.superseded_by:
            break
        case = reader.case(case.superseded_by)
    return case.id if case else None


def _check_id(case_id: str) -> None:
    if not is_case_id(case_id):
        raise Problem(404, "no_case", "There is no such case.")


def _no_case(case_id: str) -> Problem:
    return Problem(404, "no_case", f"There is no case {case_id}.")


def _json(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    safe = {"cache-control": "no-store", "x-content-type-options": "nosniff", **(headers or {})}
    return Response(body, status, safe, media_type="application/json")
