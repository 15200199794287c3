"""CR1-CR4 and DL6: what the CRM and the helpdesk are told, by the shipped crm.yaml and roles.yaml."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Action, Case, Escalation, Signals, Verdict
from app.core.crmfields import crm_properties, helpdesk_fields
from app.core.errors import PolicyError
from app.core.findings import Finding
from app.core.policy import Policy, assess, compile_policy
from tests.core.policies import shipped, with_crm
from tests.make import DEFAULT_ROLES, NOW, a_case, a_customer, a_draft, a_high_case

ACTION = Action(type="refund", amount=Decimal(240), currency="EUR")
FINDINGS = tuple(
    Finding(rule_id="r", rule_version="v", type=type, action=action, start=0, end=1)
    for type, action in (("pii", "masked"), ("refunds", "blocked"), ("pii", "allowed"))
)


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


def fields(case: Case, policy: Policy | None = None) -> dict[str, str]:
    return crm_properties(case, policy or shipped())


# Every field of CR1, in its order, and what it says of a refund that a person wrote and billing signed off.
CR1 = {
    "helpdesk_ticket_id": "48377",
    "crm_ticket_id": "90211",
    "customer_id": "cust-881",
    "channel": "email",
    "intent": "refund_request",
    "intent_confidence": "0.93",
    "sentiment": "negative",
    "sentiment_confidence": "0.82",
    "language": "en",
    "language_confidence": "0.99",
    "risk_tier": "high",
    "confidence_band": "high",
    "ai_used": "true",
    "ai_mode": "summarize_only",
    "ai_draft_sent": "false",
    "approval_required": "true",
    "approval_outcome": "edited",
    "approver_role": "specialist",
    "approval_timestamp": "2026-03-02T09:00:00.000Z",
    "guardrail_triggered": "true",
    "guardrail_types": "pii;refunds",
    "guardrail_action": "blocked",
    "escalated": "true",
    "escalation_reason": "This is about a refund (confidence 0.93).",
    "escalation_trigger_type": "rule",
    "routed_queue": "billing-approvals",
    "resolution_code": "billing_reply_sent",
    "next_action": "carry_out_billing_action",
    "follow_up_due_at": "2026-03-05T09:00:00.000Z",
    "csat_requested": "false",
    "ai_trace_id": "trace-5d2c",
    "model_name": "support-writer-2",
    "prompt_template_version": "shipping-7",
    "guardrail_policy_version": shipped().rules.version,
}


def decided() -> Case:
    """Assessed by the shipped policy, written by a person, signed off by billing, sent."""
    draft = a_draft("Hello Maria, we look into it.", author="human", author_id="UAGENT1", version=2)
    case = a_high_case(state="sent", drafts=(a_draft(), draft), action=ACTION, findings=FINDINGS)
    case = replace(case, assessment=assess(case, shipped(), {}, NOW))
    end = shipped().ending(case, "edited")
    assert end.follow_up is not None
    said = verdict(
        "edited",
        "billing_approver",
        resolution_code=end.resolution_code,
        next_action=end.next_action,
        follow_up_due_at=NOW + end.follow_up,
        csat_requested=end.csat_requested,
    )
    return replace(case, verdict=said)


@pytest.mark.parametrize(("name", "value"), CR1.items(), ids=CR1)
def test_field(name: str, value: str) -> None:
    assert fields(decided())[name] == value


@pytest.mark.parametrize(
    "case",
    [
        a_case(),
        a_high_case(),
        a_case(assessment=None, drafts=(), signals=Signals(), customer=a_customer(crm_ticket_id="")),
        a_case(state="sent", verdict=verdict(follow_up_due_at=NOW + timedelta(days=1))),
    ],
    ids=["pending", "high", "bare", "sent"],
)
def test_exactly_the_names_of_the_contract_and_all_text(case: Case) -> None:
    properties = fields(case)
    assert list(properties) == list(CR1)
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


KINDS = {"support_agent": "agent", "support_lead": "lead", "vip_manager": "lead"}


@pytest.mark.parametrize("role", DEFAULT_ROLES)
def test_approver_role(role: str) -> None:
    assert fields(a_case(verdict=verdict(role=role)))["approver_role"] == KINDS.get(role, "specialist")


def test_ai_is_used_when_it_only_wrote_the_summary() -> None:
    by_person = a_draft(author="human")
    assert fields(a_case(drafts=(by_person,)))["ai_used"] == "false"
    assert fields(a_case(drafts=(a_draft(author="human", summary="Asks for a parcel."),)))["ai_used"] == "true"
    both = fields(a_case(drafts=(a_draft(), by_person)))
    assert (both["ai_used"], both["model_name"], both["ai_trace_id"]) == ("true", "support-writer-2", "trace-5d2c")


@pytest.mark.parametrize(
    ("found", "action"), [((), ""), (FINDINGS[2:], "allowed"), (FINDINGS[::2], "masked"), (FINDINGS, "blocked")]
)
def test_the_most_severe_guardrail_action(found: tuple[Finding, ...], action: str) -> None:
    properties = fields(a_case(findings=found))
    assert properties["guardrail_action"] == action
    assert properties["guardrail_triggered"] == ("true" if found else "false")


def test_the_last_escalation_names_queue_and_reason() -> None:
    at_start = fields(a_high_case())
    assert (at_start["escalated"], at_start["escalation_trigger_type"]) == ("true", "rule")
    assert at_start["routed_queue"] == "billing-approvals"
    later = Escalation(reason="No decision after 30 min.", trigger_type="manual", to_role="executive_approver", at=NOW)
    properties = fields(a_high_case(escalations=(later,)))
    assert properties["routed_queue"] == "executive-approvals"
    assert (properties["escalation_reason"], properties["escalation_trigger_type"]) == (later.reason, "manual")
    assert fields(a_case())["escalated"] == "false"


MINIMAL = [
    "intent_confidence",
    "sentiment_confidence",
    "language_confidence",
    "risk_tier",
    "confidence_band",
    "approval_outcome",
    "escalation_reason",
    "resolution_code",
    "ai_trace_id",
]


class TestPresets:
    def test_full_is_shipped_and_each_further_field_names_its_report(self) -> None:
        crm = shipped().crm
        assert (crm.preset, crm.on_missing_ticket) == ("full", "skip")
        assert {*crm.fields} == {*CR1} - {*MINIMAL}
        assert len({*crm.fields.values()}) == len(crm.fields)

    def test_minimal_is_what_an_audit_needs_and_cannot_be_dropped(self) -> None:
        policy = compile_policy(with_crm(preset="minimal", fields={}))
        assert list(fields(a_case(), policy)) == MINIMAL

    def test_further_fields_are_kept_besides(self) -> None:
        policy = compile_policy(with_crm(preset="minimal", fields={"routed_queue": "Load by queue"}))
        assert set(fields(a_case(), policy)) == {*MINIMAL, "routed_queue"}

    def test_full_can_drop_none(self) -> None:
        kept = {name: report for name, report in shipped().crm.fields.items() if name != "routed_queue"}
        with pytest.raises(PolicyError, match=r"fields\.routed_queue"):
            compile_policy(with_crm(fields=kept))

    def test_a_field_kept_is_there_even_when_it_has_nothing_to_say(self) -> None:
        assert fields(a_case(drafts=()))["model_name"] == ""

    @pytest.mark.parametrize("what", ["find", "create", "skip"])
    def test_a_missing_ticket_is_found_created_or_skipped(self, what: str) -> None:
        assert compile_policy(with_crm(on_missing_ticket=what)).crm.on_missing_ticket == what

    def test_renamed_fields(self) -> None:
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
