import json
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from tests.sandbox.kit import Room

REPLY: dict[str, Any] = {
    "case_id": "case-1",
    "ticket_id": "t-1",
    "text": "We are looking into it.",
    "kind": "reply",
    "public": True,
    "request_hash": "a" * 64,
}
FIELDS: dict[str, Any] = {"case_id": "case-1", "ticket_id": "t-1", "fields": {"risk_tier": "high"}, "tags": ["x"]}


def deliver(
    room: Room, data: dict[str, Any], kind: str = "reply.send", message_id: str = "msg_1", **bend: Any
) -> httpx.Response:
    at = datetime.fromtimestamp(time.time() + bend.get("shift", 0), UTC)
    body = json.dumps({"type": kind, "timestamp": at.isoformat(), "data": data} | bend.get("outer", {}))
    signer = Webhook(bend.get("secret", room.sandbox.config.helpdesk_secret))
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": signer.sign(message_id, at, body),
    }
    timeout = bend.get("timeout", 5)
    return httpx.post(f"{room.url}/helpdesk/webhook", content=body, headers=headers, timeout=timeout)


def test_the_helpdesk_keeps_what_it_took_in_order(room: Room) -> None:
    assert deliver(room, REPLY).status_code == 200
    assert deliver(room, FIELDS, "ticket.fields", "msg_2").status_code == 200
    first, second = room.sandbox.helpdesk.received
    assert (first.id, first.text, first.request_hash) == ("msg_1", "We are looking into it.", "a" * 64)
    assert (second.type, second.fields, second.tags) == ("ticket.fields", {"risk_tier": "high"}, ["x"])
    assert [d.id for d in room.sandbox.helpdesk.replies("t-1")] == ["msg_1"]


def test_a_repeated_id_is_taken_once(room: Room) -> None:
    assert [deliver(room, REPLY).status_code for _ in range(2)] == [200, 200]
    assert len(room.sandbox.helpdesk.received) == 1
    assert room.sandbox.helpdesk.repeats == ["msg_1"]


@pytest.mark.parametrize(
    ("data", "kind", "field"),
    [
        ({k: v for k, v in REPLY.items() if k != "request_hash"}, "reply.send", "data.request_hash"),
        (REPLY | {"extra": 1}, "reply.send", "data.extra"),
        (REPLY | {"kind": "letter"}, "reply.send", "data.kind"),
        (REPLY | {"public": "yes"}, "reply.send", "data.public"),
        (REPLY | {"kind": "note"}, "reply.send", "data.public"),
        (REPLY | {"text": ""}, "reply.send", "data.text"),
        (REPLY | {"request_hash": "abc"}, "reply.send", "data.request_hash"),
        (FIELDS | {"fields": {"a": {}}}, "ticket.fields", "data.fields.a"),
        (FIELDS | {"tags": "x"}, "ticket.fields", "data.tags"),
        (REPLY, "reply.sent", "type"),
    ],
)
def test_a_wrong_body_is_422_naming_the_field(room: Room, data: dict, kind: str, field: str) -> None:
    answer = deliver(room, data, kind)
    assert (answer.status_code, answer.json()["field"]) == (422, field)
    assert room.sandbox.helpdesk.received == []


def test_a_forged_or_stale_webhook_is_refused(room: Room) -> None:
    assert deliver(room, REPLY, secret="whsec_c29tZWJvZHkgZWxzZQ==").status_code == 401
    assert deliver(room, REPLY, shift=-400).status_code == 401
    assert httpx.post(f"{room.url}/helpdesk/webhook", content="{}").status_code == 401
    assert room.sandbox.helpdesk.received == []


def test_helpdesk_faults(room: Room) -> None:
    faults, helpdesk = room.sandbox.faults, room.sandbox.helpdesk
    for name, status in (("helpdesk_500", 500), ("helpdesk_429", 429), ("helpdesk_down", 503)):
        faults.set(name, 1)
        assert deliver(room, REPLY).status_code == status
    faults.set("helpdesk_timeout_before", 1)
    with pytest.raises(httpx.ReadTimeout):
        deliver(room, REPLY, timeout=0.2)
    assert helpdesk.received == []
    faults.set("helpdesk_timeout_after", 1)
    with pytest.raises(httpx.ReadTimeout):
        deliver(room, REPLY, timeout=0.2)
    faults.set("helpdesk_timeout_after", "drop")
    with pytest.raises(httpx.RemoteProtocolError):
        deliver(room, REPLY, message_id="msg_2")
    faults.clear()
    assert [d.id for d in helpdesk.received] == ["msg_1", "msg_2"]


