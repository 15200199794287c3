"""A HubSpot-like CRM: tickets with typed properties, refusing what the vendor refuses."""

import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from .config import SandboxConfig
from .crm_fields import Property, known_properties
from .faults import Faults
from .model import Json
from .web_api import cut_line, hang


class Refused(Exception):
    """An HTTP error in HubSpot's shape."""

    def __init__(self, status: int, category: str, message: str, errors: list[Json] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {
            "status": "error",
            "message": message,
            "correlationId": str(uuid4()),
            "category": category,
        }
        if errors:
            self.body["errors"] = errors


class Crm:
    """`tickets` are the properties by id, `log` every patch taken, `errors` every refusal."""

    def __init__(self, config: SandboxConfig, faults: Faults, changed: Callable[[], None]) -> None:
        self._config = config
        self._faults = faults
        self._changed = changed
        self._lock = threading.RLock()
        self.tickets: dict[str, dict[str, str]] = {}
        self.updated: dict[str, float] = {}
        self.history: dict[str, list[Json]] = {}
        self.properties: dict[str, Property] = known_properties()
        self.log: list[Json] = []
        self.errors: list[Json] = []

    def add_ticket(self, ticket_id: str, **properties: str) -> None:
        with self._lock:
            self.tickets.setdefault(ticket_id, {}).update(properties)
            self.updated[ticket_id] = self._config.now()
        self._changed()

    def patch(self, ticket_id: str, properties: Any) -> Json:
        """Set properties; all or none, as the vendor does."""
        with self._lock:
            if ticket_id not in self.tickets:
                message = "Object not found.  objectId are usually numeric."
                raise Refused(404, "OBJECT_NOT_FOUND", message)
            self._check(properties)
            now = self._config.now()
            self.tickets[ticket_id].update(properties)
            self.updated[ticket_id] = now
            entry: Json = {"at": now, "properties": dict(properties)}
            self.history.setdefault(ticket_id, []).append(entry)
            self.log.append({"ticket_id": ticket_id, **entry})
        self._changed()
        return self.show(ticket_id, list(properties))

    def _check(self, properties: Any) -> None:
        if not isinstance(properties, dict) or not properties:
            raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON: properties must be a non-empty object")
        problems = []
        for name, value in properties.items():
            problem = self._problem(name, value)
            if problem is not None:
                code, message = problem
                problems.append({"message": message, "code": code, "context": {"propertyName": [name]}})
        if problems:
            listed = [{"isValid": False, "message": p["message"], "error": p["code"]} for p in problems]
            message = f"Property values were not valid: {json.dumps(listed)}"
            raise Refused(400, "VALIDATION_ERROR", message, problems)

    def _problem(self, name: str, value: Any) -> tuple[str, str] | None:
        known = self.properties.get(name)
        if known is None or name == self._faults.get("crm_reject_property"):
            return "PROPERTY_DOESNT_EXIST", f'Property "{name}" does not exist'
        if not isinstance(value, str):
            return "INVALID_STRING", f"Cannot deserialize value of type `java.lang.String` for {name}"
        return known.refusal(value)

    def show(self, ticket_id: str, names: list[str] | None = None) -> Json:
        with self._lock:
            stored = self.tickets[ticket_id]
            wanted = names or ["subject", "content", "hs_pipeline", "hs_pipeline_stage"]
            updated = datetime.fromtimestamp(self.updated[ticket_id], UTC).isoformat().replace("+00:00", "Z")
            return {
                "id": ticket_id,
                "properties": {name: stored.get(name) for name in wanted if name in self.properties},
                "createdAt": updated,
                "updatedAt": updated,
                "archived": False,
            }

    def create(self, properties: Any) -> Json:
        with self._lock:
            self._check(properties)
            ticket_id = str(9_000_000_001 + len(self.tickets))
            self.tickets[ticket_id] = {}
            return self.patch(ticket_id, properties)

    def search(self, body: Json) -> Json:
        """Exact-match search over filter groups (any group, all its filters)."""
        with self._lock:
            found = [tid for tid, stored in self.tickets.items() if _matches(stored, body)]
            results = [self.show(tid, body.get("properties")) for tid in found[: int(body.get("limit", 10))]]
        return {"total": len(found), "results": results}

    def define(self, body: Json) -> Json:
        """Create a property; one that is there is OBJECT_ALREADY_EXISTS."""
        for key in ("name", "label", "type", "fieldType", "groupName"):
            if not isinstance(body.get(key), str):
                raise Refused(400, "VALIDATION_ERROR", f"Invalid input JSON: {key} is required")
        name = body["name"]
        with self._lock:
            if name in self.properties:
                message = f"A property named '{name}' already exists."
                raise Refused(409, "OBJECT_ALREADY_EXISTS", message)
            options = [str(option["value"]) for option in body.get("options", [])]
            self.properties[name] = Property(name, body["type"], options, body["label"])
        self._changed()
        return self.properties[name].as_json()

    def page(self) -> Json:
        """Everything for the sandbox page."""
        with self._lock:
            tickets = [
                {
                    "id": tid,
                    "properties": dict(stored),
                    "updated_at": self.updated[tid],
                    "history": list(self.history.get(tid, [])),
                }
                for tid, stored in sorted(self.tickets.items(), key=lambda i: -self.updated[i[0]])
            ]
            return {"tickets": tickets, "errors": list(reversed(self.errors[-100:]))}

    # --- HTTP ---------------------------------------------------------------------------------------------

    def routes(self) -> list[Route]:
        objects = "/crm/objects/{version}/tickets"
        names = "/crm/properties/{version}/tickets"
        return [
            Route(f"{objects}/search", self._search, methods=["POST"]),
            Route(objects, self._create, methods=["POST"]),
            Route(f"{objects}/{{id}}", self._ticket, methods=["GET", "PATCH"]),
            Route(f"{names}/batch/create", self._define_many, methods=["POST"]),
            Route(names, self._names, methods=["GET", "POST"]),
            Route(f"{names}/{{name}}", self._name, methods=["GET"]),
        ]

    async def _ticket(self, request: Request) -> Response:
        def work(body: Json) -> tuple[int, Json]:
            ticket_id = request.path_params["id"]
            if request.method == "PATCH":
                return 200, self.patch(ticket_id, body.get("properties"))
            if ticket_id not in self.tickets:
                message = "Object not found.  objectId are usually numeric."
                raise Refused(404, "OBJECT_NOT_FOUND", message)
            names = [n for n in request.query_params.get("properties", "").split(",") if n]
            return 200, self.show(ticket_id, names)

        return await self._guarded(request, work)

    async def _create(self, request: Request) -> Response:
        return await self._guarded(request, lambda body: (201, self.create(body.get("properties"))))

    async def _search(self, request: Request) -> Response:
        return await self._guarded(request, lambda body: (200, self.search(body)))

    async def _names(self, request: Request) -> Response:
        if request.method == "POST":
            return await self._guarded(request, lambda body: (201, self.define(body)))
        listed: Json = {"results": [one.as_json() for one in self.properties.values()]}
        return await self._guarded(request, lambda _body: (200, listed))

    async def _name(self, request: Request) -> Response:
        def work(_body: Json) -> tuple[int, Json]:
            found = self.properties.get(request.path_params["name"])
            if found is None:
                raise Refused(404, "OBJECT_NOT_FOUND", "Property does not exist")
            return 200, found.as_json()

        return await self._guarded(request, work)

    async def _define_many(self, request: Request) -> Response:
        def work(body: Json) -> tuple[int, Json]:
            made, errors = [], []
            for one in body.get("inputs", []):
                try:
                    made.append(self.define(one))
                except Refused as refused:
                    errors.append(refused.body)
            return (207 if errors else 201), {"status": "COMPLETE", "results": made, "errors": errors}

        return await self._guarded(request, work)

    async def _guarded(self, request: Request, work: Callable[[Json], tuple[int, Json]]) -> Response:
        """Faults, the token, the body; then the work, its refusals logged."""
        faults = self._faults
        if faults.take("crm_500"):
            body = Refused(500, "INTERNAL_ERROR", "internal error").body
            return JSONResponse(body, 500)
        if faults.take("crm_429"):
            limited = Refused(429, "RATE_LIMITS", "You have reached your secondly limit.").body
            limited |= {"errorType": "RATE_LIMIT", "policyName": "SECONDLY"}
            return JSONResponse(limited, 429, {"Retry-After": "1"})
        try:
            status, answer = self._work(request, await request.body(), work)
        except Refused as refused:
            with self._lock:
                where = f"{request.method} {request.url.path}"
                self.errors.append({"at": self._config.now(), "request": where, **refused.body})
            self._changed()
            return JSONResponse(refused.body, refused.status)
        struck = request.method != "GET" and faults.take("crm_timeout_after")
        if struck == "drop":
            return await cut_line(request)
        if struck:
            await hang(request, self._config.stall_seconds)
            return PlainTextResponse("Gateway Timeout", 504)
        return JSONResponse(answer, status)

    def _work(self, request: Request, raw: bytes, work: Callable[[Json], tuple[int, Json]]) -> tuple[int, Json]:
        if request.headers.get("authorization") != f"Bearer {self._config.crm_token}":
            message = "Authentication credentials not found."
            raise Refused(401, "INVALID_AUTHENTICATION", message)
        if request.method == "GET":
            return work({})
        if not request.headers.get("content-type", "").startswith("application/json"):
            raise Refused(415, "VALIDATION_ERROR", "Unsupported Media Type")
        try:
            body = json.loads(raw)
        except ValueError:
            raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON") from None
        if not isinstance(body, dict):
            raise Refused(400, "VALIDATION_ERROR", "Invalid input JSON: must be an object")
        return work(body)


def _matches(stored: dict[str, str], body: Json) -> bool:
    groups = body.get("filterGroups") or [{"filters": body.get("filters", [])}]
    return any(
        all(stored.get(f.get("propertyName", "")) == f.get("value") for f in group.get("filters", []))
        for group in groups
    )
