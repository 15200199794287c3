"""What the CRM and the helpdesk are told (CR1-CR4, DL6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from app.core.case import Case, Escalation, Verdict
from app.core.crmfields import crm_properties, helpdesk_fields
from app.core.findings import Finding
from app.core.policy import Policy, compile_policy
from tests.core.policies import shipped, with_crm
from tests.make import NOW, a_case, a_customer, a_draft, a_high_case

CR1 = [
    "helpdesk_ticket_id",
    "crm_ticket_id",
    "customer_id",
    "channel",
    "intent",
    "intent_confidence",
    "sentiment",
    "sentiment_confidence",
    "language",
    "language_confidence",
    "risk_tier",
    "confidence_band",
    "ai_used",
    "ai_mode",
    "ai_draft_sent",
    "approval_required",
    "approval_outcome",
    "approver_role",
    "approval_timestamp",
    "guardrail_triggered",
    "guardrail_types",
    "guardrail_action",
    "escalated",
    "escalation_reason",
    "escalation_trigger_type",
    "routed_queue",
    "resolution_code",
    "next_action",
    "follow_up_due_at",
    "csat_requested",
    "ai_trace_id",
    "model_name",
    "prompt_template_version",
    "guardrail_policy_version",
]


def verdict(outcome: str = "approved", role: str = "support_agent", **changes: Any) -> Verdict:
    known: dict[str, Any] = {
        "outcome": outcome,
        "by": "UAGENT1",
        "role": role,
        "at": NOW,
        "resolution_code": "answered",
        "next_action": "await_customer",
    }
    return Verdict(**{**known, **changes})


def finding(type: str, action: str) -> Finding:
    return Finding(rule_id="r", rule_version="v", type=type, action=action, start=0, end=1)  # type: ignore[arg-type]


def fields(case: Case, policy: Policy | None = None) -> dict[str, str]:
    return crm_properties(case, policy or shipped())


@pytest.mark.parametrize(
    "case",
    [
        a_case(),
        a_high_case(),
        a_case(assessment=None, drafts=(), signals=type(a_case().signals)(), customer=a_customer(crm_ticket_id="")),
        a_case(state="sent", verdict=verdict(follow_up_due_at=NOW + timedelta(days=1))),
    ],
    ids=["pending", "high", "bare", "sent"],
)
def test_exactly_the_names_of_the_contract_and_all_text(case: Case) -> None:
    properties = fields(case)
    assert list(properties) == CR1
    assert all(isinstance(value, str) for value in properties.values())


def test_at_assessment_nothing_is_decided_yet() -> None:
    properties = fields(a_case())
    assert (properties["approval_outcome"], properties["approver_role"], properties["approval_timestamp"]) == (
        "",
        "",
        "",
    )
    assert (properties["approval_required"], properties["ai_draft_sent"]) == ("true", "false")
    assert properties["intent_confidence"] == "0.93"
    assert (properties["risk_tier"], properties["confidence_band"]) == ("low", "high")
    assert properties["guardrail_policy_version"] == shipped().rules.version


@pytest.mark.parametrize(
    ("outcome", "author", "expected", "ai_draft_sent"),
    [
        ("approved", "ai", "approved", "true"),
        ("approved", "human", "edited", "false"),
        ("edited", "human", "edited", "false"),
        ("auto", "ai", "", "true"),
        ("notified", "ai", "", "true"),
    ],
)
def test_outcome_of_what_was_sent(outcome: str, author: str, expected: str, ai_draft_sent: str) -> None:
    case = a_case(state="sent", drafts=(a_draft(author=author),), verdict=verdict(outcome))
    properties = fields(case)
    assert (properties["approval_outcome"], properties["ai_draft_sent"]) == (expected, ai_draft_sent)
    assert properties["approval_timestamp"] == ("2026-03-02T09:00:00.000Z" if expected else "")


@pytest.mark.parametrize("outcome", ["rejected", "expired", "withdrawn", "superseded", "failed"])
def test_what_was_not_sent_says_so(outcome: str) -> None:
    properties = fields(a_case(state=outcome, verdict=verdict(outcome)))
    assert properties["ai_draft_sent"] == "false"
    assert properties["approval_outcome"] == ("rejected" if outcome == "rejected" else "")
    assert (properties["resolution_code"], properties["next_action"]) == ("answered", "await_customer")


def test_a_draft_on_its_way_is_not_sent_yet() -> None:
    assert fields(a_case(state="sending", verdict=verdict()))["ai_draft_sent"] == "false"


@pytest.mark.parametrize(
    ("role", "kind"),
    [
        ("support_agent", "agent"),
        ("support_lead", "lead"),
        ("vip_manager", "lead"),
        ("billing_approver", "specialist"),
        ("executive_approver", "specialist"),
    ],
)
def test_approver_role(role: str, kind: str) -> None:
    assert fields(a_case(verdict=verdict(role=role)))["approver_role"] == kind


def test_ai_is_used_when_it_only_wrote_the_summary() -> None:
    by_person = a_draft(author="human")
    assert fields(a_case(drafts=(by_person,)))["ai_used"] == "false"
    assert fields(a_case(drafts=(a_draft(author="human", summary="Asks for a parcel."),)))["ai_used"] == "true"
    both = fields(a_case(drafts=(a_draft(), by_person)))
    assert (both["ai_used"], both["model_name"], both["ai_trace_id"]) == ("true", "support-writer-2", "trace-5d2c")


def test_the_most_severe_guardrail_action() -> None:
    case = a_case(findings=(finding("pii", "masked"), finding("refunds", "blocked"), finding("pii", "allowed")))
    properties = fields(case)
    assert properties["guardrail_triggered"] == "true"
    assert (properties["guardrail_types"], properties["guardrail_action"]) == ("pii;refunds", "blocked")
    assert fields(a_case())["guardrail_action"] == ""


def test_the_last_escalation_names_queue_and_reason() -> None:
    at_start = fields(a_high_case())
    assert (at_start["escalated"], at_start["escalation_trigger_type"]) == ("true", "rule")
    assert at_start["routed_queue"] == "billing-approvals"
    later = Escalation(reason="No decision after 30 min.", trigger_type="manual", to_role="executive_approver", at=NOW)
    properties = fields(a_high_case(escalations=(later,)))
    assert properties["routed_queue"] == "executive-approvals"
    assert (properties["escalation_reason"], properties["escalation_trigger_type"]) == (later.reason, "manual")
    assert fields(a_case())["escalated"] == "false"


def test_minimal_keeps_what_an_audit_needs_and_what_is_asked_for() -> None:
    policy = compile_policy(with_crm(preset="minimal", fields={"routed_queue": "Load by queue"}))
    properties = fields(a_case(), policy)
    assert {"risk_tier", "approval_outcome", "escalation_reason", "ai_trace_id", "resolution_code"} <= set(properties)
    assert "routed_queue" in properties
    assert "customer_id" not in properties


def test_renamed_fields() -> None:
    policy = compile_policy(with_crm(rename={"risk_tier": "cs_risk_tier"}))
    properties = fields(a_case(), policy)
    assert properties["cs_risk_tier"] == "low"
    assert "risk_tier" not in properties


def test_helpdesk_fields_and_tags() -> None:
    case = a_high_case(state="sent", verdict=verdict("edited", "billing_approver"))
    found, tags = helpdesk_fields(case, shipped())
    assert found == {
        "risk_tier": "high",
        "approval_outcome": "edited",
        "routed_queue": "billing-approvals",
        "countersign_case_id": case.id,
    }
    assert tags == ("risk_high", "approval_edited", "queue_billing_approvals", f"countersign_{case.id}")
