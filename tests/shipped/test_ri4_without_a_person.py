"""RI4: what may go without a person, sentence by sentence. Whatever objects, a person decides."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.core.case import Action, Customer
from app.core.errors import PolicyError
from app.core.policy import Policy, compile_policy
from tests.core.policies import shipped, shipped_documents, with_risk
from tests.make import a_customer, a_draft, a_message, signals
from tests.shipped.asking import ask, exempting, found, live, rule_ids, without_a_person

RISK = shipped_documents()[0].risk


def money(type: str, amount: str, currency: str = "EUR", **changes: Any) -> Action:
    return Action(type=type, amount=Decimal(amount), currency=currency, **changes)


class TestActionClasses:
    @pytest.mark.parametrize("type", [None, "faq_answer", "order_status", "internal_note"])
    def test_auto(self, type: str | None) -> None:
        result = ask(live(), action=Action(type=type) if type else None)
        assert (result.required, result.stages, rule_ids(result)) == ("auto", (), {"auto"})

    @pytest.mark.parametrize("type", ["ticket_update", "ticket_status", "internal_ticket"])
    def test_notify(self, type: str) -> None:
        result = ask(live(), action=Action(type=type))
        assert (result.required, result.stages) == ("notify", ())

    @pytest.mark.parametrize(
        "action",
        [
            Action(type="refund", transaction_verified=True),
            Action(type="cancellation"),
            Action(type="faq_answer", irreversible=True),
            Action(type="legal_commitment"),
            Action(type="send_flowers"),
            Action(type=""),
        ],
        ids=["refund", "cancellation", "irreversible", "legal commitment", "unknown", "without a type"],
    )
    def test_approve(self, action: Action) -> None:
        result = ask(live(), action=action)
        assert not without_a_person(result)
        assert result.stages

    def test_the_strictest_of_intent_and_action_counts(self) -> None:
        assert ask(live(), signals=signals("how_to"), action=Action(type="replacement")).required == "edit"
        assert not without_a_person(ask(live(), signals=signals("discount"), action=Action(type="faq_answer")))


class TestDraftConfidence:
    @pytest.mark.parametrize("confidence", [None, 0.0, 0.849, 0.85, 0.90, 0.949])
    def test_below_095_or_absent_a_person_decides(self, confidence: float | None) -> None:
        result = ask(live(), drafts=(a_draft(confidence=confidence),))
        assert (result.required, rule_ids(result)) == ("approve", {"draft_confidence"})

    @pytest.mark.parametrize("confidence", [0.95, 0.951, 1.0])
    def test_from_095_on_it_may_go(self, confidence: float) -> None:
        assert ask(live(), drafts=(a_draft(confidence=confidence),)).required == "auto"

    @pytest.mark.parametrize(("confidence", "required"), [(0.90, "auto"), (0.899, "approve"), (0.85, "approve")])
    def test_it_may_be_set_down_to_090(self, confidence: float, required: str) -> None:
        assert ask(self.from_(0.90), drafts=(a_draft(confidence=confidence),)).required == required

    @pytest.mark.parametrize("auto_from", [0.8999, 0.85, 0])
    def test_and_no_further(self, auto_from: float) -> None:
        with pytest.raises(PolicyError, match=r"thresholds\.auto\.auto_from"):
            self.from_(auto_from)

    def test_below_085_is_a_person_whatever_the_file_says(self) -> None:
        with pytest.raises(PolicyError, match=r"thresholds\.auto\.person_below"):
            self.from_(0.95, person_below=0.84)

    @pytest.mark.parametrize("segment", ["small", "enterprise", "", "weird"])
    def test_standard_accounts_only(self, segment: str) -> None:
        result = ask(live(), customer=a_customer(segment=segment))
        assert (result.required, "auto_segment" in rule_ids(result)) == ("approve", True)

    def test_a_text_by_a_person_is_reviewed_by_another(self) -> None:
        assert ask(live(), drafts=(a_draft(author="human"),)).required == "approve"

    @staticmethod
    def from_(auto_from: float, **changes: float) -> Policy:
        auto = {**RISK["thresholds"]["auto"], "auto_from": auto_from, **changes}
        return compile_policy(with_risk(baseline_mode=False, thresholds={**RISK["thresholds"], "auto": auto}))


NEVER = {"id": "never", "when": "false", "reason": "Never.", "raises": {}}


class TestAlwaysHuman:
    INTENTS = {
        "legal": "legal_question",
        "regulatory": "regulatory",
        "billing dispute": "billing_dispute",
        "chargeback": "chargeback",
        "security": "security_incident",
        "account closure": "account_closure",
        "cancellation": "cancellation",
        "order cancellation": "order_cancellation",
        "change of owner": "ownership_change",
        "medical": "medical_advice",
        "financial": "financial_advice",
    }
    ACTIONS = {
        "legal": "legal_commitment",
        "billing dispute": "chargeback",
        "security change": "security_change",
        "account closure": "account_closure",
        "cancellation": "cancellation",
        "order cancellation": "order_cancellation",
        "change of owner": "ownership_change",
        "policy exception": "policy_exception",
    }

    @staticmethod
    def tamed(table: str, name: str) -> Policy:
        """The topic made as harmless as the file allows, but for always_human."""
        kept = {key: RISK[table][name][key] for key in ("title", "always_human")}
        topics = {**RISK[table], name: {**kept, "tier": "low", "action_class": "auto"}}
        return compile_policy(with_risk(baseline_mode=False, handling=[NEVER], **{table: topics}))

    @pytest.mark.parametrize("intent", INTENTS.values(), ids=INTENTS)
    def test_topic(self, intent: str) -> None:
        policy = self.tamed("intents", intent)
        assert ask(policy, signals=signals(intent), drafts=(a_draft(confidence=1.0),)).required == "approve"

    @pytest.mark.parametrize("type", ACTIONS.values(), ids=ACTIONS)
    def test_action(self, type: str) -> None:
        policy = self.tamed("actions", type)
        assert ask(policy, action=Action(type=type), drafts=(a_draft(confidence=1.0),)).required == "approve"

    def test_every_topic_of_the_file_that_is_always_human_is_in_these_lists(self) -> None:
        assert {n for n, t in RISK["intents"].items() if t.get("always_human")} == set(self.INTENTS.values())
        assert {n for n, t in RISK["actions"].items() if t.get("always_human")} == set(self.ACTIONS.values())

    @pytest.mark.parametrize("text", ["please close my account", "I was charged twice", "cancel my subscription"])
    def test_words_are_enough(self, text: str) -> None:
        assert not without_a_person(ask(live(), messages=(a_message(text),)))


class TestMoney:
    @pytest.mark.parametrize(
        ("segment", "type", "amount", "currency", "rule"),
        [
            ("standard", "refund", "50", "EUR", None),
            ("standard", "refund", "50.01", "EUR", "money_limit"),
            ("standard", "refund", "50", "USD", None),
            ("standard", "refund", "50.01", "USD", "money_limit"),
            ("standard", "refund", "-50.01", "EUR", "money_limit"),
            ("standard", "refund", "10", "GBP", "money_currency"),
            ("standard", "refund", "10", "", "money_currency"),
            ("standard", "order", "10", "EUR", "money_segment"),
            ("small", "order", "100", "EUR", None),
            ("small", "order", "100.01", "EUR", "money_limit"),
            ("small", "refund", "100", "USD", None),
            ("small", "refund", "100.01", "USD", "money_limit"),
            ("small", "faq_answer", "100.01", "USD", "money_limit"),
            ("small", "order", "1", "CHF", "money_currency"),
            ("enterprise", "refund", "10000", "USD", None),
            ("enterprise", "refund", "10000.000000000000001", "USD", "money_limit"),
            ("enterprise", "order", "10000", "EUR", None),
            ("enterprise", "order", "10000.01", "EUR", "money_limit"),
            ("enterprise", "order", "1", "JPY", "money_currency"),
            ("gold", "refund", "1", "EUR", "money_segment"),
            ("", "refund", "1", "EUR", "money_segment"),
        ],
    )
    def test_limit(self, segment: str, type: str, amount: str, currency: str, rule: str | None) -> None:
        result = ask(live(), customer=a_customer(segment=segment), action=money(type, amount, currency))
        assert {r for r in rule_ids(result) if r.startswith("money_")} == ({rule} if rule else set())
        assert not without_a_person(result)

    @pytest.mark.parametrize(("amount", "required"), [("100", "auto"), ("100.01", "approve")])
    def test_the_limit_alone_makes_the_difference(self, amount: str, required: str) -> None:
        anyone = {**RISK["thresholds"]["auto"], "segments": ["standard", "small"]}
        policy = compile_policy(with_risk(baseline_mode=False, thresholds={**RISK["thresholds"], "auto": anyone}))
        result = ask(policy, customer=a_customer(segment="small"), action=money("faq_answer", amount))
        assert result.required == required

    @pytest.mark.parametrize("amount", ["fifty-ish", "NaN", "1e5000"])
    def test_an_amount_nobody_can_read_goes_to_a_person(self, amount: str) -> None:
        result = ask(live(), action=Action(type="internal_note", amount_text=amount))
        assert (result.required, "money_unreadable" in rule_ids(result)) == ("approve", True)
        assert amount in " ".join(reason.text for reason in result.reasons)

    def test_the_reason_names_amount_limit_and_segment(self) -> None:
        by_id = {reason.rule_id: reason for reason in ask(action=money("refund", "240")).reasons}
        assert by_id["action_refund"].text == "The reply promises a refund of 240 EUR."
        assert by_id["money_limit"].text == (
            "240 EUR is above the 50 EUR that a standard account may have without a person."
        )


class TestTheOneExemption:
    """A refund of at most 50, standard, verified, not sensitive, not in baseline mode."""

    CASE: dict[str, Any] = {
        "signals": signals("refund_request"),
        "messages": (a_message("The mug arrived broken. I want a refund, please."),),
        "action": money("refund", "50", transaction_verified=True),
    }

    def test_it_ships_disabled(self) -> None:
        assert not shipped().risk.unsafe_small_refund_auto
        assert ask(live(), **self.CASE).required == "sign_off"

    @pytest.mark.parametrize("intent", ["refund_request", "refund_status", "how_to"])
    def test_once_enabled_it_lets_the_refund_go(self, intent: str) -> None:
        result = ask(exempting(), **{**self.CASE, "signals": signals(intent)})
        assert (result.required, result.tier) == ("auto", "low")

    def test_never_in_baseline_mode(self) -> None:
        policy = compile_policy(with_risk(unsafe_small_refund_auto=True))
        assert ask(policy, **self.CASE).required == "sign_off"

    @pytest.mark.parametrize(
        "change",
        [
            {"action": money("refund", "50.01", transaction_verified=True)},
            {"action": money("refund", "5", "GBP", transaction_verified=True)},
            {"action": Action(type="refund", amount_text="little", transaction_verified=True)},
            {"customer": a_customer(segment="small")},
            {"customer": a_customer(segment="enterprise")},
            {"action": money("refund", "50")},
            {"customer": a_customer(vip=True)},
            {"customer": a_customer(regulated=True)},
            {"customer": a_customer(active_escalation=True)},
            {"customer": a_customer(contract_value=Decimal(50000))},
            {"customer": a_customer(privileged_roles=("tier 0",))},
        ],
        ids=[
            *("above 50", "another currency", "unreadable", "small", "enterprise", "not verified"),
            *("VIP", "regulated", "active escalation", "contract value", "privileged"),
        ],
    )
    def test_each_condition_it_asks_for(self, change: dict[str, Any]) -> None:
        assert not without_a_person(ask(exempting(), **{**self.CASE, **change}))

    @pytest.mark.parametrize(
        "change",
        [
            {"findings": (found("threat"),)},
            {"findings": (found("policy", flags=("human_request",)),)},
            {"drafts": (a_draft(confidence=0.9),)},
            {"drafts": (a_draft(confidence=None),)},
            {"action": money("refund", "50", transaction_verified=True, irreversible=True)},
            {"action": money("refund", "50", transaction_verified=True, scope="bulk")},
            {"action": money("credit", "50", transaction_verified=True)},
            {"signals": signals("chargeback")},
            {"signals": signals("refund_request", intent_confidence=0.5)},
            {"messages": (a_message("I want a refund, and please close my account"),)},
        ],
        ids=[
            *("threat", "asks for a person", "unsure draft", "draft says nothing", "irreversible", "bulk", "credit"),
            *("always-human topic", "unsure intent", "other words"),
        ],
    )
    def test_it_exempts_from_nothing_else(self, change: dict[str, Any]) -> None:
        assert not without_a_person(ask(exempting(), **{**self.CASE, **change}))


class TestBaselineMode:
    def test_a_fresh_install_is_in_it(self) -> None:
        assert shipped().baseline

    @pytest.mark.parametrize("intent", [name for name, topic in RISK["intents"].items() if topic["tier"] == "low"])
    @pytest.mark.parametrize("type", [None, "faq_answer", "ticket_update"])
    def test_every_reply_is_reviewed_until_it_ends(self, intent: str, type: str | None) -> None:
        changes = {"signals": signals(intent, intent_confidence=1.0), "action": Action(type=type) if type else None}
        result = ask(drafts=(a_draft(confidence=1.0),), **changes)
        assert (result.required, "baseline" in rule_ids(result)) == ("approve", True)
        assert without_a_person(ask(live(), drafts=(a_draft(confidence=1.0),), **changes))


@pytest.mark.parametrize("customer", [a_customer(), a_customer(segment="small")], ids=["standard", "small"])
def test_notes_only_has_no_drafts_for_customers(customer: Customer) -> None:
    policy = compile_policy(with_risk(baseline_mode=False, notes_only=True))
    result = ask(policy, customer=customer, drafts=(a_draft(confidence=1.0),))
    assert (result.ai_mode, result.required) == ("summarize_only", "write")
    assert ask(policy, drafts=(a_draft(author="human"),)).required == "approve"
