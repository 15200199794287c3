"""A small replay through the whole product: posted, decided by people in Slack, delivered, judged at the far ends."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.sandbox.helpdesk import HelpdeskDelivery
from app.sandbox.server import Sandbox
from bench.replay import MODES, Result, bodies, case_faults, compare, main, read_rows, recomputed_hash, replay
from bench.replay_people import Plan

MESSAGES = (
    "Where is the parcel I ordered last Tuesday? The tracking page has not moved.",
    "Can I still change the size in my order?",
    "How do I add a second person to my workspace?",
    "The lamp arrived with a broken foot. I want my money back, please.",
    "Has my order left the warehouse yet?",
    "Which of the two brushes is better for short hair?",
    "Does the warranty cover a worn battery?",
    "The courier left the box in the rain and nobody at your end cares!",
    "Are you open on the first of May?",
    "Please cancel my subscription at the end of the month.",
    "Hm, it still does that thing. Any ideas?",
    "Somebody signed in to my account from another country last night.",
    "I moved my company; who do I tell?",
    "Parcel says delivered, but it is not here. <!channel> *please* `help` & thanks",
    "Could you add one more chair to the order I placed today?",
    "How can I export my notes?\n\nAnd can I import them again somewhere else?",
    "Two of the five cups were chipped. Refund for those two would be fine.",
    "What is the status of my order?",
    "Any tips for cleaning the filter? 🙂",
    "¿Puede alguien ayudarme con la garantía?",
)
DRAFTS = (
    "Thanks for asking. You can follow every step of it in your account, under Orders.",
    "Happy to help. Open Settings, then People, and press Invite; the other person gets a message with a link.",
    "We have issued a refund to your card, you will receive it in 3 days.",
    "Thank you for the details. A colleague is looking into it, and you will hear from us on this ticket.",
    "First line.\n\nSecond line with <b>angle brackets</b>, an & and a *star*.",
)


@pytest.mark.parametrize("mode", MODES)
def test_what_customers_get_is_what_people_approved(tmp_path: Path, mode: str) -> None:
    cases = bodies(MESSAGES, DRAFTS, mode)

    result = replay(cases, mode, f"sqlite:///{tmp_path / 'replay.db'}")

    assert result.faults == []
    assert sum(result.counts["tier"].values()) == len(MESSAGES)
    assert sum(result.handled.values()) == len(MESSAGES)
    assert "nobody" not in result.handled
    if mode == "given":
        assert set(result.counts["tier"]) == {"low", "medium", "high"}
        assert set(result.handled) == {"approve", "edit", "write"}


def _sent_case(text: str) -> dict[str, Any]:
    case: dict[str, Any] = {
        "id": "c_1",
        "state": "sent",
        "draft": {"version": 1, "text": text},
        "customer": {"id": "cust-1"},
        "ticket": {"channel": "email"},
        "requested_action": None,
        "policy_snapshot": "ab",
        "approval": {"approvals": [{"by": "U01MAYA"}]},
    }
    case["draft"]["request_hash"] = recomputed_hash(case)
    case["approval"]["approvals"][0]["request_hash"] = recomputed_hash(case)
    return case


def _far_ends(*replies: tuple[str, str]) -> Sandbox:
    """What helpdesk and CRM hold after these (text, request hash) replies on ticket given-0000."""
    sandbox = Sandbox()
    sandbox.crm.add_ticket("100000", approval_outcome="approved", resolution_code="answered")
    sandbox.helpdesk.received += [
        HelpdeskDelivery(f"c_1-{n}", "reply.send", 0.0, "c_1", "given-0000", text, "reply", True, seen)
        for n, (text, seen) in enumerate(replies)
    ]
    return sandbox


def test_the_judge_finds_what_must_never_happen() -> None:
    case = _sent_case("Open Settings.")
    seen = case["draft"]["request_hash"]
    plan = Plan(0, "given-0000", "Open Settings.", approved="Open Settings.", kind="approve")

    assert case_faults(_far_ends(("Open Settings.", seen)), case, plan) == []
    assert case_faults(_far_ends(), case, plan) == ["0 replies reached the customer"]
    assert case_faults(_far_ends(("Open Settings.", seen), ("Open Settings.", seen)), case, plan) == [
        "2 replies reached the customer"
    ]
    assert case_faults(_far_ends(("Open settings.", seen)), case, plan) == [
        "the text that left is not the text that was approved"
    ]
    assert case_faults(_far_ends(("Open Settings.", "0" * 64)), case, plan) == [
        "the request hash that left is not the one of the case"
    ]
    assert case_faults(_far_ends(("Open Settings.", seen)), case | {"state": "expired"}, plan) == [
        "ended as expired, not sent"
    ]


def test_counts_are_compared_only_where_they_are_stated() -> None:
    result = Result("given", 1, counts={"tier": {"low": 1}, "ai_mode": {"draft_reply": 1}})
    stated = {"abc:given": {"tier": {"low": 2}, "ai_mode": {"draft_reply": 1}}}
    assert compare(result, "other", stated) == []
    assert compare(result, "abc", stated) == ["tier: {'low': 1}, expected {'low': 2}"]


def test_the_request_hash_is_that_of_the_specification() -> None:
    case = {
        "id": "c_1",
        "draft": {"version": 2, "text": "Grüße"},
        "customer": {"id": "cust-1"},
        "ticket": {"channel": "email"},
        "requested_action": {"type": "refund", "amount": "240", "currency": "EUR", "scope": "single"},
        "policy_snapshot": "ab",
    }
    assert recomputed_hash(case) == recomputed_hash({**case, "state": "sent"})
    assert recomputed_hash(case) != recomputed_hash({**case, "draft": {"version": 3, "text": "Grüße"}})
    assert recomputed_hash(case) != recomputed_hash({**case, "requested_action": None})


def test_missing_data_is_said_clearly(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--data", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert "customer_taubench.jsonl" in said
    assert "--data" in said


def test_a_row_without_text_is_named(tmp_path: Path) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text(json.dumps({"text": "good"}) + "\n" + json.dumps({"id": 1}) + "\n")
    with pytest.raises(ValueError, match="line 2"):
        read_rows(rows)
