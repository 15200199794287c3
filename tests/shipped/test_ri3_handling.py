"""RI3: what AI may do, what people do and when it escalates, row by row; of two rows the stricter counts."""

from __future__ import annotations

from typing import Any

import pytest

from app.core.assessment import AI_MODES, Assessment
from app.core.case import Action, Signals, Submitter
from app.core.policy.verdict import REQUIRED
from tests.core.policies import shipped
from tests.make import a_customer, a_draft, a_message, signals
from tests.shipped.asking import ask, ask_scanned, found, in_language, rule_ids

UNHAPPY = signals(sentiment="negative", sentiment_confidence=0.70)
FURIOUS = signals(sentiment="negative", sentiment_confidence=0.90)
BY_PERSON = (a_draft(author="human"),)


def row(result: Assessment) -> tuple[str, str, bool, int]:
    """What AI may, what people do, whether the AI's text must change, how long the checklist is."""
    return (result.ai_mode, result.required, result.must_edit, len(result.checklist))


class TestLowTierAndHighBand:
    def test_ai_drafts_and_one_agent_reviews(self) -> None:
        result = ask()
        assert row(result) == ("draft_reply", "approve", False, 0)
        assert [stage.roles for stage in result.stages] == [("support_agent",)]
        assert (result.ladder, result.send_delay, result.confirm) == ("standard", 5, False)
        assert (rule_ids(result), result.escalation_trigger) == ({"baseline"}, None)

    def test_ai_may_offer_a_macro(self) -> None:
        macro = a_draft(text="", suggested_macros=(shipped().templates[0].id,))
        result = ask(drafts=(macro,))
        assert (result.ai_mode, result.required) == ("macro_suggest", "write")
        assert ask(drafts=(a_draft(text="", suggested_macros=("no-such",)),)).ai_mode == "draft_reply"

    @pytest.mark.parametrize(
        "changes",
        [
            {"drafts": (a_draft("See https://evil.test/x for it.", confidence=0.97),)},
            {"messages": (a_message("Where is my parcel? I want to talk to a manager."),)},
        ],
        ids=["a guardrail fires", "asks for a human"],
    )
    def test_it_escalates_to_the_supervisor_queue(self, changes: dict[str, Any]) -> None:
        result = ask_scanned(**changes)
        assert (result.tier, result.route.role, result.route.channel) == ("low", "support_lead", "support-escalations")
        assert result.escalation_trigger == "rule"

    def test_contact_data_is_no_guardrail_that_fires(self) -> None:
        assert ask_scanned(messages=(a_message("Where is it? I am at jo@mail.example.org"),)).route.role == (
            "support_agent"
        )


class TestMedium:
    ROWS = {
        "medium tier": {"signals": signals("discount")},
        "medium band by intent": {"signals": signals(intent_confidence=0.79)},
        "medium band by mood": {"signals": signals(sentiment_confidence=0.69)},
        "unhappy 0.70": {"signals": UNHAPPY},
    }

    @pytest.mark.parametrize("changes", ROWS.values(), ids=ROWS)
    def test_ai_drafts_and_an_agent_edits_and_ticks_the_checklist(self, changes: dict[str, Any]) -> None:
        result = ask(**changes)
        assert row(result) == ("draft_reply", "edit", True, 3)
        assert result.route.role == "support_agent"

    @pytest.mark.parametrize(
        "given",
        [signals(intent_confidence=0.80), signals(sentiment="negative", sentiment_confidence=0.6999)],
        ids=["intent 0.80", "mood 0.6999"],
    )
    def test_where_the_row_begins(self, given: Signals) -> None:
        result = ask(signals=given)
        unsure_mood = given.sentiment is not None and given.sentiment.confidence < 0.70
        assert (result.band, result.required) == (("medium", "edit") if unsure_mood else ("high", "approve"))

    def test_the_checklist(self) -> None:
        assert ask(signals=signals("discount")).checklist == (
            "Policy link checked",
            "No commitments made",
            "Right customer identity context",
        )

    @pytest.mark.parametrize("where", ["message", "draft"])
    @pytest.mark.parametrize(
        "text", ["what about the refund", "is that covered by your policy", "the terms of service"]
    )
    @pytest.mark.parametrize("changes", ROWS.values(), ids=ROWS)
    def test_refund_language_and_policy_words_go_to_specialists(
        self, changes: dict[str, Any], text: str, where: str
    ) -> None:
        said = {"messages": (a_message(text),)} if where == "message" else {"drafts": (a_draft(text),)}
        result = ask(**changes, **said)
        assert result.route.role == "specialist"
        assert result.escalation_trigger == "rule"

    def test_refund_language_alone_leaves_a_simple_question_where_it_is(self) -> None:
        assert ask(messages=(a_message("how do refunds work"),)).route.role == "support_agent"

    def test_an_intent_below_060_goes_to_specialists(self) -> None:
        assert ask(signals=signals("discount", intent_confidence=0.60)).route.role == "support_agent"
        result = ask(signals=signals("discount", intent_confidence=0.59))
        assert (result.route.role, result.escalation_trigger) == ("specialist", "guidance")


