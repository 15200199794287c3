"""Submitting, reading and changing cases over HTTP (IN1, IN3, IN5, IN7, CO4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.core.audit import columns_of, event_leaf
from app.core.case import Fact, Signal, Source, Submitter
from app.core.effects import Click
from app.edges.answers import AuditTrail, CaseList
from db.store import Store
from tests.edges.api import Api, a_body, an_api


def test_a_submitted_case_is_answered_202_with_the_whole_case(api: Api) -> None:
    answer = api.post("/v1/cases", a_body(signals={"intent": {"label": "shipping_status", "confidence": 0.93}}))

    assert answer.status_code == 202
    case = answer.json()
    assert 8 <= len(case["id"]) <= 40
    assert answer.headers["location"] == f"/v1/cases/{case['id']}"
    assert case["state"] == "pending"
    assert case["approval"] | {"stages": [], "approvals": []} == {
        "required": True,
        "kind": "approve" if case["tier"] == "low" else case["approval"]["kind"],
        "outcome": None,
        "by": None,
        "role": None,
        "at": None,
        "stages": [],
        "approvals": [],
    }
    assert case["draft"]["text"] == "Your parcel left our warehouse today."
    assert case["draft"]["request_hash"] == api.stored(case["id"]).request_hash
    assert case["policy_snapshot"] == api.engine.policy.snapshot
    assert case["supersedes"] is None
    assert api.get(f"/v1/cases/{case['id']}").json() == case


def test_every_field_of_a_case_arrives(api: Api) -> None:
    body = a_body(
        ticket={"id": "T-1", "url": "https://help.example/1", "channel": "chat", "subject": "Tabs\tand\nlines"},
        customer={
            "id": "c-1",
            "name": "Zoë",
            "email": "zoe@example.com",
            "segment": " Enterprise ",
            "contract_value": "75000.50",
            "currency": "usd",
            "regulated": True,
            "industry": "health",
            "vip": True,
            "privileged_roles": ["global_admin"],
            "active_escalation": True,
            "timezone": "Eastern Time (US & Canada)",
            "crm_ticket_id": "9001",
            "account_url": "https://crm.example/c-1",
        },
        messages=[
            {
                "author": "customer",
                "text": "Please",
                "at": "2026-03-02T10:00:00.5+01:00",
                "attachments": [{"name": "a.pdf", "type": "application/pdf", "size": 12, "url": "https://x.example/a"}],
            },
            {"author": "agent", "text": "We look into it", "at": None},
        ],
        draft={
            "author": "human",
            "text": "Hello",
            "confidence": 1,
            "reasoning": "because",
            "sources": [{"title": "KB 12", "url": "kb/12"}],
            "model_name": "m",
            "prompt_template_version": "p-1",
            "ai_trace_id": "t-1",
            "suggested_macros": ["macro"],
            "next_questions": ["Which one?"],
            "internal_note": "note",
            "summary": "sum",
            "attachments": [],
        },
        signals={
            "intent": {"label": "how_to", "confidence": 0.5},
            "sentiment": {"label": "negative", "confidence": 1},
            "language": {"label": "pt-BR", "confidence": 0},
        },
        requested_action={
            "type": "refund",
            "amount": 49.90,
            "currency": "eur",
            "irreversible": True,
            "transaction_verified": True,
            "scope": "bulk",
        },
        context=[{"label": "Plan", "value": "Gold"}],
        submitted_by={"slack_user": "UAGENT1"},
        cc=["ULEAD1"],
        callback_url="https://example.com/hook",
        deadline="2030-01-01T00:00:00Z",
        metadata={"n": 1.50, "flag": True, "text": "x"},
    )

    answer = api.post("/v1/cases", body)
    assert answer.status_code == 202, answer.text
    case = api.stored(answer.json()["id"])

    assert (case.ticket.channel, case.ticket.subject) == ("chat", "Tabs\tand\nlines")
    customer = case.customer
    assert (customer.segment, customer.contract_value, customer.currency) == ("enterprise", Decimal("75000.5"), "USD")
    assert (customer.regulated, customer.vip, customer.active_escalation) == (True, True, True)
    assert (customer.privileged_roles, customer.crm_ticket_id) == (("global_admin",), "9001")
    first = case.messages[0]
    assert first.at is not None
    assert first.at.isoformat() == "2026-03-02T09:00:00.500000+00:00"
    assert (first.attachments[0].name, first.attachments[0].size) == ("a.pdf", 12)
    assert [m.author for m in case.messages] == ["customer", "agent"]
    draft = case.drafts[0]
    assert (draft.version, draft.author, draft.confidence) == (1, "human", 1.0)
    assert draft.sources == (Source(title="KB 12", url="kb/12"),)
    assert (draft.suggested_macros, draft.next_questions) == (("macro",), ("Which one?",))
    assert case.signals.language == Signal(label="pt-BR", confidence=0.0, source="caller")
    action = case.action
    assert action is not None
    assert (action.amount, action.currency, action.irreversible) == (Decimal("49.9"), "EUR", True)
    assert (action.transaction_verified, action.scope) == (True, "bulk")
    assert case.context == (Fact(label="Plan", value="Gold"),)
    assert case.submitted_by == Submitter(slack_user="UAGENT1")
    assert (case.cc, case.callback_url, case.callback_key) == (("ULEAD1",), "https://example.com/hook", "full")
    assert case.deadline is not None
    assert case.metadata == {"n": "1.5", "flag": "true", "text": "x"}


@pytest.mark.parametrize(
    ("sent", "amount", "text"),
    [
        ("0.1", "0.1", ""),
        ("12.500", "12.5", ""),
        ("100000000000000000.01", "100000000000000000.01", ""),
        ("5e1", "50", ""),
        ('"50.00"', "50", ""),
        ('"about 50"', None, "about 50"),
        ('"1,000"', None, "1,000"),
        ('"NaN"', None, "NaN"),
        ('""', None, '""'),
        ("-50", None, "-50"),
        ("1e30", None, "1E+30"),
        ("0." + "0" * 90 + "1", None, "1E-91"),
    ],
)
def test_amounts_are_read_exactly_and_doubtful_ones_are_kept_for_a_person(
    api: Api, sent: str, amount: str | None, text: str
) -> None:
    raw = (
        b'{"ticket":{"id":"1"},"customer":{"id":"1"},"messages":[{"author":"customer","text":"x"}],'
        b'"requested_action":{"type":"refund","amount":' + sent.encode() + b"}}"
    )
    answer = api.post_raw(raw)

    assert answer.status_code == 202, answer.text
    action = api.stored(answer.json()["id"]).action
    assert action is not None
    assert action.amount == (None if amount is None else Decimal(amount))
    assert action.amount_text == text
    assert answer.json()["requested_action"]["amount"] == (amount or text)
    assert answer.json()["approval"]["required"] is True


def test_verified_transactions_are_believed_only_from_a_key_that_may_assert_them(api: Api) -> None:
    action = {"type": "refund", "amount": 10, "currency": "EUR", "transaction_verified": True}
    plain = api.post("/v1/cases", a_body(requested_action=action), secret="basic-secret")
    trusted = api.post("/v1/cases", a_body(requested_action=action), secret="full-secret")

    assert plain.status_code == trusted.status_code == 202
    assert plain.json()["requested_action"]["transaction_verified"] is False
    assert trusted.json()["requested_action"]["transaction_verified"] is True


def test_null_is_the_same_as_left_out(api: Api) -> None:
    nothing: dict[str, Any] = dict.fromkeys(
        (
            "draft",
            "signals",
            "requested_action",
            "context",
            "submitted_by",
            "cc",
            "deadline",
            "metadata",
            "callback_url",
        )
    )
    answer = api.post("/v1/cases", {**a_body(), **nothing, "customer": {"id": "c", "vip": None, "name": None}})

    assert answer.status_code == 202, answer.text
    assert answer.json()["draft"] is None


def test_a_second_case_on_the_ticket_supersedes_the_first(api: Api) -> None:
    first = api.submit()
    second = api.submit()

    assert second["supersedes"] == first["id"]
    old = api.get(f"/v1/cases/{first['id']}").json()
    assert (old["state"], old["superseded_by"]) == ("superseded", second["id"])


def test_a_message_goes_to_the_case_that_is_live_now(api: Api) -> None:
    first = api.submit()
    one = api.post(f"/v1/cases/{first['id']}/messages", {"text": "And when does it come?"})
    two = api.post(f"/v1/cases/{first['id']}/messages", {"author": "customer", "text": "Hello?"})

    assert (one.status_code, two.status_code) == (202, 202)
    assert one.json()["supersedes"] == first["id"]
    assert two.json()["supersedes"] == one.json()["id"]
    texts = [m.text for m in api.stored(two.json()["id"]).messages]
    assert texts[1:] == ["And when does it come?", "Hello?"]


def test_a_message_to_an_ended_chain_keeps_what_was_said_last(api: Api) -> None:
    first = api.submit()
    second = api.post(f"/v1/cases/{first['id']}/messages", {"text": "second"}).json()
    assert api.post(f"/v1/cases/{second['id']}/withdraw", {"reason": "phone"}).status_code == 202

    third = api.post(f"/v1/cases/{first['id']}/messages", {"text": "third"})

    assert third.status_code == 202
    assert [m.text for m in api.stored(third.json()["id"]).messages][1:] == ["second", "third"]


def test_withdrawing_twice_is_a_conflict_with_a_sentence(api: Api) -> None:
    case = api.submit()
    first = api.post(f"/v1/cases/{case['id']}/withdraw", {"reason": "Solved by phone"})
    again = api.post(f"/v1/cases/{case['id']}/withdraw")

    assert (first.status_code, first.json()["state"]) == (202, "withdrawn")
    assert first.json()["verdict"]["reason"] == "Solved by phone"
    assert again.status_code == 409
    assert again.json()["code"] == "withdrawn"
    assert "withdrawn" in again.json()["detail"]


def test_a_withdrawal_needs_no_body(api: Api) -> None:
    case = api.submit()
    assert api.post(f"/v1/cases/{case['id']}/withdraw").json()["state"] == "withdrawn"


def test_a_new_draft_is_the_next_version(api: Api) -> None:
    case = api.submit()
    answer = api.post(f"/v1/cases/{case['id']}/drafts", {"text": "It arrives on Monday.", "author": "human"})

    assert answer.status_code == 202
    draft = answer.json()["draft"]
    assert (draft["version"], draft["author"], draft["text"]) == (2, "human", "It arrives on Monday.")
    assert draft["request_hash"] != case["draft"]["request_hash"]


def test_a_result_verifies_the_action_of_that_amount_only(api: Api) -> None:
    case = api.submit(requested_action={"type": "refund", "amount": "40.00", "currency": "EUR"})
    path = f"/v1/cases/{case['id']}/action-result"

    wrong = api.post(path, {"status": "succeeded", "amount": 41, "reference": "re_1"})
    right = api.post(path, {"status": "succeeded", "amount": 40.0, "reference": "re_2"})

    assert wrong.json()["requested_action"]["transaction_verified"] is False
    assert right.json()["requested_action"] | {} == {
        "type": "refund",
        "amount": "40",
        "currency": "EUR",
        "irreversible": False,
        "transaction_verified": True,
        "scope": "single",
        "reference": "re_2",
    }


def test_a_result_for_a_case_without_an_action_is_refused(api: Api) -> None:
    answer = api.post(f"/v1/cases/{api.submit()['id']}/action-result", {"status": "failed"})
    assert (answer.status_code, answer.json()["code"]) == (409, "no_action")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", ""),
        ("GET", "?wait=1"),
        ("GET", "/audit"),
        ("POST", "/withdraw"),
        ("POST", "/messages"),
        ("POST", "/drafts"),
        ("POST", "/action-result"),
    ],
)
@pytest.mark.parametrize("case_id", ["c_0000000000000000", "x", "%00", "a%2Fb", "é" * 30, "c_" + "0" * 60])
def test_an_unknown_case_is_404_everywhere(api: Api, method: str, path: str, case_id: str) -> None:
    body = {"/messages": {"text": "x"}, "/drafts": {"text": "x"}, "/action-result": {"status": "failed"}}.get(path)
    answer = api.call(method, f"/v1/cases/{case_id}{path}", **({"json": body} if body else {}))

    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_lists_are_filtered_and_paged(api: Api) -> None:
    plain = [api.submit(ticket={"id": f"T{n}"}, customer={"id": f"C{n % 2}"})["id"] for n in range(5)]
    refund = api.submit(ticket={"id": "R"}, requested_action={"type": "refund", "amount": 90, "currency": "EUR"})
    api.post(f"/v1/cases/{plain[0]}/withdraw")

    def ids(query: str) -> list[str]:
        answer = api.get(f"/v1/cases?{query}")
        assert answer.status_code == 200, answer.text
        return [case["id"] for case in CaseList.model_validate(answer.json()).model_dump()["items"]]

    assert ids("state=withdrawn") == [plain[0]]
    assert ids("ticket_id=T3") == [plain[3]]
    assert set(ids("customer_id=C1")) == {plain[1], plain[3]}
    assert refund["id"] in ids("tier=high")
    channel = refund["route"]["channel"]
    assert ids(f"queue={channel}") == ids(f"queue=%23{channel}")
    assert refund["id"] in ids(f"queue={channel}")

    seen, cursor = [], ""
    for _ in range(10):
        page = api.get(f"/v1/cases?limit=2{cursor}").json()
        seen += [case["id"] for case in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert seen == [refund["id"], *reversed(plain)]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("state=lost", "state"),
        ("tier=HIGH", "tier"),
        ("cursor=%21%21", "cursor"),
        ("cursor=AAAA", "cursor"),
        ("status=pending", "status"),
        ("ticket_id=%00", "ticket_id"),
        ("ticket_id=" + "9" * 201, "ticket_id"),
    ],
)
def test_a_wrong_filter_is_named(api: Api, query: str, field: str) -> None:
    answer = api.get(f"/v1/cases?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert answer.json()["errors"][0]["in"] == "query"


def test_the_audit_trail_can_be_checked_by_whoever_reads_it(api: Api) -> None:
    case = api.submit()
    click = Click(trigger="T1", channel="C1", ts="1.2")
    user = api.hand_back(case["id"], click)

    answer = api.get(f"/v1/cases/{case['id']}/audit")

    assert answer.status_code == 200, answer.text
    trail = AuditTrail.model_validate(answer.json())
    assert [e.seq for e in trail.events] == sorted(e.seq for e in trail.events)
    rejected = next(e for e in trail.events if e.type == "Rejected")
    assert (rejected.actor, rejected.slack.model_dump()) == (
        f"slack:{user}",
        {"channel": "C1", "ts": "1.2", "trigger": "T1"},
    )
    with api.engine.store.reading() as reader:
        rows = reader.events(case["id"])
    assert [e.leaf_hash for e in trail.events] == [event_leaf(columns_of(row)).hex() for row in rows]


def test_a_case_reads_the_same_from_both_databases(store: Store) -> None:
    with an_api(store) as api:
        case = api.submit(metadata={"emoji": "🧾", "quote": "'; --"})
        assert api.get(f"/v1/cases/{case['id']}").json() == case
        assert api.get("/v1/cases?ticket_id=48213").json()["items"] == [case]
        assert api.get("/v1/cases?ticket_id=%27%20OR%201%3D1").json()["items"] == []
