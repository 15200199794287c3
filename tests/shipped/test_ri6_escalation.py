"""RI6: each trigger with the queue it leads to, and what kind of trigger the CRM is told of."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.core.case import Action
from tests.core.policies import shipped
from tests.make import a_customer, a_draft, a_message, signals
from tests.shipped.asking import ask, ask_scanned, found, rule_ids, said_by

LOW_CONFIDENCE = signals(intent_confidence=0.1, sentiment_confidence=0.1)


class TestByPolicy:
    @pytest.mark.parametrize(
        "text", ["I want to talk to a manager", "Let me speak to a human", "Connect me to an agent"]
    )
    def test_asks_for_a_human_or_a_manager(self, text: str) -> None:
        result = ask_scanned(messages=(a_message(text),))
        assert (result.route.role, result.escalation_trigger) == ("support_lead", "rule")
        assert "asks_for_human" in rule_ids(result)

    @pytest.mark.parametrize(
        ("history", "rule"),
        [({"repeated_intent": True}, "loop_repeated"), ({"rejected_drafts": 2}, "loop_rejected")],
        ids=["the same intent again after a reply", "two drafts rejected in a row"],
    )
    def test_a_loop(self, history: dict[str, object], rule: str) -> None:
        result = ask(history=history)
        assert (result.route.role, result.escalation_trigger) == ("support_lead", "rule")
        assert rule in rule_ids(result)

    def test_one_rejected_draft_is_no_loop(self) -> None:
        assert ask(history={"rejected_drafts": 1}).escalation_trigger is None

    @pytest.mark.parametrize(
        "change", [{"vip": True}, {"contract_value": Decimal(50000)}], ids=["VIP", "high contract value"]
    )
    def test_vip_and_high_contract_value_have_their_own_queue(self, change: dict[str, Any]) -> None:
        result = ask(customer=a_customer(**change))
        assert (result.route.role, result.route.channel) == ("vip_manager", "vip-approvals")
        assert result.escalation_trigger == "rule"

    @pytest.mark.parametrize(
        "text",
        [
            "There was a data breach and my details are out",
            "My account was hacked",
            "I see an unauthorized login on my account",
            "I got a phishing mail in your name",
        ],
        ids=["breach", "hacked", "unauthorized", "phishing"],
    )
    def test_security_words_go_to_security_whatever_the_confidence(self, text: str) -> None:
        result = ask_scanned(messages=(a_message(text),), signals=LOW_CONFIDENCE)
        assert (result.tier, result.route.channel) == ("high", "security-approvals")
        assert result.escalation_trigger == "rule"

    @pytest.mark.parametrize(
        ("text", "role"),
        [
            ("My lawyer will contact you", "legal_approver"),
            ("I'll file a chargeback", "billing_approver"),
        ],
        ids=["legal threat", "chargeback threat"],
    )
    def test_threats_are_high_whatever_the_confidence(self, text: str, role: str) -> None:
        for given in (LOW_CONFIDENCE, signals()):
            result = ask_scanned(messages=(a_message(text),), signals=given)
            assert (result.tier, result.route.role, result.escalation_trigger) == ("high", role, "rule")

    def test_security_goes_before_everything_else(self) -> None:
        result = ask(signals=signals("refund_request"), customer=a_customer(vip=True), findings=(found("security"),))
        assert result.route.role == "security_responder"
        assert result.escalation_reason.startswith("The customer writes about something like a security incident")


class TestByPredictionOrClassifier:
    @pytest.mark.parametrize("unsure", [{"intent_confidence": 0.7}, {"intent_confidence": 0.3}], ids=["medium", "low"])
    def test_strong_negative_sentiment_with_a_medium_or_low_band(self, unsure: dict[str, float]) -> None:
        result = ask(signals=signals(sentiment="negative", sentiment_confidence=0.75, **unsure))
        assert (result.route.role, result.ladder, result.escalation_trigger) == ("support_lead", "urgent", "guidance")
        assert "negative_and_unsure" in rule_ids(result)

    def test_with_a_high_band_it_is_none(self) -> None:
        result = ask(signals=signals(sentiment="negative", sentiment_confidence=0.75))
        assert (result.route.role, result.escalation_trigger) == ("support_agent", None)

    def test_three_contacts_in_seven_days_unresolved(self) -> None:
        """Two earlier ones, and this case."""
        assert ask(history={"contacts_7d": 9, "unresolved_7d": 1}).escalation_trigger is None
        result = ask(history={"contacts_7d": 2, "unresolved_7d": 2})
        assert (result.route.role, result.escalation_trigger) == ("support_lead", "guidance")

    def test_falling_sentiment_over_three_messages(self) -> None:
        result = ask(history={"sentiment_falling": True})
        assert (result.route.role, result.escalation_trigger) == ("support_lead", "guidance")

    @pytest.mark.parametrize(("amount", "expected"), [("4999.99", False), ("5000", True), ("-5000", True)])
    def test_a_large_amount(self, amount: str, expected: bool) -> None:
        result = ask(action=Action(type="order", amount=Decimal(amount), currency="EUR"))
        assert (result.route.role == "support_lead") == expected
        assert (result.escalation_trigger == "guidance") == expected

    @pytest.mark.parametrize(
        ("source", "trigger"), [("caller", "rule"), ("person", "manual"), ("builtin", "guidance"), ("llm", "guidance")]
    )
    @pytest.mark.parametrize(
        ("intent", "role"), [("contact_human", "support_lead"), ("refund_request", "billing_approver")]
    )
    def test_who_said_an_intent_tells_what_kind_of_trigger_it_is(
        self, source: str, trigger: str, intent: str, role: str
    ) -> None:
        result = ask(signals=said_by(source, intent))
        assert (result.route.role, result.escalation_trigger) == (role, trigger)

    def test_the_trigger_is_that_of_what_led_to_the_queue(self) -> None:
        result = ask(signals=said_by("builtin", "refund_request"), findings=(found("security"),))
        assert (result.route.role, result.escalation_trigger) == ("security_responder", "rule")


def test_when_and_what_happens_after_are_separate_sections() -> None:
    risk = shipped().documents.risk
    assert {"escalation", "ladders", "stages", "outcomes"} <= set(risk)
    assert all("after" not in rule and "do" not in rule for rule in risk["escalation"])


def test_a_quiet_case_escalates_nowhere() -> None:
    result = ask(drafts=(a_draft(),))
    assert (result.escalation_trigger, result.escalation_reason) == (None, "")
