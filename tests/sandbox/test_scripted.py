"""The demo's cases are well-formed, varied, and arrive as an integrator would post them."""

import json
import threading
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.sandbox.scripted import AT_ONCE, cases, feed
from app.sandbox.server import Sandbox
from app.sandbox.serving import run

TOP = {
    *("ticket", "customer", "messages", "draft", "signals", "requested_action", "context", "submitted_by"),
    *("cc", "callback_url", "deadline", "metadata"),
}
CHANNELS = {"email", "chat", "web", "phone", "social", "other"}
BY_TICKET = {body["ticket"]["id"]: body for body in cases()}


class Intake:
    """Takes cases and remembers them; `failures` are statuses to answer with first."""

    def __init__(self, sandbox: Sandbox, *failures: int) -> None:
        self.sandbox = sandbox
        self.failures = list(failures)
        self.taken: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.bearers: set[str] = set()
        self.unknown_crm_tickets: list[str] = []
        self.app = Starlette(routes=[Route("/v1/cases", self.take, methods=["POST"])])

    async def take(self, request: Request) -> Response:
        body = await request.json()
        crm_ticket = body["customer"].get("crm_ticket_id")
        if crm_ticket and crm_ticket not in self.sandbox.crm.tickets:
            self.unknown_crm_tickets.append(crm_ticket)
        self.keys.append(request.headers["idempotency-key"])
        self.bearers.add(request.headers["authorization"])
        if self.failures:
            return JSONResponse({}, self.failures.pop(0))
        self.taken.append(body)
        return JSONResponse({"id": body["ticket"]["id"]}, 202)


def _fed(intake: Intake, stop: threading.Event, every: float) -> threading.Thread:
    with run(intake.app) as server:
        thread = feed(server.url, "secret", intake.sandbox, stop, every=every)
        thread.join(10)
    return thread


def test_ids_and_tickets_are_unique() -> None:
    bodies = cases()
    for ids in (
        [b["ticket"]["id"] for b in bodies],
        [b["customer"]["id"] for b in bodies],
        [b["customer"]["crm_ticket_id"] for b in bodies if "crm_ticket_id" in b["customer"]],
    ):
        assert len(ids) == len(set(ids))
    assert len(bodies) >= 14


@pytest.mark.parametrize("ticket", BY_TICKET)
def test_a_case_keeps_the_shape_of_intake(ticket: str) -> None:
    body = BY_TICKET[ticket]
    assert set(body) <= TOP
    assert body["ticket"]["channel"] in CHANNELS
    assert body["customer"]["segment"] in {"small", "standard", "enterprise"}
    assert any(m["author"] == "customer" and m["text"].strip() for m in body["messages"])
    assert len(body.get("context", [])) <= 10
    assert len(body["submitted_by"]) == 1
    assert body["signals"]["sentiment"]["label"] in {"positive", "neutral", "negative"}
    assert all(0 <= signal["confidence"] <= 1 for signal in body["signals"].values())
    assert json.loads(json.dumps(body)) == body
    json.dumps(body, ensure_ascii=False).encode("utf-8")


def test_the_stream_covers_the_range_a_newcomer_should_see() -> None:
    bodies = cases()
    words = " ".join(m["text"] for b in bodies for m in b["messages"])
    assert {"low", "high"} <= {("low" if b["signals"]["intent"]["label"] == "how_to" else "high") for b in bodies}
    assert {b["signals"]["language"]["label"] for b in bodies} == {"en", "de", "es"}
    assert {b["ticket"]["channel"] for b in bodies} >= {"email", "chat", "web", "phone", "social"}
    assert any(b["customer"].get("vip") for b in bodies)
    assert any(b.get("requested_action", {}).get("amount") == "240.00" for b in bodies)
    assert any(b.get("draft", {}).get("author") == "human" for b in bodies)
    assert any("draft" not in b for b in bodies)
    assert any(9_500 <= len(b.get("draft", {}).get("text", "")) <= 10_500 for b in bodies)
    for piece in ("4111 1111 1111 1111", "ignore previous instructions", "<!channel>", "\u202e"):
        assert piece in words


def test_submitters_and_people_told_are_in_the_workspace() -> None:
    users = Sandbox().workspace.users
    named = [b["submitted_by"].get("slack_user") for b in cases()]
    told = [user for b in cases() for user in b.get("cc", [])]
    assert all(user in users for user in [*told, *(user for user in named if user)])


def test_changing_one_list_leaves_the_next_alone() -> None:
    cases()[0]["ticket"]["id"] = "changed"
    assert cases()[0]["ticket"]["id"] != "changed"


def test_all_cases_arrive_in_order_after_their_crm_tickets() -> None:
    intake = Intake(Sandbox())
    _fed(intake, threading.Event(), 0.0)
    assert intake.taken == cases()
    assert intake.unknown_crm_tickets == []
    assert len(set(intake.keys)) == len(cases())
    assert intake.bearers == {"Bearer secret"}


def test_only_the_first_few_come_at_once_and_stop_ends_it() -> None:
    intake = Intake(Sandbox())
    stop = threading.Event()
    with run(intake.app) as server:
        thread = feed(server.url, "secret", intake.sandbox, stop, every=60.0)
        thread.join(0.5)
        assert thread.is_alive()
        stop.set()
        thread.join(5)
    assert not thread.is_alive()
    assert intake.taken == cases()[:AT_ONCE]


def test_a_case_that_failed_is_posted_again_under_its_key() -> None:
    intake = Intake(Sandbox(), 503)
    _fed(intake, threading.Event(), 0.0)
    assert intake.taken == cases()
    assert intake.keys[0] == intake.keys[1]


def test_a_refused_case_does_not_hold_up_the_next() -> None:
    intake = Intake(Sandbox(), 422)
    _fed(intake, threading.Event(), 0.0)
    assert intake.taken == cases()[1:]
