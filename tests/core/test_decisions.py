"""Who may decide what, and what a decision leaves behind. Every refusal names its reason."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from app.core.case import Case
from app.core.effects import (
    DECISION_EVENTS,
    CrmPatch,
    DirectMessage,
    HelpdeskFields,
    HelpdeskNote,
    HelpdeskReply,
)
from app.core.machine import decide
from app.core.messages import (
    Decline,
    Delivered,
    Edit,
    FireTimer,
    HeldAtGate,
    Parked,
    RecordView,
    Reject,
    SettleDelivery,
    SignOff,
    SubmitDraft,
    Supersede,
    Undo,
    WriteReply,
)
from tests.core.asking import approve, effects, refused, types
from tests.make import NOW, a_draft, a_person, people
from tests.scenes import SCENES, a_world, after, received

# --- low tier ----------------------------------------------------------------------------------------------------


def test_one_approval_sends_exactly_the_text_after_the_send_delay() -> None:
    case = received()
    approved = decide(case, approve(case), a_world())
    assert approved.case.state == "approved"
    assert effects(approved, HelpdeskReply) == []
    send = approved.case.timers[0]
    assert send.due_at == NOW + timedelta(seconds=5)

    released = decide(approved.case, FireTimer(case_id=case.id, key=send.key), a_world(now=send.due_at))
    assert released.case.state == "sending"
    assert case.draft is not None
    assert effects(released, HelpdeskReply) == [
        HelpdeskReply(text=case.draft.text, kind="reply", request_hash=case.request_hash)
    ]

    sent = decide(released.case, Delivered(case_id=case.id, delivery=released.case.pending_reply), a_world())
    assert sent.case.state == "sent"
    order = [type(p.effect).__name__ for p in sent.effects if p.lane.endswith(":out")]
    assert order == ["HelpdeskFields", "CrmPatch"]
    crm = effects(sent, CrmPatch)[0].properties
    assert (crm["approval_outcome"], crm["ai_draft_sent"], crm["approver_role"]) == ("approved", "true", "agent")
    assert crm["resolution_code"]
    assert crm["next_action"]


def test_undo_within_the_delay_and_only_by_who_decided() -> None:
    case = received()
    approved = after(case, approve(case))
    assert refused(approved, Undo(case_id=case.id, user="UAGENT2", seen=case.request_hash)).code == "not_yours"
    undone = decide(approved, Undo(case_id=case.id, user="UAGENT1", seen=case.request_hash), a_world())
    assert undone.case.state == "pending"
    assert undone.case.approvals == ()
    assert {t.key for t in undone.case.timers} == {t.key for t in case.timers}
    assert after(undone.case, approve(undone.case)).state == "approved"


@pytest.mark.parametrize(
    ("user", "code"),
    [("UBILL1", "not_in_role"), ("UNOBODY", "not_in_role"), ("UGUEST", "not_allowed"), ("UBOT", "not_allowed")],
)
def test_who_may_not_decide(user: str, code: str) -> None:
    case = received()
    assert refused(case, approve(case, user)).code == code


def test_a_deactivated_approver_has_no_rights() -> None:
    gone = a_person("UAGENT1", deleted=True)
    case = received()
    assert refused(case, approve(case), people=people(None, gone)).code == "not_allowed"


def test_an_outdated_text_cannot_be_approved() -> None:
    case = received()
    stale = approve(case)
    newer = after(case, SubmitDraft(case_id=case.id, by="api:x", draft=a_draft("A newer text.")))
    assert refused(newer, stale).code == "draft_changed"
    assert refused(case, approve(case, seen="")).code == "draft_changed"


def test_the_second_of_two_clicks_hears_who_was_first() -> None:
    case = received()
    decided = after(case, approve(case))
    told = refused(decided, approve(case, "UAGENT2"))
    assert told.code == "already_decided"
    assert "Ana Ruiz" in told.sentence
    assert "approved" in told.sentence


# --- medium: edit and checklist ----------------------------------------------------------------------------------


def test_medium_needs_an_edit_and_the_whole_checklist() -> None:
    case = received("discount")
    items = case.assessed.checklist
    assert len(items) == 3
    assert refused(case, approve(case, checklist=items)).code == "must_edit"
    assert case.draft is not None
    same = case.draft.text.upper().replace(" ", "  ") + "!!"
    edit = Edit(case_id=case.id, user="UAGENT1", seen=case.request_hash, text=same, checklist=items)
    assert refused(case, edit).code == "unchanged"
    new = "Thank you for asking! You find the yearly plan and its price under Settings, Plans."
    assert refused(case, replace(edit, text=new, checklist=items[:2])).code == "checklist"
    outcome = decide(case, replace(edit, text=new), a_world())
    assert outcome.case.state == "approved"
    assert outcome.case.verdict is not None
    assert outcome.case.verdict.outcome == "edited"
    assert [t for t in types(outcome) if t in DECISION_EVENTS] == ["Edited"]
    edited = next(e for e in outcome.events if e.type == "Edited")
    assert (edited.data["before"], edited.data["after"]) == (case.draft.text, new)


def test_a_commitment_in_a_persons_edit_is_refused_with_the_reason() -> None:
    case = received("discount")
    text = "We have issued a refund of 50 EUR to your card."
    edit = Edit(case_id=case.id, user="UAGENT1", seen=case.request_hash, text=text, checklist=case.assessed.checklist)
    told = refused(case, edit)
    assert told.code == "guardrail"
    assert len(told.sentence) > 20


def test_a_blocked_draft_can_be_approved_by_nobody() -> None:
    claim = a_draft("We have refunded the full amount to your card.", author="human", author_id="")
    case = received("refund by an agent", draft=claim)
    assert case.blocking
    assert refused(case, approve(case, "UAGENT2")).code == "blocked"
    text = "We are looking into it for you today."
    safe = Edit(case_id=case.id, user="UAGENT2", seen=case.request_hash, text=text)
    assert after(case, safe).state == "awaiting_signoff"


# --- high: two people --------------------------------------------------------------------------------------------


def write(case: Case, user: str, text: str = "Thank you. A colleague looks into your order today.") -> WriteReply:
    return WriteReply(case_id=case.id, user=user, seen=case.request_hash, text=text)


def sign(case: Case, user: str) -> SignOff:
    return SignOff(case_id=case.id, user=user, seen=case.request_hash)


def test_ai_text_of_a_high_case_is_withheld_and_unsendable() -> None:
    case = received("refund")
    assert case.withheld
    assert case.sendable_draft is None
    assert refused(case, approve(case)).code == "no_draft"


def test_two_people_sign_a_high_case() -> None:
    case = received("refund")
    written = decide(case, write(case, "UAGENT1"), a_world())
    assert written.case.state == "awaiting_signoff"
    assert "SignOffRequested" in types(written)
    request = written.case.packets[-1]
    assert (request.kind, request.channel, request.parent) == ("signoff", "billing-approvals", "p1")
    signed = decide(written.case, sign(written.case, "UBILL1"), a_world())
    assert signed.case.state == "sending"
    assert [a.user for a in signed.case.approvals] == ["UAGENT1", "UBILL1"]
    assert len({a.request_hash for a in signed.case.approvals}) == 1


def test_one_person_never_fills_both_steps() -> None:
    case = received("refund")
    both = people({"billing_approver": ("UAGENT1", "UAGENT1B", "UBILL1")})
    world = {"people": both}
    written = decide(case, write(case, "UAGENT1"), a_world(**world)).case
    assert refused(written, sign(written, "UAGENT1"), **world).code == "already_signed"
    assert refused(written, sign(written, "UAGENT1B"), **world).code == "already_signed"
    assert decide(written, sign(written, "UBILL1"), a_world(**world)).case.state == "sending"


def test_an_edit_voids_the_first_approval_and_asks_again() -> None:
    case = received("refund", written_by="UAGENT1")
    first = case.packets[-1]
    text = "We are checking your order with the warehouse and write again tomorrow."
    edited = decide(case, Edit(case_id=case.id, user="UBILL1", seen=case.request_hash, text=text), a_world())
    assert [a.user for a in edited.case.approvals] == ["UBILL1"]
    assert "ApprovalsVoided" in types(edited)
    assert not next(p for p in edited.case.packets if p.key == first.key).can_decide
    assert edited.case.packets[-1].request_hash == edited.case.request_hash != case.request_hash
    assert refused(edited.case, sign(edited.case, "UBILL1")).code == "already_signed"
    assert refused(edited.case, sign(case, "UBILL2")).code == "draft_changed"
    assert after(edited.case, sign(edited.case, "UBILL2")).state == "sending"


def test_declining_needs_a_reason_and_returns_the_case() -> None:
    case = received("refund", written_by="UAGENT1")
    decline = Decline(case_id=case.id, user="UBILL1", seen=case.request_hash, reason="  ")
    assert refused(case, decline).code == "reason_missing"
    back = decide(case, replace(decline, reason="The amount is wrong."), a_world()).case
    assert (back.state, back.approvals, back.stage) == ("pending", (), 0)
    assert back.notes[-1].text == "The amount is wrong."


def test_the_submitter_decides_at_no_step() -> None:
    case = received("refund by an agent")
    assert refused(case, approve(case, "UAGENT1")).code == "own_submission"
    assert refused(case, approve(case, "UAGENT1B")).code == "own_submission"
    edit = Edit(case_id=case.id, user="UAGENT1", seen=case.request_hash, text="Another text of mine entirely.")
    assert refused(case, edit).code == "own_submission"
    assert refused(case, RecordView(case_id=case.id, user="UAGENT1", seen=case.request_hash, what="edit")).code == (
        "own_submission"
    )
    assert after(case, approve(case, "UAGENT2")).state == "awaiting_signoff"


def test_a_submitter_named_by_email_is_the_same_person() -> None:
    scene = SCENES["refund by an agent"]
    by_mail = replace(scene["submitted_by"], slack_user="", email="UAGENT1@Countersign.example")
    case = received("refund by an agent", submitted_by=by_mail)
    assert refused(case, approve(case, "UAGENT1")).code == "own_submission"


def test_an_agent_may_review_the_ai_draft_of_their_own_ticket() -> None:
    case = received(submitted_by=SCENES["refund by an agent"]["submitted_by"])
    assert after(case, approve(case, "UAGENT1")).state == "approved"


# --- rejecting ---------------------------------------------------------------------------------------------------


def reject(case: Case, then: str) -> Reject:
    return Reject(
        case_id=case.id, user="UAGENT1", seen=case.request_hash, category="wrong_facts", text="Wrong date.", then=then
    )


def test_hand_back_ends_the_case_with_a_note() -> None:
    submitter = SCENES["refund by an agent"]["submitted_by"]
    case = received(submitted_by=submitter)
    outcome = decide(case, reject(case, "hand_back"), a_world())
    assert outcome.case.state == "rejected"
    assert outcome.case.timers == ()
    assert "Wrong date." in effects(outcome, HelpdeskNote)[0].text
    assert effects(outcome, HelpdeskReply) == []
    assert effects(outcome, HelpdeskFields)
    assert effects(outcome, DirectMessage)[0].user == "UAGENT1"
    crm = effects(outcome, CrmPatch)[0].properties
    assert crm["approval_outcome"] == "rejected"
    assert crm["next_action"]


@pytest.mark.parametrize("then", ["redraft", "write"])
def test_a_rejected_draft_stays_rejected(then: str) -> None:
    case = received()
    back = decide(case, reject(case, then), a_world()).case
    assert back.state == "pending"
    assert refused(back, approve(back, "UAGENT2")).code == "no_draft"
    assert refused(back, replace(reject(back, then), user="UAGENT2")).code == "already_rejected"
    again = after(back, SubmitDraft(case_id=case.id, by="api:x", draft=a_draft("Your parcel arrives on Monday.")))
    assert after(again, approve(again, "UAGENT2")).state == "approved"


# --- gates, receipts, superseding --------------------------------------------------------------------------------


def sending(case: Case) -> Case:
    approved = after(case, approve(case))
    send = approved.timers[0]
    return decide(approved, FireTimer(case_id=case.id, key=send.key), a_world(now=send.due_at)).case


def test_a_reply_held_at_the_gate_goes_back_to_people() -> None:
    case = sending(received())
    held = decide(case, HeldAtGate(case_id=case.id, delivery=case.pending_reply, reason="New rule."), a_world())
    assert (held.case.state, held.case.approvals, held.case.verdict) == ("pending", (), None)
    assert held.settled[0].status == "cancelled"
    assert any(t.kind == "expire" for t in held.case.timers)


def test_a_parked_reply_waits_for_a_person_who_looked() -> None:
    case = sending(received())
    parked = Parked(case_id=case.id, delivery=case.pending_reply, error="time-out", look_at="ticket 48213")
    waiting = decide(case, parked, a_world())
    assert waiting.case.state == "indeterminate"
    assert effects(waiting, HelpdeskReply) == []
    look = SettleDelivery(case_id=case.id, user="UGUEST", delivery=case.pending_reply, arrived=True)
    assert refused(waiting.case, look).code == "not_in_role"
    settled = decide(waiting.case, replace(look, user="UAGENT2"), a_world())
    assert settled.case.state == "sent"
    again = decide(waiting.case, replace(look, user="UAGENT2", arrived=False), a_world())
    assert again.settled[0].status == "redrive"
    assert effects(again, HelpdeskReply) == []


def test_superseding_voids_and_closes_everything() -> None:
    case = received("refund", written_by="UAGENT1")
    gone = decide(case, Supersede(case_id=case.id, by="api:x", successor="c_new", reason="newer"), a_world())
    assert (gone.case.state, gone.case.superseded_by) == ("superseded", "c_new")
    assert gone.case.approvals == ()
    assert gone.case.timers == ()
    assert all(not p.can_decide for p in gone.case.packets if p.kind == "signoff")
    assert refused(gone.case, sign(case, "UBILL1")).code == "superseded"


def test_a_reply_that_arrives_after_the_case_was_superseded_is_told_as_it_was() -> None:
    case = sending(received())
    gone = after(case, Supersede(case_id=case.id, by="api:x", successor="c_new", reason="newer"))
    late = decide(gone, Delivered(case_id=case.id, delivery=case.pending_reply), a_world())
    assert late.case.state == "superseded"
    assert "ReplySent" in types(late)
