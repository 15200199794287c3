"""A person's word on what a case is: raised freely, lowered by who approves it, never past policy's rules (DE9)."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Case, Signal, Signals, Submitter
from app.core.effects import CrmPatch, Outcome, PacketPost, PacketUpdate, ThreadReply
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import Approve, ClaimCase, Reassess, RecordView, SignOff, SubmitDraft, WriteReply
from app.core.policy import compile_policy
from app.core.policy.explain import explain
from tests.core.policies import with_risk
from tests.make import a_draft, a_message, people, signals
from tests.scenes import SHIPPED, a_world, after, received

WHY = "They only ask where the parcel is."
THREAT = a_message("Where is my parcel? If it is late I will sue you, my lawyer writes tomorrow.")
NO_BASELINE = compile_policy(with_risk(baseline_mode=False))


def reassess(case: Case, user: str = "UAGENT1", *, seen: str = "", world: Any = None, **says: Any) -> Outcome:
    command = Reassess(case_id=case.id, user=user, seen=seen or case.request_hash, **says)
    return decide(case, command, world or a_world())


def refusal(case: Case, user: str = "UAGENT1", **says: Any) -> Refused:
    with pytest.raises(Refused) as refused:
        reassess(case, user, **says)
    return refused.value


def effects(outcome: Outcome, kind: type) -> list[Any]:
    return [p.effect for p in outcome.effects if isinstance(p.effect, kind)]


def deciding(case: Case) -> set[str]:
    return {p.channel for p in case.packets if p.can_decide and p.kind != "signoff"}


def legal(**changes: Any) -> Case:
    """High by its intent alone, in #legal-approvals."""
    return received(signals=signals("legal_question"), **changes)


# --- raising -----------------------------------------------------------------------------------------------------


def test_any_reviewer_raises_the_tier_and_gives_no_reason() -> None:
    case = reassess(received(), tier="high").case
    says = case.assessed
    assert (says.tier, says.required, says.ai_mode, says.route.role) == (
        "high",
        "sign_off",
        "summarize_only",
        "specialist",
    )
    assert [s.id for s in says.stages] == ["first", "sign_off"]
    assert case.withheld
    assert deciding(case) == {"support-review", "specialist-review"}
    assert "A person says that the risk is high." in [r.text for r in says.reasons]


def test_another_intent_brings_its_own_tier_route_and_ladder() -> None:
    before = received()
    case = reassess(before, intent="legal_question").case
    assert (case.assessed.tier, case.assessed.route.role, case.assessed.ladder) == ("high", "legal_approver", "urgent")
    assert {t.key for t in case.timers} != {t.key for t in before.timers}
    assert case.intent is not None
    assert (case.intent.label, case.intent.source) == ("legal_question", "person")
    assert before.signals == case.signals


def test_what_was_raised_takes_two_people_from_there_on() -> None:
    case = reassess(received(), intent="legal_question").case
    with pytest.raises(Refused):
        after(case, Approve(case_id=case.id, user="UAGENT2", seen=case.request_hash))
    text = "Thank you for asking. A colleague looks at it today."
    written = after(case, WriteReply(case_id=case.id, user="UAGENT2", seen=case.request_hash, text=text))
    assert written.state == "awaiting_signoff"
    signed = after(written, SignOff(case_id=case.id, user="ULEGAL1", seen=written.request_hash))
    assert signed.state == "sending"


def test_a_later_draft_does_not_undo_what_a_person_said() -> None:
    case = reassess(received(), tier="high").case
    drafted = after(case, SubmitDraft(case_id=case.id, by="api:x", draft=a_draft("Your parcel is on its way.")))
    assert (drafted.assessed.tier, drafted.said) == ("high", case.said)


def test_it_is_judged_by_the_cases_own_policy() -> None:
    intents = SHIPPED.documents.risk["intents"]
    legal_is_low = {**intents, "legal_question": {"tier": "low", "title": "a legal question"}}
    newer = compile_policy(with_risk(intents=legal_is_low))
    outcome = reassess(received(), intent="legal_question", world=a_world(active=newer))
    assert outcome.case.assessed.tier == "high"


