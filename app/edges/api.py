"""The HTTP surface: intake, health, metrics and their description, in one ASGI app."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Callable, Collection, Sequence
from importlib.metadata import version
from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi_offline import FastAPIOffline
from pydantic.json_schema import models_json_schema
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.core.understanding import Understanding
from app.edges import problems
from app.edges.answers import ProblemOut
from app.edges.body import SizeLimit
from app.edges.intake import Desk, DeskHere
from app.edges.intake import router as intake
from app.edges.intake_models import ActionResult, DraftIn, NewCase, NewMessage, Withdrawal
from app.edges.keys import ApiKeys
from app.edges.metrics import MEDIA_TYPE, Metrics
from app.engine import Engine
from db.errors import SchemaMismatch

log = logging.getLogger("countersign.http")

_BODIES = (NewCase, Withdrawal, NewMessage, DraftIn, ActionResult)
_ABOUT = """
Post a reply that needs approval, wait for the decision, read who made it and why.

Every error is an RFC 9457 problem document. Send `Idempotency-Key` with every POST and repeat it after a time-out.
"""

health = APIRouter(include_in_schema=False)


def create_api(
    engine: Engine,
    keys: ApiKeys,
    *,
    extra_routes: Sequence[BaseRoute] = (),
    callback_hosts: Collection[str] = (),
    metrics: Metrics | None = None,
    understanding: Callable[[], Understanding | None] = lambda: None,
) -> FastAPI:
    """`engine` must be started. `callback_hosts` may be called by plain http and at private addresses. While
    `understanding` gives none, signals that a caller leaves out stay missing, and a person writes.

    On shutdown call `app.state.desk.waiters.stop()` first: long polls end, and the server need not wait for them.
    """
    app = FastAPIOffline(  # its pages hold their scripts: an installation may have no way out
        title="Countersign",
        version=version("countersign"),
        description=_ABOUT,
        docs_url="/docs",
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.desk = Desk(engine, keys, metrics or Metrics(engine), frozenset(callback_hosts), understanding)
    app.include_router(intake)
    app.include_router(health)
    app.router.routes.extend(extra_routes)
    problems.install(app)
    app.add_middleware(SizeLimit)
    app.add_middleware(AccessLog)
    _describe(app)
    return app


@health.get("/livez")
async def livez() -> Response:
    """The process answers; says nothing of the database."""
    return JSONResponse({"status": "alive"})


@health.get("/readyz")
async def readyz(desk: DeskHere) -> Response:
    try:
        await run_in_threadpool(desk.engine.store.check_schema)
    except SchemaMismatch as error:
        raise problems.unavailable(str(error), retry_after=10) from None
    if not desk.engine.running:
        raise problems.unavailable("Not started yet, or stopping.")
    return JSONResponse({"status": "ready"})


@health.get("/metrics")
async def read_metrics(desk: DeskHere) -> Response:
    return Response(await run_in_threadpool(desk.metrics.text), media_type=MEDIA_TYPE)


class AccessLog:
    """One line a request: method, route template, status. Never a path, a query or a body: they name people.

    An error nobody foresaw ends here, as a problem document and its place in the code, without its message.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        began = time.monotonic()

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        except Exception as error:
            log.error("%s at %s", type(error).__name__, _place(error))
            if status:
                raise
            await problems.internal_error().response()(scope, receive, noting)
        finally:
            spent = (time.monotonic() - began) * 1000
            log.info("%s %s %d %.0f ms", scope["method"], _template(scope), status, spent)


def _place(error: Exception) -> str:
    frames = traceback.extract_tb(error.__traceback__)[-8:]
    return " < ".join(f"{frame.name}:{frame.lineno}" for frame in reversed(frames))


def _template(scope: Scope) -> str:
    return getattr(scope.get("route"), "path", "-")


def _describe(app: FastAPI) -> None:
    """OpenAPI with the bodies that we read ourselves."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
            _, extra = models_json_schema(
                [*((model, "validation") for model in _BODIES), (ProblemOut, "serialization")],
                ref_template="#/components/schemas/{model}",
            )
            schema["components"].setdefault("schemas", {}).update(extra["$defs"])
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]
