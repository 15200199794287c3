"""RI2: which tier each topic is, that the highest of all that match wins, and that nothing lowers it."""

from __future__ import annotations

from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from app.core.assessment import TIERS
from app.core.case import Action, Signals
from tests.core.policies import shipped
from tests.make import a_customer, a_draft, a_message, signals
from tests.shipped.asking import ask, ask_scanned, found, live, rule_ids, without_a_person

LOW = {
    "shipping status": "shipping_status",
    "order status": "order_status",
    "password reset instructions": "password_reset",
    "how-to": "how_to",
    "opening hours": "opening_hours",
    "tips": "product_tips",
}
MEDIUM = {
    "discounts": "discount",
    "plan changes": "plan_change",
    "feature limits": "feature_limit",
    "warranty interpretation": "warranty",
    "bug workarounds": "bug_workaround",
    "placing an order": "place_order",
    "changing an order": "order_change",
    "address change": "address_change",
    "failed payment": "payment_issue",
    "invoice": "invoice_request",
    "complaint": "complaint",
    "wants a person": "contact_human",
    "out of scope": "out_of_scope",
    "refund status": "refund_status",
}
HIGH = {
    "refunds": ("refund_request", "billing_approver"),
    "chargebacks": ("chargeback", "billing_approver"),
    "billing disputes": ("billing_dispute", "billing_approver"),
    "cancellations": ("cancellation", "billing_approver"),
    "order cancellations": ("order_cancellation", "billing_approver"),
    "account closure": ("account_closure", "billing_approver"),
    "legal": ("legal_question", "legal_approver"),
    "regulatory": ("regulatory", "compliance_approver"),
    "account ownership changes": ("ownership_change", "compliance_approver"),
    "significant data change": ("account_change", "compliance_approver"),
    "security incidents": ("security_incident", "security_responder"),
    "medical advice": ("medical_advice", "compliance_approver"),
    "financial advice": ("financial_advice", "compliance_approver"),
    "bulk communication": ("bulk_communication", "compliance_approver"),
    "export": ("data_export", "compliance_approver"),
}
ACTIONS = {
    "low": ["faq_answer", "order_status", "internal_note", "ticket_update", "ticket_status", "internal_ticket"],
    "medium": ["discount", "replacement", "order", "order_change", "plan_change", "address_change"],
    "high": [
        *("refund", "credit", "payment", "chargeback", "cancellation", "order_cancellation", "account_closure"),
        *("account_change", "ownership_change", "data_change", "data_export", "bulk_message", "security_change"),
        *("legal_commitment", "policy_exception"),
    ],
}


@pytest.mark.parametrize("intent", LOW.values(), ids=LOW)
def test_low_topic(intent: str) -> None:
    result = ask(signals=signals(intent))
    assert (result.tier, result.band, result.route.role) == ("low", "high", "support_agent")


@pytest.mark.parametrize("intent", MEDIUM.values(), ids=MEDIUM)
def test_medium_topic(intent: str) -> None:
    assert ask(signals=signals(intent)).tier == "medium"


@pytest.mark.parametrize(("intent", "role"), HIGH.values(), ids=HIGH)
def test_high_topic_goes_to_the_people_of_its_domain(intent: str, role: str) -> None:
    result = ask(signals=signals(intent))
    assert (result.tier, result.route.role, result.ai_mode) == ("high", role, "summarize_only")


def test_every_shipped_intent_is_in_one_of_these_lists() -> None:
    listed = [*LOW.values(), *MEDIUM.values(), *(intent for intent, _ in HIGH.values())]
    assert sorted(listed) == sorted(shipped().risk.intents)


@pytest.mark.parametrize(("tier", "type"), [(tier, type) for tier, types in ACTIONS.items() for type in types])
def test_tier_of_a_promised_action(tier: str, type: str) -> None:
    assert ask(action=Action(type=type)).tier == tier


def test_every_shipped_action_is_in_one_of_these_lists() -> None:
    assert sorted(type for types in ACTIONS.values() for type in types) == sorted(shipped().risk.actions)


# --- where a topic ends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "I need to reset my password and change the email on my account",
        "I forgot my password, please send the link to a different email",
        "reset it please, I no longer have access to my phone",
        "I lost my phone and cannot sign in",
    ],
)
def test_a_password_reset_with_an_identity_change_is_high(text: str) -> None:
    result = ask(signals=signals("password_reset"), messages=(a_message(text),))
    assert (result.tier, result.route.role) == ("high", "compliance_approver")
    assert "words_identity" in rule_ids(result)


@pytest.mark.parametrize(
    "text",
    [
        "I forgot my password, how do I reset it?",
        "The reset email does not arrive. Please send a new one.",
        "How do I change my password on my phone?",
    ],
)
def test_password_reset_instructions_alone_stay_low(text: str) -> None:
    assert ask(signals=signals("password_reset"), messages=(a_message(text),)).tier == "low"


@pytest.mark.parametrize(("amount", "tier"), [(None, "medium"), ("0", "medium"), ("0.01", "high"), ("120", "high")])
def test_a_plan_change_is_medium_without_a_financial_commitment(amount: str | None, tier: str) -> None:
    money = {"amount": Decimal(amount), "currency": "EUR"} if amount is not None else {}
    assert ask(signals=signals("plan_change"), action=Action(type="plan_change", **money)).tier == tier