# --- lowering ----------------------------------------------------------------------------------------------------


def test_the_role_that_approves_lowers_with_a_reason() -> None:
    outcome = reassess(legal(), "ULEGAL1", intent="shipping_status", reason=WHY)
    case = outcome.case
    assert (case.assessed.tier, case.assessed.route.role) == ("low", "support_agent")
    assert not case.withheld
    assert deciding(case) == {"support-review"}
    assert {p.channel: p.kind for p in case.packets if p.can_decide} == {"support-review": "packet"}
    assert after(case, Approve(case_id=case.id, user="UAGENT2", seen=case.request_hash)).state == "approved"


def test_a_lead_lowers_what_somebody_raised() -> None:
    case = reassess(received(), tier="high").case
    assert reassess(case, "ULEAD1", tier="low", reason=WHY).case.assessed.tier == "low"


@pytest.mark.parametrize("via", ["security_incident", "chargeback", "data_export"])
def test_a_case_does_not_come_down_by_way_of_another_queue(via: str) -> None:
    aside = reassess(legal(), "UAGENT1", intent=via).case
    owner = sorted(people().roles[aside.assessed.route.role])[0]
    refused = refusal(aside, owner, intent="shipping_status", reason=WHY)
    assert refused.code == "lowering"
    assert "@legal-approvers" in refused.sentence
    assert reassess(aside, "ULEAD1", intent="shipping_status", reason=WHY).case.assessed.tier == "low"
    assert reassess(aside, owner, intent="legal_question").case.assessed.route.role == "legal_approver"


@pytest.mark.parametrize("user", ["UAGENT1", "UAGENT2"])
def test_who_reviews_only_does_not_lower(user: str) -> None:
    raised = reassess(received(), tier="high").case
    refused = refusal(raised, user, tier="low", reason=WHY)
    assert refused.code == "lowering"
    assert "from high to low" in refused.sentence
    assert "@support-leads" in refused.sentence


@pytest.mark.parametrize("reason", ["", "  \n"])
def test_lowering_takes_a_reason(reason: str) -> None:
    refused = refusal(legal(), "ULEGAL1", intent="shipping_status", reason=reason)
    assert refused.code == "reason_missing"


def test_nobody_lowers_their_own_submission() -> None:
    mine = legal(submitted_by=Submitter(slack_user="ULEGAL1"))
    refused = refusal(mine, "ULEGAL1", intent="shipping_status", reason=WHY)
    assert refused.code == "own_submission"
    assert reassess(mine, "ULEGAL2", intent="shipping_status", reason=WHY).case.assessed.tier == "low"
    assert reassess(mine, "ULEGAL1", intent="security_incident").case.assessed.route.role == "security_responder"


def test_an_account_of_the_same_person_is_the_same_person() -> None:
    agents = people({"support_lead": ("UAGENT1B",)})
    mine = legal(submitted_by=Submitter(slack_user="UAGENT1"))
    with pytest.raises(Refused) as refused:
        reassess(mine, "UAGENT1B", intent="shipping_status", reason=WHY, world=a_world(people=agents))
    assert refused.value.code == "own_submission"


def test_a_case_leaves_the_queue_it_was_escalated_to_by_an_approvers_word_only() -> None:
    says = {"intent": "shipping_status", "tier": "high", "reason": WHY}
    refused = refusal(legal(), "UAGENT1", **says)
    assert refused.code == "lowering"
    assert "takes the case out of #legal-approvals" in refused.sentence
    case = reassess(legal(), "ULEGAL1", **says).case
    assert (case.assessed.tier, case.assessed.route.role) == ("high", "specialist")
    assert case.said is not None
    assert case.said.lowered


# --- what nobody can talk away -----------------------------------------------------------------------------------


def test_what_the_customer_wrote_counts_whatever_a_person_says() -> None:
    case = legal(messages=(THREAT,))
    refused = refusal(case, "ULEGAL1", tier="low", reason=WHY)
    assert refused.code == "rules_stand"
    assert "high risk" in refused.sentence
    renamed = reassess(case, "ULEGAL1", intent="shipping_status", reason=WHY).case
    assert (renamed.assessed.tier, renamed.assessed.route.role) == ("high", "legal_approver")


