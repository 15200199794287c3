"""Whatever goes wrong is a problem document, and nobody's data is in it or in the log (IN6, OP4)."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from app.core.messages import AnyCommand
from app.edges.answers import ProblemOut
from app.engine import Busy, Engine, Handled, Remember
from db.store import Store
from tests.edges.api import Api, a_body, an_api


def _is_problem(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document: dict[str, Any] = answer.json()
    assert ProblemOut.model_validate(document).status == status
    assert document["title"]
    assert document["detail"]
    return document


def test_an_unknown_address_is_a_problem_document(api: Api) -> None:
    for path in ("/", "/v1", "/v1/cases/", "/v2/cases", "/v1/cases/c_0000000000000000/approve"):
        _is_problem(api.get(path), 404)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/v1/cases", "GET, POST"),
        ("PATCH", "/v1/cases/c_0000000000000000", "GET"),
        ("GET", "/v1/cases/c_0000000000000000/withdraw", "POST"),
        ("POST", "/livez", "GET"),
    ],
)
def test_a_wrong_method_says_which_are_right(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.call(method, path)
    _is_problem(answer, 405)
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize("kind", ["", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "json"])
def test_another_media_type_is_415(api: Api, kind: str) -> None:
    _is_problem(api.post_raw(b"{}", kind=kind), 415)


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "APPLICATION/JSON", "application/ld+json"])
def test_json_by_any_of_its_names_is_taken(api: Api, kind: str) -> None:
    _is_problem(api.post_raw(b"{}", kind=kind), 422)


class FullEngine(Engine):
    def submit(self, command: AnyCommand, remember: Remember | None = None) -> Future[Handled]:
        raise Busy("too many commands wait")


class BrokenEngine(Engine):
    """A database that went away, and a fault nobody foresaw."""

    def submit(self, command: AnyCommand, remember: Remember | None = None) -> Future[Handled]:
        future: Future[Handled] = Future()
        secret = "SELECT 'maria@acme.example'"
        future.set_exception(
            OperationalError(secret, {}, Exception(secret)) if "/db" in str(command) else ZeroDivisionError(secret)
        )
        return future


def test_a_full_queue_is_503_with_retry_after(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    with an_api(store, FullEngine) as api:
        answer = api.post("/v1/cases", a_body())
        _is_problem(answer, 503)
        assert int(answer.headers["retry-after"]) >= 1
        assert api.counts()[0] == 0
    store.close()


def test_faults_of_ours_say_nothing_of_the_data_and_are_logged_without_it(
    sqlite_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(sqlite_url)
    with an_api(store, BrokenEngine) as api, caplog.at_level(logging.DEBUG, "countersign"):
        down = api.post("/v1/cases", a_body(ticket={"id": "/db"}))
        fault = api.post("/v1/cases", a_body())
    store.close()

    _is_problem(down, 503)
    _is_problem(fault, 500)
    assert "maria" not in down.text + fault.text + caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "OperationalError" in caplog.text


def test_the_log_holds_method_template_and_status_only(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "countersign"):
        case = api.submit(customer={"id": "maria-id", "email": "maria@acme.example"}, ticket={"id": "ticket-77"})
        api.get(f"/v1/cases/{case['id']}?wait=0")
        api.get("/v1/cases?customer_id=maria-id")
        api.get("/nothing/maria-id")
        api.post("/v1/cases", a_body(customer={"id": 5, "maria": 1}))

    lines = [r.getMessage() for r in caplog.records if r.name == "countersign.http"]
    assert [" ".join(line.split()[:3]) for line in lines] == [
        "POST /v1/cases 202",
        "GET /v1/cases/{case_id} 200",
        "GET /v1/cases 200",
        "GET - 404",
        "POST /v1/cases 422",
    ]
    assert "maria" not in caplog.text
    assert "ticket-77" not in caplog.text


def test_mistakes_are_named_and_values_are_not_repeated(api: Api) -> None:
    body = a_body(
        ticket={"id": "t", "channel": "SECRET-1"},
        customer={"id": ["SECRET-2"], "email": 3},
        messages=[{"author": "SECRET-3", "text": "x"}],
        deadline="SECRET-4",
        callback_url="ftp://SECRET-5",
    )
    document = _is_problem(api.post("/v1/cases", body), 422)

    assert {e["field"]: e["pointer"] for e in document["errors"]} == {
        "ticket.channel": "#/ticket/channel",
        "customer.id": "#/customer/id",
        "customer.email": "#/customer/email",
        "messages[0].author": "#/messages/0/author",
        "deadline": "#/deadline",
    }
    assert "SECRET" not in str(document)
    assert "expected one of 'customer', 'agent', 'ai' or 'system'" in str(document)


def test_at_most_twenty_mistakes_are_listed(api: Api) -> None:
    document = _is_problem(api.post("/v1/cases", a_body(**{f"extra{n}": n for n in range(60)})), 422)
    assert len(document["errors"]) == 20
    assert "59 more" in document["detail"]


def test_a_field_name_is_shown_harmless(api: Api) -> None:
    document = _is_problem(api.post("/v1/cases", a_body(**{"a/b~\u202e" + "x" * 500: 1})), 422)
    (error,) = document["errors"]
    assert error["field"].startswith("a/b~?xxx")
    assert error["pointer"].startswith("#/a~1b~0?xxx")
    assert len(error["field"]) <= 101


def test_routes_of_others_join_the_app_with_the_same_limits(sqlite_url: str) -> None:
    async def echo(request: Request) -> Response:
        return PlainTextResponse(str(len(await request.body())))

    store = Store(sqlite_url)
    with an_api(store, extra_routes=[Route("/slack/events", echo, methods=["POST"])]) as api:
        assert api.post("/slack/events", content=b"x" * 1000, secret=None).text == "1000"
        _is_problem(api.post("/slack/events", content=b"x" * 1_100_000, secret=None), 413)
    store.close()


def test_readiness_follows_the_engine_and_the_schema(sqlite_url: str) -> None:
    store = Store(sqlite_url)
    with an_api(store) as api:
        assert api.get("/readyz", secret=None).json() == {"status": "ready"}
        api.engine.stop()
        _is_problem(api.get("/readyz", secret=None), 503)
        assert api.get("/livez", secret=None).status_code == 200
    store.close()


def test_an_old_schema_is_not_ready(sqlite_url: str, tmp_path: Any) -> None:
    store, empty = Store(sqlite_url), Store(f"sqlite:///{tmp_path / 'empty.db'}")
    with an_api(store) as api:
        api.engine.store = empty
        document = _is_problem(api.get("/readyz", secret=None), 503)
        assert "countersign db upgrade" in document["detail"]
        assert "countersign_store_up 0.0" in api.get("/metrics", secret=None).text
        api.engine.store = store
    store.close()
    empty.close()


def test_metrics_count_what_waits_and_what_was_refused(api: Api) -> None:
    case = api.submit()
    api.post(f"/v1/cases/{case['id']}/withdraw")
    api.post(f"/v1/cases/{case['id']}/withdraw")
    other = api.submit()

    text = api.get("/metrics", secret=None).text
    lines = set(text.splitlines())
    assert 'countersign_commands_total{command="ReceiveCase"} 2.0' in lines
    assert 'countersign_refusals_total{code="withdrawn"} 1.0' in lines
    assert f'countersign_pending_cases{{queue="{other["route"]["channel"]}"}} 1.0' in lines
    assert "countersign_oldest_overdue_timer_seconds 0.0" in lines
    assert 'countersign_outbox_stuck{status="dead"} 0.0' in lines
    assert any(line.startswith('countersign_outbox_pending{destination="slack"}') for line in lines)
    assert "countersign_cases_without_timers 0.0" in lines
