from __future__ import annotations

import base64
from datetime import UTC, datetime

import httpx
import pytest
from standardwebhooks import Webhook

from app.core.effects import HelpdeskReply
from app.ports.crm import Crm
from app.ports.crm.hubspot import HubSpotCrm
from app.ports.crm.webhook import WebhookCrm
from app.ports.errors import SKIPPED, Ambiguous, Found, GiveUp, Misconfigured, RetryLater
from app.ports.helpdesk import Helpdesk
from app.ports.helpdesk.webhook import WebhookHelpdesk
from tests.make import NOW, a_case
from tests.ports.far_end import FarEnd, Reply, a_json, far_end

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
CASE = a_case()
TEXT = "Grüße,\n\n  *not bold* <b>& co</b> \u200b✓"
PROPERTIES = {"risk_tier": "high", "approval_outcome": "", "intent_confidence": "0.91"}


def webhook(there: FarEnd) -> Helpdesk:
    # The reference library judges the timestamp by the real clock.
    return WebhookHelpdesk(
        f"{there.url}/in?k=v", SECRET, clock=lambda: datetime.now(UTC), transport=httpx.HTTPTransport()
    )


def hubspot(there: FarEnd) -> Crm:
    return HubSpotCrm(there.url, "pat-1", transport=httpx.HTTPTransport())


def test_a_reply_goes_out_signed_and_letter_by_letter() -> None:
    with far_end(Reply(204)) as there:
        sent = webhook(there).send_reply("c1-4", CASE, TEXT, "reply", "abc")
    assert sent.remote_id == "c1-4"
    (taken,) = there.taken
    assert (taken.method, taken.path) == ("POST", "/in?k=v")
    body = Webhook(SECRET).verify(taken.body, dict(taken.headers))
    assert taken.headers["webhook-id"] == "c1-4"
    assert body["type"] == "reply.send"
    assert datetime.fromisoformat(body["timestamp"]).tzinfo is not None
    assert body["data"] == {
        "case_id": CASE.id,
        "ticket_id": CASE.ticket.id,
        "text": TEXT,
        "kind": "reply",
        "public": True,
        "request_hash": "abc",
    }


def test_holding_is_public_and_a_note_is_not() -> None:
    with far_end(Reply()) as there:
        desk = webhook(there)
        desk.send_reply("c1-5", CASE, "Under review", "holding", "")
        desk.add_note("c1-6", CASE, "Handed back")
    data = [r.json["data"] for r in there.taken]
    assert [(d["kind"], d["public"]) for d in data] == [("holding", True), ("note", False)]


def test_fields_and_tags_go_out_as_ticket_fields() -> None:
    with far_end(Reply()) as there:
        webhook(there).set_fields("c1-7", CASE, {"risk_tier": "high"}, ("countersign",))
    body = there.taken[0].json
    assert body["type"] == "ticket.fields"
    assert body["data"] == {
        "case_id": CASE.id,
        "ticket_id": CASE.ticket.id,
        "fields": {"risk_tier": "high"},
        "tags": ["countersign"],
    }


def test_webhook_id_is_the_same_in_every_attempt() -> None:
    with far_end(Reply(503)) as there:
        desk = webhook(there)
        for _ in range(2):
            with pytest.raises(RetryLater):
                desk.send_reply("c1-4", CASE, TEXT, "reply", "abc")
    assert [r.headers["webhook-id"] for r in there.taken] == ["c1-4", "c1-4"]


def test_a_lost_answer_is_ambiguous_says_where_to_look_and_cannot_be_looked_up() -> None:
    with far_end(Reply(fault="reset")) as there:
        desk = webhook(there)
        with pytest.raises(Ambiguous) as caught:
            desk.send_reply("c1-4", CASE, TEXT, "reply", "abc")
        assert desk.find_sent("c1-4", CASE, HelpdeskReply(text=TEXT, kind="reply", request_hash="abc")) is Found.UNKNOWN
    assert CASE.ticket.id in caught.value.look_at
    assert "c1-4" in caught.value.look_at
    assert "Grüße" not in str(caught.value)


def test_only_fields_may_be_repeated() -> None:
    assert WebhookHelpdesk("https://desk.test", SECRET).idempotent == {"HelpdeskFields"}


def test_a_helpdesk_secret_of_another_form_stops_at_once() -> None:
    with pytest.raises(Misconfigured) as caught:
        WebhookHelpdesk("https://desk.test", "secret")
    assert caught.value.setting == "COUNTERSIGN_HELPDESK_SECRET"