def test_a_promised_refund_stays_with_billing() -> None:
    case = received("refund")
    renamed = reassess(case, "UBILL1", intent="shipping_status", reason=WHY).case
    assert (renamed.assessed.tier, renamed.assessed.stages) == ("high", case.assessed.stages)


@pytest.mark.parametrize("intent", ["legal_question", "billing_dispute", "account_closure", "cancellation"])
def test_a_topic_that_always_takes_a_person_stands_against_a_lower_tier(intent: str) -> None:
    case = received(signals=signals(intent))
    assert refusal(case, "ULEAD1", tier="low", reason=WHY).code == "rules_stand"


def test_a_blocked_text_stays_blocked() -> None:
    blocked = received(draft=a_draft("We have issued a refund of 240 EUR to your card.", author="human"))
    assert refusal(blocked, "ULEAD1", tier="low", reason=WHY).code == "rules_stand"
    case = reassess(blocked, intent="refund_request").case
    assert case.blocking
    approve = Approve(case_id=case.id, user="UAGENT1", seen=case.request_hash, checklist=case.assessed.checklist)
    with pytest.raises(Refused, match="blocked"):
        after(case, approve)


def test_a_person_still_decides_where_it_would_go_alone_now() -> None:
    world = a_world(policy=NO_BASELINE)
    sure = {"draft": a_draft(confidence=0.99), "world": world}
    assert received(**sure).state != "pending"
    case = received(**{**sure, "signals": signals("legal_question")})
    lower = reassess(case, "ULEGAL1", intent="shipping_status", reason=WHY, world=world)
    assert (lower.case.state, lower.case.assessed.required) == ("pending", "approve")
    assert lower.case.assessed.stages


def test_what_a_model_read_is_set_aside_by_an_approver_only() -> None:
    opinion = Signals(intent=Signal(label="legal_question", confidence=0.9, source="llm"))
    first = received()
    case = after(
        replace(first, state="received", second_opinion=opinion),
        SubmitDraft(case_id=first.id, by="api:x", draft=a_draft("It left our warehouse today.")),
    )
    assert case.assessed.tier == "high"
    assert refusal(case, "UAGENT1", intent="shipping_status", reason=WHY).code == "lowering"
    assert reassess(case, "ULEGAL1", intent="shipping_status", reason=WHY).case.assessed.tier == "low"


# --- refusals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "says", "code"),
    [
        ("UGUEST", {"tier": "high"}, "not_allowed"),
        ("UBOT", {"tier": "high"}, "not_allowed"),
        ("UNOBODY", {"tier": "high"}, "not_in_role"),
        ("UBILL1", {"tier": "high"}, "not_in_role"),
        ("UAGENT1", {}, "nothing_said"),
        ("UAGENT1", {"intent": "<!channel>"}, "unknown_intent"),
        ("UAGENT1", {"intent": "shipping_status"}, "as_it_is"),
        ("UAGENT1", {"tier": "low"}, "as_it_is"),
        ("UAGENT1", {"tier": "high", "seen": "0" * 64}, "draft_changed"),
    ],
)
def test_refused_with_the_reason(user: str, says: dict[str, Any], code: str) -> None:
    refused = refusal(received(), user, **says)
    assert refused.code == code
    assert len(refused.sentence) > 20
    assert "<!" not in refused.sentence


def test_a_colleague_who_works_on_it_is_not_talked_over() -> None:
    case = after(received(), ClaimCase(case_id=received().id, user="UAGENT2"))
    assert refusal(case, "UAGENT1", tier="high").code == "claimed"
    assert reassess(case, "UAGENT2", tier="high").case.claim is None


def test_it_does_not_go_round_for_ever() -> None:
    case = reassess(received(), tier="high").case
    worn = replace(case, escalations=case.escalations * 100)
    assert refusal(worn, "ULEAD1", tier="low", reason=WHY).code == "too_many_rounds"


