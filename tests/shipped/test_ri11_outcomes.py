"""RI11: every outcome of every queue ends with a code and a next action."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

import pytest

from app.core.case import Action
from app.core.policy.model import Ending
from app.core.policy.riskfile import Outcome
from tests.core.policies import shipped
from tests.make import a_case, a_customer, signals
from tests.shipped.asking import ask, found

QUEUES: dict[str, dict[str, Any]] = {
    "support_agent": {},
    "support_lead": {"findings": (found("policy", flags=("human_request",)),)},
    "specialist": {"action": Action(type="unheard_of")},
    "billing_approver": {"signals": signals("refund_request")},
    "legal_approver": {"signals": signals("legal_question")},
    "security_responder": {"signals": signals("security_incident")},
    "vip_manager": {"customer": a_customer(vip=True)},
    "compliance_approver": {"signals": signals("regulatory")},
    "senior_engineer": {"action": Action(type="data_change")},
}


def ending(outcome: str, queue: str = "support_agent", category: str = "", **changes: Any) -> Ending:
    given = {**QUEUES[queue], **changes}
    case = a_case(**given, assessment=ask(**given))
    assert case.assessment is not None
    assert case.assessment.route.role == queue
    return shipped().ending(case, outcome, category)


@pytest.mark.parametrize("queue", QUEUES)
@pytest.mark.parametrize("outcome", get_args(Outcome))
def test_every_outcome_has_a_code_and_a_next_action(outcome: str, queue: str) -> None:
    found = ending(outcome, queue)
    assert found.resolution_code
    assert found.next_action
    assert not found.resolution_code.startswith("unmapped")


@pytest.mark.parametrize(
    ("queue", "code", "action"),
    [
        ("billing_approver", "handoff_to_billing", "billing_specialist_review"),
        ("legal_approver", "handoff_to_legal", "legal_review"),
        ("security_responder", "handoff_to_security", "security_review"),
        ("compliance_approver", "handoff_to_compliance", "compliance_review"),
        ("senior_engineer", "handoff_to_engineering", "engineering_review"),
        ("vip_manager", "handoff_to_account_owner", "account_owner_review"),
        ("specialist", "handoff_to_agent", "agent_writes_reply"),
        ("support_agent", "handoff_to_agent", "agent_writes_reply"),
    ],
)
def test_a_rejection_is_handed_to_whoever_comes_next(queue: str, code: str, action: str) -> None:
    found = ending("rejected", queue)
    assert (found.resolution_code, found.next_action) == (code, action)
    assert found.follow_up is not None
    assert found.follow_up <= timedelta(days=1)


@pytest.mark.parametrize(
    ("outcome", "category", "intent", "code", "action"),
    [
        ("rejected", "wrong_customer", "how_to", "handoff_to_agent", "verify_customer"),
        ("withdrawn", "answered_elsewhere", "how_to", "answered_elsewhere", "none_needed"),
        ("withdrawn", "", "how_to", "withdrawn", "none_needed"),
        ("expired", "", "how_to", "no_decision_in_time", "reopen_or_answer"),
        ("superseded", "", "how_to", "superseded", "see_newer_case"),
        ("failed", "", "how_to", "delivery_failed", "deliver_by_hand"),
        ("approved", "", "complaint", "answered", "check_customer_is_satisfied"),
        ("edited", "", "complaint", "answered", "check_customer_is_satisfied"),
        ("auto", "", "how_to", "answered_automatically", "await_customer"),
        ("notified", "", "how_to", "answered_automatically", "await_customer"),
    ],
)
def test_the_reason_narrows_it(outcome: str, category: str, intent: str, code: str, action: str) -> None:
    found = ending(outcome, category=category, signals=signals(intent))
    assert (found.resolution_code, found.next_action) == (code, action)


def test_the_customer_is_asked_how_it_was_when_a_reply_went_out_and_not_otherwise() -> None:
    asked = {outcome: ending(outcome).csat_requested for outcome in get_args(Outcome)}
    assert {outcome for outcome, csat in asked.items() if csat} == {"approved", "edited", "auto", "notified"}