def test_hubspot_is_patched_on_its_dated_path_with_strings() -> None:
    with far_end(a_json({"id": "991"})) as there:
        assert hubspot(there).update("c1-8", CASE, "991", PROPERTIES).remote_id == "991"
    (taken,) = there.taken
    assert (taken.method, taken.path) == ("PATCH", "/crm/objects/2026-09/tickets/991")
    assert taken.headers["authorization"] == "Bearer pat-1"
    assert taken.json == {"properties": PROPERTIES}


def test_a_ticket_id_never_leaves_its_place_in_the_path() -> None:
    with far_end(a_json({})) as there:
        hubspot(there).update("c1-8", CASE, "../contacts/1?x=", PROPERTIES)
    assert there.taken[0].path == "/crm/objects/2026-09/tickets/..%2Fcontacts%2F1%3Fx%3D"


def test_no_ticket_in_the_crm_is_skipped_without_a_request() -> None:
    with far_end(Reply()) as there:
        crms: list[Crm] = [
            hubspot(there),
            WebhookCrm(there.url, SECRET, transport=httpx.HTTPTransport()),
        ]
        assert [crm.update("c1-8", CASE, "", PROPERTIES) for crm in crms] == [SKIPPED, SKIPPED]
    assert there.taken == []


def test_an_unknown_hubspot_ticket_is_named() -> None:
    with far_end(a_json({"category": "OBJECT_NOT_FOUND"}, 404)) as there, pytest.raises(GiveUp) as caught:
        hubspot(there).update("c1-8", CASE, "991", PROPERTIES)
    assert "991" in caught.value.error
    assert "crm_ticket_id" in caught.value.remedy


@pytest.mark.parametrize(
    "body",
    [
        {
            "status": "error",
            "message": 'Property values were not valid: [{"isValid":false,"message":"Property \\"risk_tier\\" does not'
            ' exist for Ada","error":"PROPERTY_DOESNT_EXIST","name":"risk_tier"}]',
            "category": "VALIDATION_ERROR",
        },
        {
            "message": "Ada's values were not valid",
            "errors": [{"message": "no", "code": "PROPERTY_DOESNT_EXIST", "context": {"propertyName": ["risk_tier"]}}],
        },
    ],
)
def test_a_property_hubspot_refuses_is_named_and_nothing_else_of_its_answer(body: object) -> None:
    with far_end(a_json(body, 400)) as there, pytest.raises(GiveUp) as caught:
        hubspot(there).update("c1-8", CASE, "991", PROPERTIES)
    assert "risk_tier" in caught.value.error
    assert "crm.yaml" in caught.value.remedy
    assert "Ada" not in str(caught.value)


def test_a_wrong_value_sends_one_to_the_property_in_hubspot() -> None:
    body = {"errors": [{"code": "INVALID_OPTION", "context": {"propertyName": ["risk_tier", "somebody_else"]}}]}
    with far_end(a_json(body, 400)) as there, pytest.raises(GiveUp) as caught:
        hubspot(there).update("c1-8", CASE, "991", PROPERTIES)
    assert "the property risk_tier (400)" in caught.value.error
    assert "options" in caught.value.remedy


def test_hubspot_credentials_and_limits_follow_the_table() -> None:
    with far_end(Reply(401)) as there, pytest.raises(GiveUp) as refused:
        hubspot(there).update("c1-8", CASE, "991", PROPERTIES)
    assert "COUNTERSIGN_CRM_TOKEN" in refused.value.remedy
    with far_end(Reply(429, headers={"retry-after": "3"})) as there, pytest.raises(RetryLater) as later:
        hubspot(there).update("c1-8", CASE, "991", PROPERTIES)
    assert later.value.after == 3.0
    assert HubSpotCrm.idempotent == {"CrmPatch"}


def test_the_crm_webhook_carries_the_patch() -> None:
    with far_end(Reply()) as there:
        crm = WebhookCrm(there.url, SECRET, clock=lambda: NOW, transport=httpx.HTTPTransport())
        crm.update("c1-9", CASE, "991", PROPERTIES)
    (taken,) = there.taken
    assert taken.headers["webhook-id"] == "c1-9"
    assert taken.headers["webhook-signature"] == Webhook(SECRET).sign("c1-9", NOW, taken.body.decode())
    assert taken.json["type"] == "crm.update"
    assert taken.json["data"] == {
        "case_id": CASE.id,
        "ticket_id": CASE.ticket.id,
        "crm_ticket_id": "991",
        "properties": PROPERTIES,
    }