class TestHighTier:
    REASONS = {
        "billing": ({"signals": signals("refund_request")}, "billing_approver"),
        "legal": ({"signals": signals("legal_question")}, "legal_approver"),
        "security": ({"signals": signals("security_incident")}, "security_responder"),
        "VIP": ({"action": Action(type="unheard_of"), "customer": a_customer(vip=True)}, "vip_manager"),
        "compliance": ({"signals": signals("ownership_change")}, "compliance_approver"),
        "engineering": ({"action": Action(type="data_change")}, "senior_engineer"),
        "no reason of its own": ({"action": Action(type="unheard_of")}, "specialist"),
    }

    @pytest.mark.parametrize(("changes", "role"), REASONS.values(), ids=REASONS)
    def test_summary_only_two_people_at_once_to_who_is_answerable(self, changes: dict[str, Any], role: str) -> None:
        result = ask(**changes)
        assert row(result) == ("summarize_only", "sign_off", False, 0)
        assert result.route.role == role
        assert [stage.roles for stage in result.stages] == [("support_agent", role), (role,)]
        assert (result.confirm, result.send_delay, result.ladder) == (True, 0, "urgent")
        assert result.escalation_trigger is not None

    @pytest.mark.parametrize(("changes", "role"), REASONS.values(), ids=REASONS)
    def test_agents_get_a_packet_to_write_in_but_not_for_security(self, changes: dict[str, Any], role: str) -> None:
        also = [route.role for route in ask(**changes).also]
        assert also == ([] if role == "security_responder" else ["support_agent"])


class TestLowBand:
    def test_a_person_writes_in_the_first_queue_when_the_tier_is_low(self) -> None:
        result = ask(signals=signals(intent_confidence=0.59))
        assert (result.band, *row(result)[:3]) == ("low", "summarize_only", "write", False)
        assert result.route.role == "support_agent"

    @pytest.mark.parametrize(
        ("intent", "role"), [("discount", "specialist"), ("card_arrival", "specialist"), ("refund_request", None)]
    )
    def test_above_it_specialists_do_unless_the_reason_names_somebody(self, intent: str, role: str | None) -> None:
        result = ask(signals=signals(intent, intent_confidence=0.3))
        assert result.ai_mode == "summarize_only"
        assert result.route.role == (role or "billing_approver")

    def test_a_high_tier_of_no_domain_goes_to_specialists(self) -> None:
        result = ask(signals=signals(intent_confidence=0.3), action=Action(type="unheard_of"))
        assert (result.tier, result.route.role) == ("high", "specialist")


class TestVeryUnhappy:
    @pytest.mark.parametrize("how", ["0.90", "falling"])
    def test_a_person_writes_in_the_supervisor_queue(self, how: str) -> None:
        result = ask(signals=FURIOUS) if how == "0.90" else ask(history={"sentiment_falling": True})
        assert (result.ai_mode, result.required, result.route.role) == ("summarize_only", "write", "support_lead")
        assert (result.ladder, result.escalation_trigger) == ("urgent", "guidance")

    def test_just_below(self) -> None:
        result = ask(signals=signals(sentiment="negative", sentiment_confidence=0.8999))
        assert (result.ai_mode, result.required, result.route.role) == ("draft_reply", "edit", "support_agent")

    def test_a_mood_that_is_not_negative_is_nothing(self) -> None:
        assert ask(signals=signals(sentiment="positive", sentiment_confidence=0.99)).required == "approve"


# Each row of the table by what brings it about; the stricter of two is what both together give.
TIERS = {"low": "shipping_status", "medium": "discount", "high": "refund_request"}
BANDS = {"high": 0.93, "medium": 0.70, "low": 0.40}
BY_TIER = {
    "low": ("draft_reply", "approve"),
    "medium": ("draft_reply", "edit"),
    "high": ("summarize_only", "sign_off"),
}
BY_BAND = {"high": ("draft_reply", "approve"), "medium": ("draft_reply", "edit"), "low": ("summarize_only", "write")}


@pytest.mark.parametrize("band", BANDS)
@pytest.mark.parametrize("tier", TIERS)
def test_the_stricter_of_the_tiers_and_the_bands_row(tier: str, band: str) -> None:
    result = ask(signals=signals(TIERS[tier], intent_confidence=BANDS[band]))
    assert (result.tier, result.band) == (tier, band)
    assert result.ai_mode == max(BY_TIER[tier][0], BY_BAND[band][0], key=AI_MODES.index)  # type: ignore[type-var]
    assert result.required == max(BY_TIER[tier][1], BY_BAND[band][1], key=REQUIRED.index)  # type: ignore[type-var]


class TestAPersonsOwnText:
    def test_it_needs_neither_edit_nor_write(self) -> None:
        assert ask(signals=signals("discount"), drafts=BY_PERSON).required == "approve"
        high = ask(signals=signals("refund_request"), drafts=BY_PERSON)
        assert (high.required, high.must_edit, high.also) == ("sign_off", False, ())

    def test_a_colleagues_submission_goes_to_a_lead(self) -> None:
        result = ask(drafts=BY_PERSON, submitted_by=Submitter(slack_user="UAGENT2"))
        assert result.route.role == "support_lead"

    def test_without_a_draft_a_person_writes(self) -> None:
        assert ask(drafts=()).required == "write"


@pytest.mark.parametrize("given", [in_language("fr"), in_language("en", 0.69), in_language(None)])
def test_a_language_nobody_reads_or_is_sure_of_is_medium(given: Signals) -> None:
    result = ask(signals=given)
    assert (result.tier, result.required) == ("medium", "edit")


def test_a_regional_language_is_read_like_its_base() -> None:
    assert ask(signals=in_language("en-GB")).tier == "low"


class TestReasons:
    def test_the_gravest_come_first(self) -> None:
        result = ask(customer=a_customer(vip=True), findings=(found("security"),))
        assert result.reasons[0].rule_id == "security_words"

    def test_they_never_quote_the_customer(self) -> None:
        secret = "xyzzy-4711"
        result = ask(messages=(a_message(f"I want a refund, {secret}"),), drafts=(a_draft(f"Hello {secret}"),))
        assert secret not in repr(result)
