"""The shipped policy, read from disk, against the tables of the specification (RI2-RI6, RI10, DE10, OP8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest

from app.core.case import Action, Assessment, Case, Signal, Signals, Submitter
from app.core.findings import Finding
from app.core.policy import Policy, assess, compile_policy
from tests.core.policies import shipped, with_risk
from tests.make import NOW, a_case, a_customer, a_draft, a_message, signals

LOW = ["shipping_status", "order_status", "password_reset", "how_to", "opening_hours", "product_tips"]
MEDIUM = [
    *("discount", "plan_change", "feature_limit", "warranty", "bug_workaround", "place_order", "order_change"),
    *("address_change", "payment_issue", "invoice_request", "complaint", "out_of_scope", "contact_human"),
    "refund_status",
]
HIGH = {
    "refund_request": "billing_approver",
    "chargeback": "billing_approver",
    "billing_dispute": "billing_approver",
    "order_cancellation": "billing_approver",
    "cancellation": "billing_approver",
    "account_closure": "billing_approver",
    "account_change": "compliance_approver",
    "ownership_change": "compliance_approver",
    "data_export": "compliance_approver",
    "bulk_communication": "compliance_approver",
    "legal_question": "legal_approver",
    "regulatory": "compliance_approver",
    "security_incident": "security_responder",
    "medical_advice": "compliance_approver",
    "financial_advice": "compliance_approver",
}


@dataclass
class Says:
    policy: Policy

    def __call__(self, history: Mapping[str, object] | None = None, **changes: Any) -> Assessment:
        return assess(unassessed(**changes), self.policy, history or {}, NOW)


def unassessed(**changes: Any) -> Case:
    return a_case(**{"assessment": None, "drafts": (a_draft(confidence=0.97),), **changes})


@pytest.fixture(scope="module")
def says() -> Says:
    return Says(shipped())


@pytest.fixture(scope="module")
def after_baseline() -> Says:
    return Says(compile_policy(with_risk(baseline_mode=False)))


@pytest.fixture(scope="module")
def unsafe() -> Says:
    return Says(compile_policy(with_risk(baseline_mode=False, unsafe_small_refund_auto=True)))


def rule_ids(assessment: Assessment) -> set[str]:
    return {reason.rule_id for reason in assessment.reasons}


def found(type: str, side: str = "input", **changes: Any) -> Finding:
    source = "message:0" if side == "input" else "draft:1"
    known = {"rule_id": f"a-{type}", "rule_version": "v", "type": type, "action": "allowed", "start": 0, "end": 3}
    return Finding(**{**known, "side": side, "source": source, **changes})


class TestTiers:
    @pytest.mark.parametrize("intent", LOW)
    def test_low(self, says: Says, intent: str) -> None:
        result = says(signals=signals(intent))
        assert (result.tier, result.band, result.route.role) == ("low", "high", "support_agent")

    @pytest.mark.parametrize("intent", MEDIUM)
    def test_medium(self, says: Says, intent: str) -> None:
        assert says(signals=signals(intent)).tier == "medium"

    @pytest.mark.parametrize(("intent", "role"), HIGH.items())
    def test_high_goes_to_the_people_of_its_domain(self, says: Says, intent: str, role: str) -> None:
        result = says(signals=signals(intent))
        assert (result.tier, result.route.role) == ("high", role)
        assert result.escalation_trigger == "rule"
        assert result.escalation_reason

    def test_every_shipped_intent_is_in_one_of_these_lists(self) -> None:
        assert {*LOW, *MEDIUM, *HIGH} == set(shipped().risk.intents)

    def test_an_unknown_intent_is_medium_and_goes_to_a_person(self, after_baseline: Says) -> None:
        result = after_baseline(signals=signals("card_arrival"))
        assert (result.tier, result.required) == ("medium", "edit")
        assert "intent_unknown" in rule_ids(result)

    def test_no_intent_is_low_band_medium_and_a_person_writes(self, says: Says) -> None:
        result = says(signals=Signals())
        assert (result.band, result.tier, result.ai_mode, result.required) == (
            "low",
            "medium",
            "summarize_only",
            "write",
        )
        assert result.route.role == "specialist"

    @pytest.mark.parametrize(
        ("text", "role"),
        [
            ("I WANT A REFUND now", "billing_approver"),
            ("Please refund my order", "billing_approver"),
            ("i need to cancel my subscription", "billing_approver"),
            ("I was charged twice!", "billing_approver"),
            ("please delete my account", "billing_approver"),
            ("transfer the ownership to my brother", "compliance_approver"),
            ("under GDPR you must erase it", "compliance_approver"),
            ("could you make an exception for me", "specialist"),
        ],
    )
    def test_words_raise_what_the_signals_call_harmless(self, says: Says, text: str, role: str) -> None:
        result = says(messages=(a_message(text),))
        assert (result.tier, result.route.role) == ("high", role)

    @pytest.mark.parametrize(
        "text", ["Where is my refund?", "When will my refund arrive?", "I'd like to track my order"]
    )
    def test_asking_where_something_stands_is_not_high(self, says: Says, text: str) -> None:
        assert says(messages=(a_message(text),), signals=signals("refund_status")).tier == "medium"

    def test_refund_status_becomes_high_when_the_draft_commits(self, says: Says) -> None:
        commit = found("refunds", "output", action="blocked")
        result = says(signals=signals("refund_status"), findings=(commit,))
        assert (result.tier, result.route.role) == ("high", "billing_approver")

    def test_findings_of_a_replaced_draft_no_longer_count(self, says: Says) -> None:
        old = found("refunds", "output", action="blocked", source="draft:7")
        assert says(findings=(old,)).tier == "low"

    @pytest.mark.parametrize(
        ("finding", "tier", "role"),
        [
            (found("security"), "high", "security_responder"),
            (found("threat"), "high", "legal_approver"),
            (found("threat", flags=("chargeback",)), "high", "billing_approver"),
            (found("prompt_attack"), "high", "specialist"),
            (found("unsafe"), "high", "support_lead"),
            (found("medical"), "high", "compliance_approver"),
            (found("policy", flags=("do_not_answer",)), "high", "specialist"),
            (found("pii", sensitive=True, action="masked", entity="US_SSN"), "medium", "support_agent"),
            (found("pii", action="masked", entity="EMAIL"), "low", "support_agent"),
            (found("policy", flags=("human_request",)), "low", "support_lead"),
            (found("pii", "output", sensitive=True, action="blocked"), "high", "compliance_approver"),
            (found("legal", "output", action="blocked"), "high", "legal_approver"),
            (found("legal", "output", action="blocked", rule_id="legal-absolute"), "medium", "support_agent"),
            (found("policy", "output", action="blocked"), "low", "support_lead"),
        ],
        ids=lambda value: value.type if isinstance(value, Finding) else str(value),
    )
    def test_findings(self, says: Says, finding: Finding, tier: str, role: str) -> None:
        result = says(findings=(finding,))
        assert (result.tier, result.route.role) == (tier, role)

    def test_an_action_nobody_knows_is_high(self, says: Says) -> None:
        result = says(action=Action(type="teleport"))
        assert result.tier == "high"
        assert "“teleport” is not an action this policy knows" in result.reasons[0].text

    def test_labels_are_read_however_they_are_spelled(self, says: Says) -> None:
        assert says(signals=signals("Refund Request")).route.role == "billing_approver"


class TestHandling:
    def test_low_tier_and_high_band_one_agent_reviews(self, says: Says) -> None:
        result = says()
        assert (result.ai_mode, result.required, result.must_edit, result.checklist) == (
            "draft_reply",
            "approve",
            False,
            (),
        )
        assert [stage.roles for stage in result.stages] == [("support_agent",)]
        assert (result.ladder, result.send_delay, result.confirm) == ("standard", 5, False)
        assert rule_ids(result) == {"baseline"}

    @pytest.mark.parametrize(
        "given",
        [
            signals("discount"),
            signals(intent_confidence=0.7),
            signals(sentiment_confidence=0.5),
            signals(sentiment="negative", sentiment_confidence=0.70),
        ],
        ids=["medium tier", "medium band", "unsure mood", "unhappy"],
    )
    def test_medium_row_edit_and_checklist(self, says: Says, given: Signals) -> None:
        result = says(signals=given)
        assert (result.ai_mode, result.required, result.must_edit) == ("draft_reply", "edit", True)
        assert len(result.checklist) == 3

    def test_high_row_summary_only_and_two_people(self, says: Says) -> None:
        result = says(signals=signals("refund_request"))
        assert (result.ai_mode, result.required, result.must_edit) == ("summarize_only", "sign_off", False)
        assert [stage.roles for stage in result.stages] == [
            ("support_agent", "billing_approver"),
            ("billing_approver",),
        ]
        assert [route.role for route in result.also] == ["support_agent"]
        assert (result.confirm, result.send_delay, result.ladder) == (True, 0, "urgent")

    def test_security_has_no_packet_for_agents(self, says: Says) -> None:
        assert says(signals=signals("security_incident")).also == ()

    def test_high_without_a_reason_of_its_own_needs_two_specialists(self, says: Says) -> None:
        result = says(action=Action(type="unheard_of"))
        assert result.route.role == "specialist"
        assert result.stages[-1].roles == ("specialist",)

    def test_low_band_a_person_writes(self, says: Says) -> None:
        result = says(signals=signals(intent_confidence=0.59))
        assert (result.band, result.ai_mode, result.required) == ("low", "summarize_only", "write")
        assert result.route.role == "support_agent"

    def test_low_band_above_low_tier_goes_to_specialists(self, says: Says) -> None:
        assert says(signals=signals("discount", intent_confidence=0.59)).route.role == "specialist"

    @pytest.mark.parametrize("text", ["is that covered by your policy", "what about the refund"])
    def test_medium_with_refund_or_policy_words_goes_to_specialists(self, says: Says, text: str) -> None:
        assert says(signals=signals("discount"), messages=(a_message(text),)).route.role == "specialist"

    def test_very_unhappy_a_person_writes_in_the_supervisor_queue(self, says: Says) -> None:
        result = says(signals=signals(sentiment="negative", sentiment_confidence=0.9))
        assert (result.ai_mode, result.required, result.route.role) == ("summarize_only", "write", "support_lead")
        assert (result.ladder, result.escalation_trigger) == ("urgent", "guidance")

    def test_falling_sentiment_is_handled_like_very_unhappy(self, says: Says) -> None:
        result = says(history={"sentiment_falling": True})
        assert (result.required, result.route.role) == ("write", "support_lead")

    def test_a_persons_draft_needs_neither_edit_nor_write(self, says: Says) -> None:
        by_person = (a_draft(author="human"),)
        assert says(signals=signals("discount"), drafts=by_person).required == "approve"
        high = says(signals=signals("refund_request"), drafts=by_person)
        assert (high.required, high.must_edit, high.also) == ("sign_off", False, ())

    def test_without_a_draft_a_person_writes_or_takes_a_template(self, says: Says) -> None:
        assert says(drafts=()).required == "write"
        macro = a_draft(text="", suggested_macros=(shipped().templates[0].id,))
        result = says(drafts=(macro,))
        assert (result.ai_mode, result.required) == ("macro_suggest", "write")

    def test_sensitive_personal_data_stops_ai_text(self, says: Says) -> None:
        finding = found("pii", sensitive=True, action="masked")
        result = says(findings=(finding,))
        assert (result.ai_mode, result.required) == ("summarize_only", "write")

    def test_a_colleagues_own_reply_goes_to_a_lead(self, says: Says) -> None:
        result = says(drafts=(a_draft(author="human"),), submitted_by=Submitter(slack_user="UAGENT2"))
        assert result.route.role == "support_lead"

    @pytest.mark.parametrize(
        "language", [Signal(label="fr", confidence=0.99), Signal(label="en", confidence=0.69), None]
    )
    def test_a_language_nobody_reads_or_is_sure_of(self, says: Says, language: Signal | None) -> None:
        known = signals()
        result = says(signals=Signals(intent=known.intent, sentiment=known.sentiment, language=language))
        assert (result.tier, result.required) == ("medium", "edit")

    def test_a_regional_language_is_read_like_its_base(self, says: Says) -> None:
        known = signals()
        language = Signal(label="en-GB", confidence=0.9)
        assert says(signals=Signals(intent=known.intent, sentiment=known.sentiment, language=language)).tier == "low"


class TestWithoutAPerson:
    def test_nothing_is_automatic_in_baseline_mode(self, says: Says) -> None:
        assert says().required == "approve"

    def test_a_sure_answer_to_a_simple_question(self, after_baseline: Says) -> None:
        result = after_baseline()
        assert (result.required, result.stages, rule_ids(result)) == ("auto", (), {"auto"})

    def test_a_ticket_update_is_sent_and_told(self, after_baseline: Says) -> None:
        assert after_baseline(action=Action(type="ticket_update")).required == "notify"

    @pytest.mark.parametrize("confidence", [None, 0.84, 0.9, 0.949])
    def test_a_draft_that_is_not_sure(self, after_baseline: Says, confidence: float | None) -> None:
        assert after_baseline(drafts=(a_draft(confidence=confidence),)).required == "approve"

    @pytest.mark.parametrize("segment", ["small", "enterprise", "", "weird"])
    def test_only_standard_accounts(self, after_baseline: Says, segment: str) -> None:
        assert after_baseline(customer=a_customer(segment=segment)).required == "approve"

    @pytest.mark.parametrize(
        "intent", ["legal_question", "billing_dispute", "security_incident", "account_closure", "cancellation"]
    )
    def test_always_human(self, intent: str) -> None:
        tame = compile_policy(with_risk(baseline_mode=False, intents={**lowered(intent)}, handling=[NEVER]))
        confident = assess(unassessed(signals=signals(intent)), tame, {}, NOW)
        assert confident.required == "approve"

    @pytest.mark.parametrize(
        ("segment", "type", "amount", "currency", "rule"),
        [
            ("standard", "refund", "50.01", "EUR", "money_limit"),
            ("standard", "refund", "50", "EUR", None),
            ("standard", "refund", "-60", "EUR", "money_limit"),
            ("standard", "refund", "10", "GBP", "money_currency"),
            ("standard", "order", "10", "EUR", "money_segment"),
            ("small", "order", "100", "EUR", None),
            ("small", "order", "100.01", "EUR", "money_limit"),
            ("enterprise", "refund", "10000", "USD", None),
            ("enterprise", "refund", "10000.000000000000001", "USD", "money_limit"),
            ("gold", "refund", "1", "EUR", "money_segment"),
        ],
    )
    def test_money_limits(
        self, says: Says, segment: str, type: str, amount: str, currency: str, rule: str | None
    ) -> None:
        action = Action(type=type, amount=Decimal(amount), currency=currency)
        result = says(customer=a_customer(segment=segment), action=action)
        assert {r for r in rule_ids(result) if r.startswith("money_")} == ({rule} if rule else set())
        assert result.required not in ("auto", "notify")

    def test_an_amount_nobody_can_read_goes_to_a_person(self, after_baseline: Says) -> None:
        result = after_baseline(action=Action(type="internal_note", amount_text="fifty-ish"))
        assert result.required == "approve"
        assert "fifty-ish" in " ".join(reason.text for reason in result.reasons)


NEVER = {"id": "never", "when": "false", "reason": "Never.", "raises": {}}


def lowered(intent: str) -> dict[str, Any]:
    intents = dict(shipped().documents.risk["intents"])
    kept = {k: v for k, v in intents[intent].items() if k in ("title", "always_human")}
    return {**intents, intent: {**kept, "tier": "low", "action_class": "auto"}}


class TestSmallRefunds:
    CASE = {
        "signals": signals("refund_request"),
        "drafts": (a_draft(confidence=0.97),),
        "action": Action(type="refund", amount=Decimal("49.90"), currency="EUR", transaction_verified=True),
    }

    def test_off_as_shipped(self, after_baseline: Says) -> None:
        assert after_baseline(**self.CASE).required == "sign_off"

    def test_never_in_baseline_mode(self) -> None:
        policy = compile_policy(with_risk(unsafe_small_refund_auto=True))
        assert assess(unassessed(**self.CASE), policy, {}, NOW).required == "sign_off"

    def test_a_verified_small_refund_may_go(self, unsafe: Says) -> None:
        assert unsafe(**self.CASE).required == "auto"

    @pytest.mark.parametrize(
        "change",
        [
            {"action": Action(type="refund", amount=Decimal("49.90"), currency="EUR")},
            {"action": Action(type="refund", amount=Decimal("50.01"), currency="EUR", transaction_verified=True)},
            {"action": Action(type="refund", amount=Decimal("5"), currency="GBP", transaction_verified=True)},
            {"customer": a_customer(segment="small")},
            {"customer": a_customer(vip=True)},
            {"customer": a_customer(regulated=True)},
            {"findings": (found("threat"),)},
            {"drafts": (a_draft(confidence=0.9),)},
        ],
        ids=["unverified", "too much", "currency", "segment", "vip", "regulated", "threat", "unsure"],
    )
    def test_anything_else_goes_to_a_person(self, unsafe: Says, change: dict[str, Any]) -> None:
        assert unsafe(**{**self.CASE, **change}).required not in ("auto", "notify")


class TestSensitiveAccounts:
    @pytest.mark.parametrize(
        ("change", "role"),
        [
            ({"contract_value": Decimal(50000)}, "vip_manager"),
            ({"regulated": True}, "support_agent"),
            ({"industry": "Healthcare"}, "support_agent"),
            ({"privileged_roles": ("global admin",)}, "support_agent"),
            ({"active_escalation": True}, "support_agent"),
            ({"vip": True}, "vip_manager"),
        ],
        ids=["contract", "regulated", "industry", "privileged", "escalation", "vip"],
    )
    def test_never_auto_medium_urgent(self, after_baseline: Says, change: dict[str, Any], role: str) -> None:
        result = after_baseline(customer=a_customer(**change))
        assert (result.tier, result.ladder, result.route.role) == ("medium", "urgent", role)
        assert result.required not in ("auto", "notify")

    def test_just_below_the_contract_value(self, after_baseline: Says) -> None:
        assert after_baseline(customer=a_customer(contract_value=Decimal("49999.99"))).tier == "low"

    def test_irreversible_money_needs_one_of_each_of_two_roles(self, says: Says) -> None:
        action = Action(type="payment", amount=Decimal(20), currency="EUR", irreversible=True)
        last = says(action=action).stages[-1]
        assert (last.mode, last.roles) == ("each", ("billing_approver", "support_lead"))

    def test_bulk_export_needs_one_of_each_of_two_roles(self, says: Says) -> None:
        result = says(action=Action(type="data_export", scope="bulk"))
        assert (result.stages[-1].mode, len(set(result.stages[-1].roles))) == ("each", 2)
        assert result.confirm

    @pytest.mark.parametrize(("amount", "last"), [("10000", "sign_off"), ("10000.01", "executive")])
    def test_an_executive_signs_last_above_the_limit(self, says: Says, amount: str, last: str) -> None:
        action = Action(type="refund", amount=Decimal(amount), currency="EUR")
        assert says(customer=a_customer(segment="enterprise"), action=action).stages[-1].id == last

    def test_an_unreadable_amount_counts_as_above_every_limit(self, says: Says) -> None:
        action = Action(type="refund", amount_text="a lot", currency="EUR")
        assert says(customer=a_customer(segment="enterprise"), action=action).stages[-1].id == "executive"


class TestEscalationTriggers:
    @pytest.mark.parametrize(
        ("history", "trigger"),
        [
            ({"contacts_7d": 2, "unresolved_7d": 2}, "guidance"),
            ({"rejected_drafts": 2}, "rule"),
            ({"repeated_intent": True}, "rule"),
        ],
    )
    def test_history(self, says: Says, history: dict[str, object], trigger: str) -> None:
        result = says(history=history)
        assert (result.route.role, result.escalation_trigger) == ("support_lead", trigger)

    def test_a_single_earlier_contact_is_nothing(self, says: Says) -> None:
        assert says(history={"contacts_7d": 4, "unresolved_7d": 1}).escalation_trigger is None

    def test_asking_for_a_person(self, says: Says) -> None:
        result = says(findings=(found("policy", flags=("human_request",)),))
        assert (result.route.role, result.escalation_trigger) == ("support_lead", "rule")

    def test_an_intent_the_classifier_found_is_guidance(self, says: Says) -> None:
        intent = Signal(label="contact_human", confidence=0.9, source="builtin")
        result = says(signals=Signals(intent=intent, sentiment=signals().sentiment, language=signals().language))
        assert (result.route.role, result.escalation_trigger) == ("support_lead", "guidance")

    def test_unhappy_and_unsure(self, says: Says) -> None:
        result = says(signals=signals(sentiment="negative", sentiment_confidence=0.75, intent_confidence=0.7))
        assert (result.route.role, result.ladder) == ("support_lead", "urgent")

    def test_security_goes_before_everything_else(self, says: Says) -> None:
        result = says(signals=signals("refund_request"), customer=a_customer(vip=True), findings=(found("security"),))
        assert result.route.role == "security_responder"
        assert result.escalation_reason.startswith("The customer writes about something like a security incident")


class TestReasons:
    def test_they_carry_words_facts_guidance_and_link(self, says: Says) -> None:
        action = Action(type="refund", amount=Decimal("240"), currency="EUR")
        result = says(signals=signals("refund_request"), action=action)
        by_id = {reason.rule_id: reason for reason in result.reasons}
        assert by_id["intent_refund_request"].text == "This is about a refund (confidence 0.93)."
        assert by_id["intent_refund_request"].link.startswith("https://")
        assert by_id["action_refund"].text == "The reply promises a refund of 240 EUR."
        assert (
            by_id["money_limit"].text
            == "240 EUR is above the 50 EUR that a standard account may have without a person."
        )
        assert by_id["high_tier"].facts == {"case.tier": "high"}

    def test_the_gravest_come_first(self, says: Says) -> None:
        result = says(customer=a_customer(vip=True), findings=(found("security"),))
        assert result.reasons[0].rule_id == "security_words"

    def test_they_never_quote_the_customer(self, says: Says) -> None:
        secret = "xyzzy-4711"
        result = says(messages=(a_message(f"I want a refund, {secret}"),), drafts=(a_draft(f"Hello {secret}"),))
        assert secret not in repr(result)