def crm(room: Room, method: str, path: str, body: Any = None, token: str = "sandbox-crm") -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"}
    return httpx.request(method, f"{room.url}/crm/{path}", json=body, headers=headers)


TICKET = "objects/2026-09/tickets/7001"


def test_the_crm_takes_strings_for_properties_it_knows(room: Room) -> None:
    room.sandbox.crm.add_ticket("7001")
    patch = {
        "risk_tier": "high",
        "intent_confidence": "0.93",
        "ai_used": "true",
        "approval_timestamp": "2026-11-20T10:00:00Z",
        "approval_outcome": "",
    }
    answer = crm(room, "PATCH", TICKET, {"properties": patch})
    assert (answer.status_code, answer.json()["properties"]) == (200, patch)
    assert room.sandbox.crm.tickets["7001"] == patch
    read = crm(room, "GET", f"{TICKET}?properties=risk_tier,next_action").json()
    assert read["properties"] == {"risk_tier": "high", "next_action": None}


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        ("no_such", "x", "PROPERTY_DOESNT_EXIST"),
        ("intent_confidence", 0.9, "INVALID_STRING"),
        ("intent_confidence", "high", "INVALID_NUMBER"),
        ("ai_used", "True", "INVALID_OPTION"),
        ("risk_tier", "extreme", "INVALID_OPTION"),
        ("approval_timestamp", "yesterday", "INVALID_DATE"),
    ],
)
def test_the_crm_refuses_what_hubspot_refuses(room: Room, name: str, value: Any, code: str) -> None:
    room.sandbox.crm.add_ticket("7001")
    answer = crm(room, "PATCH", TICKET, {"properties": {name: value, "ai_mode": "draft_reply"}})
    body = answer.json()
    assert (answer.status_code, body["status"], body["category"]) == (400, "error", "VALIDATION_ERROR")
    assert (body["errors"][0]["code"], body["errors"][0]["context"]) == (code, {"propertyName": [name]})
    assert room.sandbox.crm.tickets["7001"] == {}
    assert room.sandbox.crm.errors[0]["correlationId"] == body["correlationId"]


def test_tickets_tokens_and_properties(room: Room) -> None:
    assert crm(room, "PATCH", TICKET, {"properties": {"ai_mode": "draft_reply"}}).json()["category"] == (
        "OBJECT_NOT_FOUND"
    )
    assert crm(room, "GET", TICKET, token="wrong").json()["category"] == "INVALID_AUTHENTICATION"
    new = {"name": "tier", "label": "Tier", "type": "string", "fieldType": "text", "groupName": "g"}
    assert crm(room, "POST", "properties/2026-09/tickets", new).status_code == 201
    assert crm(room, "POST", "properties/2026-09/tickets", new).status_code == 409
    names = {p["name"] for p in crm(room, "GET", "properties/2026-09/tickets").json()["results"]}
    assert {"tier", "risk_tier", "guardrail_policy_version"} <= names
    made = crm(room, "POST", "objects/2026-09/tickets", {"properties": {"helpdesk_ticket_id": "t-9"}})
    assert made.status_code == 201
    search = {"filterGroups": [{"filters": [{"propertyName": "helpdesk_ticket_id", "value": "t-9"}]}]}
    found = crm(room, "POST", "objects/2026-09/tickets/search", search).json()
    assert [ticket["id"] for ticket in found["results"]] == [made.json()["id"]]


def test_crm_faults(room: Room) -> None:
    room.sandbox.crm.add_ticket("7001")
    patch = {"properties": {"ai_mode": "draft_reply"}}
    for name, status in (("crm_500", 500), ("crm_429", 429)):
        room.sandbox.faults.set(name, 1)
        assert crm(room, "PATCH", TICKET, patch).status_code == status
    room.sandbox.faults.set("crm_reject_property", "ai_mode")
    assert crm(room, "PATCH", TICKET, patch).json()["errors"][0]["code"] == "PROPERTY_DOESNT_EXIST"
    room.sandbox.faults.clear()
    assert room.sandbox.crm.tickets["7001"] == {}
    room.sandbox.faults.set("crm_timeout_after", "drop")
    with pytest.raises(httpx.RemoteProtocolError):
        crm(room, "PATCH", TICKET, patch)
    assert room.sandbox.crm.tickets["7001"] == {"ai_mode": "draft_reply"}