@pytest.mark.parametrize("user", ["UGUEST", "UNOBODY"])
def test_the_form_does_not_open_for_who_may_not(user: str) -> None:
    case = received()
    view = RecordView(case_id=case.id, user=user, seen=case.request_hash, what="reassess")
    with pytest.raises(Refused):
        decide(case, view, a_world())
    opened = decide(case, replace(view, user="UAGENT1"), a_world())
    assert [(e.type, e.data["view"]) for e in opened.events] == [("ViewOpened", "reassess")]


# --- approvals ---------------------------------------------------------------------------------------------------


def test_approvals_stand_where_the_same_is_asked_of_the_same_people() -> None:
    case = received("refund", written_by="UAGENT1")
    outcome = reassess(case, "UBILL1", intent="chargeback")
    kept = outcome.case
    assert (kept.approvals, kept.state, kept.stage) == (case.approvals, "awaiting_signoff", case.stage)
    assert "ApprovalsVoided" not in [e.type for e in outcome.events]
    assert [p.key for p in kept.packets if p.kind == "signoff" and p.can_decide]
    assert after(kept, SignOff(case_id=case.id, user="UBILL2", seen=kept.request_hash)).state == "sending"


def test_they_are_void_where_others_decide_and_the_thread_says_so() -> None:
    case = received("refund", written_by="UAGENT1")
    outcome = reassess(case, "UBILL1", intent="legal_question")
    assert (outcome.case.state, outcome.case.stage, outcome.case.approvals) == ("pending", 0, ())
    assert not [p for p in outcome.case.packets if p.kind == "signoff" and p.can_decide]
    assert [e.data["people"] for e in outcome.events if e.type == "ApprovalsVoided"] == [["UAGENT1"]]
    assert [t.kind for t in effects(outcome, ThreadReply)] == ["voided", "reassessed"]
    with pytest.raises(Refused, match="not_now"):
        after(outcome.case, SignOff(case_id=case.id, user="UBILL2", seen=case.request_hash))


def test_reassessing_approves_nothing_and_sends_nothing() -> None:
    case = received("refund", written_by="UAGENT1")
    for says in ({"intent": "chargeback"}, {"intent": "legal_question"}):
        outcome = reassess(case, "UBILL1", **says)
        assert "ReplyReleased" not in [e.type for e in outcome.events]
        assert "UBILL1" not in {a.user for a in outcome.case.approvals}


# --- who hears of it ---------------------------------------------------------------------------------------------


def test_the_log_says_who_said_what_and_what_it_changed() -> None:
    outcome = reassess(legal(), "ULEGAL1", intent="shipping_status", reason=WHY)
    event = outcome.events[0]
    assert (event.type, event.actor, event.reason) == ("Reassessed", "slack:ULEGAL1", WHY)
    assert (event.data["intent"], event.data["lowered"]) == ("shipping_status", True)
    assert (event.data["before"]["tier"], event.data["after"]["tier"]) == ("high", "low")
    assert (event.data["before"]["route"], event.data["after"]["route"]) == ("legal_approver", "support_agent")
    assert "CaseAssessed" in [e.type for e in outcome.events]
    assert [(n.kind, n.user, n.text) for n in outcome.case.notes] == [("reassess", "ULEGAL1", WHY)]


def test_packets_thread_and_crm_hear_of_it() -> None:
    before = received(callback_url="https://agent.example/hook")
    outcome = reassess(before, intent="legal_question")
    posted = {e.packet for e in effects(outcome, PacketPost)}
    updated = {e.packet for e in effects(outcome, PacketUpdate)}
    assert posted | updated == {p.key for p in outcome.case.packets}
    (said,) = effects(outcome, ThreadReply)
    assert (said.kind, said.data["by"], said.data["role"]) == ("reassessed", "UAGENT1", "legal_approver")
    (crm,) = effects(outcome, CrmPatch)
    assert (crm.properties["intent"], crm.properties["risk_tier"]) == ("legal_question", "high")
    assert (crm.properties["escalated"], crm.properties["escalation_trigger_type"]) == ("true", "manual")
    assert not crm.final


def test_policy_explain_says_whose_word_it_was() -> None:
    lines = "\n".join(explain(reassess(received(), intent="legal_question").case, SHIPPED).lines())
    assert "intent: legal_question, as a person says" in lines
    assert "A person reassessed this case." in lines
