"""The real API on the real engine and store, called in process from any thread."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from anyio.from_thread import BlockingPortal, start_blocking_portal
from fastapi import FastAPI

from app.clock import SystemClock
from app.core.case import Case
from app.core.effects import Click
from app.core.messages import Reject
from app.edges.api import create_api
from app.edges.keys import ApiKeys
from app.engine import Engine
from db.store import Store
from tests.core.policies import shipped
from tests.make import people

KEYS = "basic:basic-secret,full:full-secret:submit+read+audit+assert_transaction,other:other-secret:submit+read"


def a_body(**changes: Any) -> dict[str, Any]:
    """The least that is a case, and a draft; a change to None leaves the field out."""
    body = {
        "ticket": {"id": "48213"},
        "customer": {"id": "cust-881"},
        "messages": [{"author": "customer", "text": "My parcel was due on Friday. Where is it?"}],
        "draft": {"text": "Your parcel left our warehouse today.", "confidence": 0.91},
        **changes,
    }
    return {name: value for name, value in body.items() if value is not None}


class Api:
    """`call` answers like `httpx.request`; `secret` is the API key's, None for no key at all."""

    def __init__(self, app: FastAPI, engine: Engine, portal: BlockingPortal) -> None:
        self.app = app
        self.engine = engine
        self._portal = portal
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._client = httpx.AsyncClient(transport=transport, base_url="http://countersign.test", timeout=30)

    def call(self, method: str, path: str, secret: str | None = "full-secret", **options: Any) -> httpx.Response:
        headers = {**({"authorization": f"Bearer {secret}"} if secret else {}), **options.pop("headers", {})}
        return self._portal.call(lambda: self._client.request(method, path, headers=headers, **options))

    def get(self, path: str, secret: str | None = "full-secret", **options: Any) -> httpx.Response:
        return self.call("GET", path, secret, **options)

    def post(self, path: str, json: Any = None, secret: str | None = "full-secret", **options: Any) -> httpx.Response:
        if json is not None:
            options["json"] = json
        return self.call("POST", path, secret, **options)

    def post_raw(self, content: bytes, path: str = "/v1/cases", kind: str = "application/json") -> httpx.Response:
        return self.post(path, content=content, headers={"content-type": kind})

    def submit(self, **changes: Any) -> dict[str, Any]:
        """A stored case as it was answered."""
        answer = self.post("/v1/cases", a_body(**changes))
        assert answer.status_code == 202, answer.text
        case: dict[str, Any] = answer.json()
        return case

    def stored(self, case_id: str) -> Case:
        with self.engine.store.reading() as reader:
            case = reader.case(case_id)
        assert case is not None
        return case

    def reviewer(self, case_id: str) -> str:
        """Slack user id of somebody who may decide now."""
        stage = self.stored(case_id).current_stage
        assert stage is not None
        return people().members(stage.roles[0])[0].user_id

    def hand_back(self, case_id: str, click: Click | None = None) -> str:
        """A person rejects the reply for good; returns who."""
        user, seen = self.reviewer(case_id), self.stored(case_id).request_hash
        category = self.engine.policy.reject_categories[0][0]
        self.engine.handle(
            Reject(
                case_id=case_id,
                user=user,
                seen=seen,
                click=click or Click(),
                category=category,
                text="Curt",
                then="hand_back",
            )
        )
        return user

    def counts(self) -> tuple[int, int]:
        """Cases and events in the store."""
        with self.engine.store.reading() as reader:
            return len(reader.cases(limit=500)[0]), reader.event_count()

    def close(self) -> None:
        self._portal.call(self._client.aclose)


@contextmanager
def an_api(store: Store, engine_kind: type[Engine] = Engine, keys: str = KEYS, **options: Any) -> Iterator[Api]:
    engine = engine_kind(store, shipped(), clock=SystemClock(), people=people)
    engine.offer(shipped(), by="system:test")
    engine.start()
    app = create_api(engine, ApiKeys.parse(keys), callback_hosts={"hooks.internal"}, **options)
    with start_blocking_portal() as portal:
        api = Api(app, engine, portal)
        try:
            yield api
        finally:
            api.close()
            engine.stop()
