"""A language model may raise scrutiny and propose text; it decides nothing, and nobody waits for it (AI1, AI2, AI5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from app.core.case import Case, Signal, Signals
from app.core.effects import CrmPatch, ModelDraft, ModelReading, Outcome, PacketPost
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import Drafted, FireTimer, ModelFailed, Reject, SubmitDraft, Supersede, Understood, WriteReply
from tests.make import NOW, a_draft, signals
from tests.scenes import a_world, receive

WITH_MODEL = a_world(model=True)
SAFE = a_draft("Thank you for asking. A colleague looks at your order today.", version=0, model_name="m-1")


def kinds(outcome: Outcome) -> list[str]:
    return [type(p.effect).__name__ for p in outcome.effects]


def understood(case: Case, said: Signals) -> Outcome:
    return decide(case, Understood(case_id=case.id, delivery=case.asking, model="m-1", signals=said), WITH_MODEL)


def opinion(intent: str) -> Signals:
    return Signals(intent=Signal(label=intent, confidence=0.97, source="llm"))


def test_nobody_is_asked_before_the_model_has_read_the_case() -> None:
    outcome = receive(world=WITH_MODEL)
    assert outcome.case.state == "received"
    assert kinds(outcome) == ["ModelReading"]
    assert [(t.kind, t.due_at - NOW) for t in outcome.case.timers] == [("model", timedelta(seconds=10))]

    after = understood(outcome.case, opinion("shipping_status"))
    assert after.case.state == "pending"
    assert {"CrmPatch", "PacketPost"} <= set(kinds(after))
    assert after.case.timers
    assert "model" not in {t.kind for t in after.case.timers}


def test_a_second_opinion_raises_the_tier() -> None:
    case = receive(world=WITH_MODEL).case
    after = understood(case, opinion("legal_question")).case
    assert case.assessed.tier == "low"
    assert after.assessed.tier == "high"
    assert after.assessed.route.role == "legal_approver"
    assert after.signals == case.signals
    assert after.second_opinion.intent == Signal(label="legal_question", confidence=0.97, source="llm")


@pytest.mark.parametrize("harmless", ["shipping_status", "how_to", "opening_hours"])
def test_a_second_opinion_never_lowers_anything(harmless: str) -> None:
    case = receive("refund", world=WITH_MODEL).case
    said = signals(harmless, "positive", sentiment_confidence=1.0, intent_confidence=1.0)
    after = understood(case, said).case
    assert after.assessed.tier == case.assessed.tier == "high"
    assert after.assessed.ai_mode == "summarize_only"
    assert {r.rule_id for r in case.assessed.reasons} <= {r.rule_id for r in after.assessed.reasons}
    assert len(after.assessed.stages) >= len(case.assessed.stages)


def test_an_unsure_second_opinion_counts_too() -> None:
    case = receive(world=WITH_MODEL).case
    unsure = Signals(intent=Signal(label="shipping_status", confidence=0.3, source="llm"))
    assert case.assessed.band == "high"
    assert understood(case, unsure).case.assessed.band == "low"


def test_no_answer_in_time_is_an_answer() -> None:
    case = receive(world=WITH_MODEL).case
    late = a_world(NOW + timedelta(seconds=10), model=True)
    outcome = decide(case, FireTimer(case_id=case.id, key="model"), late)
    assert outcome.case.state == "pending"
    assert [(s.delivery, s.status) for s in outcome.settled] == [(case.asking, "cancelled")]

    answer = Understood(case_id=case.id, delivery=case.asking, model="m-1", signals=opinion("legal_question"))
    after = decide(outcome.case, answer, late)
    assert after.case.assessed == outcome.case.assessed
    assert [e.data["late"] for e in after.events if e.type == "CaseUnderstood"] == [True]


def test_the_timer_does_not_fire_early() -> None:
    case = receive(world=WITH_MODEL).case
    with pytest.raises(Refused) as refused:
        decide(case, FireTimer(case_id=case.id, key="model"), WITH_MODEL)
    assert refused.value.code == "stale_timer"


def test_a_model_that_fails_leaves_the_case_to_people() -> None:
    case = receive(world=WITH_MODEL).case
    outcome = decide(case, ModelFailed(case_id=case.id, delivery=case.asking, error="It refused."), WITH_MODEL)
    assert outcome.case.state == "pending"
    assert any(isinstance(p.effect, PacketPost) for p in outcome.effects)
    assert [e.reason for e in outcome.events if e.type == "ModelGaveUp"] == ["It refused."]


def test_a_model_that_fails_too_late_opens_nothing_again() -> None:
    case = receive(world=WITH_MODEL).case
    gone = decide(case, Supersede(case_id=case.id, by="api:t", successor="c_new", reason="newer"), WITH_MODEL).case
    failed = decide(gone, ModelFailed(case_id=case.id, delivery=case.asking, error="It refused."), WITH_MODEL)
    assert (failed.case.state, failed.case.asking) == ("superseded", "")


def test_a_redraft_that_fails_leaves_what_a_person_decided_meanwhile() -> None:
    case = rejected(open_with_draft()).case
    assert case.asking
    write = WriteReply(case_id=case.id, user="UAGENT1", seen=case.request_hash, text="We write to you tomorrow.")
    done = decide(case, write, WITH_MODEL).case
    failed = decide(done, ModelFailed(case_id=case.id, delivery=case.asking, error="It refused."), WITH_MODEL)
    assert failed.case.state == done.state == "approved"
    assert failed.case.approvals == done.approvals


def test_a_draft_is_asked_for_only_where_policy_lets_ai_write_one() -> None:
    low = understood(receive(world=WITH_MODEL, draft=None).case, opinion("shipping_status"))
    assert [p.effect for p in low.effects] == [ModelDraft()]
    assert low.case.state == "received"

    high = understood(receive("refund", world=WITH_MODEL, draft=None).case, opinion("refund_request"))
    assert ModelDraft() not in [p.effect for p in high.effects]
    assert high.case.state == "pending"

    given = understood(receive(world=WITH_MODEL).case, opinion("shipping_status"))
    assert ModelDraft() not in [p.effect for p in given.effects]


def test_the_models_draft_is_a_proposal_like_any_other() -> None:
    case = understood(receive(world=WITH_MODEL, draft=None).case, opinion("shipping_status")).case
    outcome = decide(case, Drafted(case_id=case.id, delivery=case.asking, draft=SAFE), WITH_MODEL)
    after = outcome.case
    assert after.state == "pending"
    assert after.draft is not None
    assert (after.draft.version, after.draft.author, after.draft.text) == (1, "ai", SAFE.text)
    assert after.assessed.required == "approve"
    assert [e.data for e in outcome.events if e.type == "ReplyDrafted"] == [{"model": "m-1", "draft_version": 1}]
    assert any(isinstance(p.effect, CrmPatch) for p in outcome.effects)


def test_a_models_commitment_is_blocked_like_anybodys() -> None:
    case = understood(receive(world=WITH_MODEL, draft=None).case, opinion("shipping_status")).case
    promise = replace(SAFE, text="We have issued a refund of 240 EUR to your card.")
    after = decide(case, Drafted(case_id=case.id, delivery=case.asking, draft=promise), WITH_MODEL).case
    assert after.blocking
    assert after.assessed.tier == "high"


def rejected(case: Case, *, times: int = 0) -> Outcome:
    world = replace(WITH_MODEL, history=replace(WITH_MODEL.history, rejected_drafts=times))
    no = Reject(
        case_id=case.id, user="UAGENT1", seen=case.request_hash, category="wrong_facts", text="Ask.", then="redraft"
    )
    return decide(case, no, world)


def open_with_draft() -> Case:
    return understood(receive(world=WITH_MODEL).case, opinion("shipping_status")).case


def test_a_rejected_draft_is_drafted_again_with_the_feedback() -> None:
    outcome = rejected(open_with_draft())
    assert ModelDraft() in [p.effect for p in outcome.effects]
    assert outcome.case.state == "pending"
    assert outcome.case.sendable_draft is None

    answer = Drafted(case_id=outcome.case.id, delivery=outcome.case.asking, draft=SAFE)
    after = decide(outcome.case, answer, WITH_MODEL).case
    assert after.draft is not None
    assert (after.draft.version, after.sendable_draft) == (2, after.draft)


def test_two_rejections_in_a_row_are_a_loop_and_a_person_writes() -> None:
    outcome = rejected(open_with_draft(), times=1)
    assert ModelDraft() not in [p.effect for p in outcome.effects]
    assert "loop_rejected" in {r.rule_id for r in outcome.case.assessed.reasons}


def test_a_draft_that_comes_after_a_person_wrote_is_not_taken() -> None:
    case = rejected(open_with_draft()).case
    own = SubmitDraft(case_id=case.id, by="api:agent", draft=replace(SAFE, author="human"))
    written = decide(case, own, WITH_MODEL).case
    outcome = decide(written, Drafted(case_id=case.id, delivery=case.asking, draft=SAFE), WITH_MODEL)
    assert outcome.case.drafts == written.drafts
    assert outcome.case.state == written.state


def test_a_model_that_fails_late_changes_nothing_that_people_decided() -> None:
    case = rejected(open_with_draft()).case
    own = WriteReply(case_id=case.id, user="UAGENT2", seen=case.request_hash, text=SAFE.text)
    decided = decide(case, own, WITH_MODEL).case
    assert decided.state == "approved"
    after = decide(decided, ModelFailed(case_id=case.id, delivery=case.asking, error="busy"), WITH_MODEL).case
    assert (after.state, after.approvals, after.timers) == ("approved", decided.approvals, decided.timers)


def test_what_a_caller_submits_meanwhile_counts() -> None:
    case = receive(world=WITH_MODEL, draft=None).case
    outcome = decide(case, SubmitDraft(case_id=case.id, by="api:agent", draft=SAFE), WITH_MODEL)
    assert outcome.case.state == "pending"
    assert outcome.case.asking == ""
    assert outcome.case.draft is not None
    assert [type(p.effect) for p in outcome.effects].count(ModelReading) == 0