@pytest.mark.parametrize(
    ("draft", "tier"),
    [
        ("I can see your return on our side. Our team is looking at it.", "medium"),
        ("We have issued your refund of 40 EUR.", "high"),
        ("You will receive your refund in 3 days.", "high"),
    ],
    ids=["says where it stands", "says it is done", "says when it comes"],
)
def test_refund_status_becomes_high_when_the_draft_commits(draft: str, tier: str) -> None:
    result = ask_scanned(
        signals=signals("refund_status"),
        messages=(a_message("Where is my refund?"),),
        drafts=(a_draft(draft, confidence=0.97),),
    )
    assert result.tier == tier
    assert ("draft_commits" in rule_ids(result)) == (tier == "high")


def test_a_commitment_in_a_draft_that_was_replaced_no_longer_counts() -> None:
    old = found("refunds", "output", action="blocked", source="draft:7")
    assert ask(findings=(old,)).tier == "low"


@pytest.mark.parametrize("intent", ["card_arrival", "REFUND_REQUESTS", "x" * 200], ids=["foreign", "typo", "long"])
def test_an_unknown_intent_is_medium_and_goes_to_a_person(intent: str) -> None:
    result = ask(live(), signals=signals(intent))
    assert (result.tier, result.required) == ("medium", "edit")
    assert "intent_unknown" in rule_ids(result)


@pytest.mark.parametrize("given", [Signals(), signals("")], ids=["none", "empty"])
def test_no_intent_is_medium_and_a_person_writes(given: Signals) -> None:
    result = ask(signals=given)
    assert (result.band, result.tier, result.ai_mode, result.required) == ("low", "medium", "summarize_only", "write")
    assert result.route.role == "specialist"


def test_an_unknown_action_is_high() -> None:
    result = ask(action=Action(type="teleport"))
    assert (result.tier, result.route.role) == ("high", "specialist")
    assert "“teleport” is not an action this policy knows" in result.reasons[0].text


def test_labels_are_read_however_they_are_spelled() -> None:
    assert ask(signals=signals("Refund Request")).route.role == "billing_approver"
    assert ask(action=Action(type="Legal-Commitment")).route.role == "legal_approver"


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "text", "role"),
    [
        ("words_refund", "I WANT A REFUND now", "billing_approver"),
        ("words_refund", "Please refund my order", "billing_approver"),
        ("words_cancel", "i need to cancel my subscription", "billing_approver"),
        ("words_dispute", "I was charged twice!", "billing_approver"),
        ("words_closure", "please delete my account", "billing_approver"),
        ("words_ownership", "transfer the ownership to my brother", "compliance_approver"),
        ("words_regulatory", "under GDPR you must erase it", "compliance_approver"),
        ("words_exception", "could you make an exception for me", "specialist"),
    ],
)
def test_words_raise_what_the_signals_call_harmless(rule: str, text: str, role: str) -> None:
    result = ask(messages=(a_message(text),))
    assert (result.tier, result.route.role) == ("high", role)
    assert rule in rule_ids(result)


@pytest.mark.parametrize("text", ["is there a discount", "does my warranty cover it", "can I upgrade my plan"])
def test_words_about_terms_are_medium(text: str) -> None:
    result = ask(messages=(a_message(text),))
    assert (result.tier, "words_terms" in rule_ids(result)) == ("medium", True)


@pytest.mark.parametrize("text", ["Where is my refund?", "When will my refund arrive?", "I'd like to track my order"])
def test_asking_where_something_stands_is_not_high(text: str) -> None:
    assert ask(messages=(a_message(text),), signals=signals("refund_status")).tier == "medium"


# --- the highest of all that match -------------------------------------------------------------------------------

SOURCES: dict[str, tuple[str, dict[str, Any]]] = {
    "intent: medium": ("medium", {"signals": signals("discount")}),
    "intent: high": ("high", {"signals": signals("legal_question")}),
    "words: high": ("high", {"messages": (a_message("please close my account"),)}),
    "words: medium": ("medium", {"messages": (a_message("any discount?"),)}),
    "customer: medium": ("medium", {"customer": a_customer(vip=True)}),
    "action: medium": ("medium", {"action": Action(type="replacement")}),
    "action: high": ("high", {"action": Action(type="data_change")}),
    "finding: medium": ("medium", {"findings": (found("pii", sensitive=True, action="masked"),)}),
    "finding: high": ("high", {"findings": (found("security"),)}),
}


@pytest.mark.parametrize("source", SOURCES)
def test_each_source_raises_a_low_topic_by_itself(source: str) -> None:
    tier, changes = SOURCES[source]
    assert ask(**changes).tier == tier


@pytest.mark.parametrize(
    ("one", "other"), [(a, b) for a, b in combinations(SOURCES, 2) if a.split(":")[0] != b.split(":")[0]]
)
def test_the_highest_of_two_sources_wins(one: str, other: str) -> None:
    (tier, changes), (other_tier, other_changes) = SOURCES[one], SOURCES[other]
    assert ask(**changes, **other_changes).tier == max(tier, other_tier, key=TIERS.index)


def test_a_sure_and_harmless_intent_lowers_nothing() -> None:
    result = ask(live(), signals=signals("how_to", intent_confidence=1.0), findings=(found("threat"),))
    assert (result.tier, without_a_person(result)) == ("high", False)
