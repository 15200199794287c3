"""Tricks that once worked, or nearly: each is one way to get a text out, or a case stuck, that must not exist."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Action, Case, Submitter
from app.core.effects import Callback, Click, CrmPatch, DirectMessage, Outcome
from app.core.errors import Refused
from app.core.machine import decide, expand
from app.core.messages import (
    AddCustomerMessage,
    AddNote,
    AnyCommand,
    Approve,
    Decline,
    Delivered,
    Edit,
    FireTimer,
    GaveUp,
    HeldAtGate,
    Parked,
    RedriveDelivery,
    Reject,
    ReportActionResult,
    SettleDelivery,
    SignOff,
    SubmitDraft,
    Supersede,
    Undo,
    Withdraw,
    WriteReply,
)
from app.core.people import People
from app.core.policy import Policy
from tests.core.openings import CONFIDENT, OPENINGS, TEXTS, policy_of
from tests.make import NOW, a_draft, a_message, a_person, people
from tests.scenes import SHIPPED, a_world, receive, received


def opened(opening: str, policy: Policy = SHIPPED, who: People | None = None, **changes: Any) -> Case:
    return receive(world=a_world(policy=policy, people=who), **{**OPENINGS[opening], **changes}).case


def step(case: Case, command: AnyCommand, **world: Any) -> Outcome:
    return decide(case, command, a_world(**world))


def refused(case: Case, command: AnyCommand, **world: Any) -> str:
    with pytest.raises(Refused) as caught:
        step(case, command, **world)
    return caught.value.code


def click(case: Case, user: str) -> dict[str, str]:
    return {"case_id": case.id, "user": user, "seen": case.request_hash}


def yes(case: Case, user: str) -> AnyCommand:
    kind = SignOff if case.state == "awaiting_signoff" else Approve
    return kind(**click(case, user))


def fire(case: Case, kind: str, **world: Any) -> Outcome:
    timer = next(t for t in case.timers if kind in (t.kind, t.key))
    return step(case, FireTimer(case_id=case.id, key=timer.key), now=timer.due_at, **world)


def sending(case: Case, user: str = "UAGENT1") -> Case:
    return fire(step(case, yes(case, user)).case, "send").case


def receipt(case: Case, kind: type[Any], **more: Any) -> Any:
    known = {GaveUp: {"error": "gone"}, Parked: {"error": "?", "look_at": "it"}, HeldAtGate: {"reason": "New."}}
    return kind(**{"case_id": case.id, "delivery": case.pending_reply, **known.get(kind, {}), **more})


# --- one person, two people --------------------------------------------------------------------------------------


def test_a_new_address_makes_nobody_a_second_person() -> None:
    case = received("refund", written_by="UAGENT1")
    moved = people({"billing_approver": ("UAGENT1",)}, a_person("UAGENT1", email="ana@elsewhere.example"))
    assert refused(case, yes(case, "UAGENT1"), people=moved) in ("already_signed", "own_text")
    sixth = step(case, Edit(**click(case, "UBILL1"), text=TEXTS[1])).case  # UBILL1 counts by an edit
    moved = people({}, a_person("UBILL1", email="hana@elsewhere.example"))
    assert refused(sixth, yes(sixth, "UBILL1"), people=moved) == "already_signed"


def test_who_submitted_a_text_stays_out_after_somebody_edited_it() -> None:
    case = opened("a colleague's")
    edited = step(case, Edit(**click(case, "ULEAD2"), text=TEXTS[0])).case
    undone = step(edited, Undo(**click(edited, "ULEAD2"))).case
    assert refused(undone, yes(undone, "ULEAD1")) == "own_submission"


def test_a_submitter_is_known_by_either_name_they_gave() -> None:
    case = received(
        "refund by an agent", submitted_by=Submitter(slack_user="UWHO", email="UAGENT1@countersign.example")
    )
    assert refused(case, yes(case, "UAGENT1")) == "own_submission"


def test_money_without_an_amount_is_still_ones_own_action() -> None:
    case = opened("own refund")
    assert refused(case, WriteReply(**click(case, "UAGENT1"), text=TEXTS[0])) == "own_submission"
    assert step(case, WriteReply(**click(case, "UAGENT2"), text=TEXTS[0])).case.state == "awaiting_signoff"


def test_somebody_who_only_edited_counts_at_no_step() -> None:
    case = opened("export", submitted_by=None)
    first = step(case, yes(case, "UAGENT1")).case
    edited = step(first, Edit(**click(first, "USEC1"), text=TEXTS[1])).case
    assert (edited.state, edited.approvals) == ("pending", ())
    again = step(edited, yes(edited, "UAGENT1")).case
    assert refused(again, yes(again, "USEC1")) == "own_text"


# --- AI text -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Edit, WriteReply])
def test_must_edit_has_no_side_door(kind: type[Any]) -> None:
    case = received("discount")
    same = kind(
        **click(case, "UAGENT1"), text=f"{OPENINGS['discount']['draft'].text} !", checklist=case.assessed.checklist
    )
    assert refused(case, same) == "unchanged"


def test_withheld_ai_text_is_not_laundered() -> None:
    case = received("refund")
    text = OPENINGS["refund"]["draft"].text
    assert refused(case, WriteReply(**click(case, "UAGENT1"), text=text)) == "unchanged"
    claimed = step(case, SubmitDraft(case_id=case.id, by="api:x", draft=replace(CONFIDENT, text=text, author="human")))
    assert claimed.case.withheld


def test_an_empty_draft_is_nothing_to_approve() -> None:
    case = opened("empty draft")
    assert refused(case, yes(case, "UAGENT1")) == "no_draft"


def test_a_confident_new_draft_never_goes_without_the_people_who_were_asked() -> None:
    case = received(world=a_world(policy=policy_of("no baseline")), draft=a_draft(confidence=0.5))
    again = step(case, SubmitDraft(case_id=case.id, by="api:x", draft=CONFIDENT), policy=policy_of("no baseline"))
    assert again.case.state == "pending"
    assert again.case.assessed.stages
    assert step(again.case, yes(again.case, "UAGENT1")).case.state == "approved"


# --- steps and the roles that may take them ----------------------------------------------------------------------


def signed_by(case: Case, *users: str, **world: Any) -> Case:
    for user in users:
        case = step(case, yes(case, user), **world).case
    return case


def test_a_ladder_never_opens_the_executives_step() -> None:
    case = opened("enterprise")
    text = Edit(**click(case, "ULEAD1"), text=TEXTS[1], checklist=case.assessed.checklist)
    waiting = step(case, text).case
    assert waiting.current_stage is not None
    assert waiting.current_stage.id == "executive"
    late = fire(waiting, "rung:backup").case
    assert refused(late, yes(late, "USPEC1")) == "not_in_role"
    assert step(late, yes(late, "UEXEC1")).case.state == "approved"


def test_each_of_two_roles_means_both_whoever_the_ladder_lets_in() -> None:
    """Compliance's backup stands in for compliance, never for security."""
    case = opened("export")
    waiting = fire(signed_by(case, "UAGENT1"), "rung:backup").case
    one = signed_by(waiting, "ULEGAL1")
    assert one.state == "awaiting_signoff"
    assert refused(one, yes(one, "UCOMP1")) == "role_filled"
    assert signed_by(one, "USEC1").state == "sending"
    other = signed_by(waiting, "UCOMP1")
    assert refused(other, yes(other, "ULEGAL1")) == "role_filled"


def test_who_holds_both_roles_signs_in_the_one_that_was_asked() -> None:
    """Whichever request they answer first, and the other one is not theirs any more."""
    case = signed_by(opened("export"), "UAGENT1")
    asked = {p.role: p.key for p in case.packets if p.kind == "signoff"}
    both = people({"compliance_approver": ("UCOMP1", "USEC1"), "security_responder": ("UCOMP1", "USEC1")})
    for role, other in (("compliance_approver", "security_responder"), ("security_responder", "compliance_approver")):
        signed = step(case, SignOff(**click(case, "UCOMP1"), packet=asked[role]), people=both).case
        assert signed.approvals[-1].role == role
        late = SignOff(**click(signed, "USEC1"), packet=asked[role])
        assert refused(signed, late, people=both) == "role_filled"
        assert step(signed, SignOff(**click(signed, "USEC1"), packet=asked[other]), people=both).case.state == "sending"


def test_a_filled_role_has_no_sign_off_button_left() -> None:
    case = signed_by(opened("export"), "UAGENT1", "UCOMP1")
    open_ones = [p.role for p in case.packets if p.kind == "signoff" and p.can_decide]
    assert open_ones == ["security_responder"]


def test_who_gains_a_step_in_the_middle_is_asked_to_sign_off() -> None:
    case = received("refund", written_by="UAGENT1")
    late = fire(case, "rung:backup").case
    asked = [(p.role, p.channel) for p in late.packets if p.kind == "signoff" and p.can_decide]
    assert ("support_lead", "support-escalations") in asked
    assert step(late, yes(late, "ULEAD1")).case.state == "sending"


def test_a_step_nobody_is_left_for_goes_to_the_fallback_role() -> None:
    one = people({"billing_approver": ("UBILL1",)})
    case = opened("refund", who=one)
    waiting = step(case, WriteReply(**click(case, "UBILL1"), text=TEXTS[0]), people=one).case
    assert "support_lead" in {p.role for p in waiting.packets if p.kind == "signoff"}
    assert waiting.escalations
    assert step(waiting, yes(waiting, "ULEAD1"), people=one).case.state == "sending"


def test_the_submitter_alone_in_the_role_is_nobody() -> None:
    only = people({"support_lead": ("ULEAD1",)})
    assert opened("a colleague's", who=only).state == "blocked"


def test_what_was_let_in_ends_with_the_step_it_was_for() -> None:
    """A lead who gained a simple review has gained nothing of billing's step that replaces it."""
    late = fire(received(), "rung:supervisor").case
    assert step(late, yes(late, "ULEAD1")).case.state == "approved"
    draft = replace(CONFIDENT, text=TEXTS[4])
    worse = step(late, SubmitDraft(case_id=late.id, by="api:x", draft=draft)).case
    assert worse.assessed.tier == "high"
    assert worse.gained == ()


def test_an_escalation_to_people_unblocks() -> None:
    nobody = people({"support_agent": (), "support_lead": ()})
    case = received(world=a_world(people=nobody))
    assert case.state == "blocked"
    assert fire(case, "rung:supervisor", people=people({"support_agent": ()})).case.state == "pending"


def test_a_role_that_was_only_told_can_act_once_it_gains_the_step() -> None:
    case = received("refund")
    told = replace(
        case,
        packets=(*case.packets, replace(case.packets[0], key="p9", channel="support-escalations", can_decide=False)),
    )
    late = fire(told, "rung:backup").case
    assert next(p for p in late.packets if p.key == "p9").can_decide


# --- deliveries --------------------------------------------------------------------------------------------------


def test_an_unclear_reply_goes_out_again_only_by_a_person_who_looked() -> None:
    case = sending(received())
    unclear = step(case, receipt(case, Parked)).case
    again = RedriveDelivery(case_id=case.id, by="system:cli", delivery=case.pending_reply)
    assert refused(unclear, again) == "indeterminate"


@pytest.mark.parametrize("late", [Parked, GaveUp, HeldAtGate])
def test_late_word_of_an_unclear_reply_leaves_it_to_be_settled(late: type[Any]) -> None:
    case = sending(received())
    unclear = step(case, receipt(case, Parked)).case
    after = step(unclear, receipt(case, late))
    assert after.case.state == "indeterminate"
    assert "cancelled" not in {s.status for s in after.settled}
    settle = SettleDelivery(case_id=case.id, user="UAGENT2", delivery=case.pending_reply, arrived=False)
    assert step(after.case, settle).settled[0].status == "redrive"


def test_an_outdated_reply_is_not_driven_again() -> None:
    case = sending(received())
    dead = step(case, receipt(case, GaveUp)).case
    gone = step(dead, Supersede(case_id=case.id, by="api:x", successor="c_new", reason="newer"))
    assert gone.settled[0].status == "cancelled"
    again = RedriveDelivery(case_id=case.id, by="system:cli", delivery=case.pending_reply)
    assert refused(gone.case, again) == "not_failed"
    assert step(dead, again).case.state == "sending"


def test_a_held_reply_that_had_arrived_ends_the_case() -> None:
    """Else people would approve a second answer."""
    case = sending(received())
    held = step(case, receipt(case, HeldAtGate)).case
    assert held.state == "pending"
    late = step(held, receipt(case, Delivered))
    assert (late.case.state, late.case.timers) == ("withdrawn", ())
    patch = next(p.effect for p in late.effects if isinstance(p.effect, CrmPatch))
    assert patch.properties["resolution_code"] == "answered_elsewhere"


def test_a_public_answer_stops_a_reply_that_has_not_left() -> None:
    case = sending(received())
    assert refused(case, Withdraw(case_id=case.id, by="api:x")) == "already_decided"
    stopped = step(case, Withdraw(case_id=case.id, by="api:x", answered_elsewhere=True)).case
    assert stopped.state == "withdrawn"


@pytest.mark.parametrize("trouble", [GaveUp, Parked, HeldAtGate])
def test_trouble_with_what_went_by_itself_brings_people_in(trouble: type[Any]) -> None:
    policy = policy_of("no baseline")
    case = opened("confident", policy)
    assert (case.state, case.packets) == ("sending", ())
    after = step(case, receipt(case, trouble), policy=policy).case
    assert [p.key for p in after.packets] == ["p1"]
    if trouble is HeldAtGate:
        assert {t.kind for t in after.timers} == {"rung", "expire"}
        assert step(after, yes(after, "UAGENT1"), policy=policy).case.state == "approved"


def test_what_the_guardrails_in_force_block_is_shown_and_not_approved_into_the_same_gate() -> None:
    case = sending(received())
    stricter = replace(case, drafts=(replace(case.drafts[0], text=TEXTS[4]),))
    held = step(stricter, receipt(case, HeldAtGate)).case
    assert refused(held, yes(held, "UAGENT1")) == "blocked"


# --- what callers are told and believed --------------------------------------------------------------------------


def told(outcome: Outcome) -> list[tuple[str, str]]:
    return [(p.effect.type, p.effect.data["state"]) for p in outcome.effects if isinstance(p.effect, Callback)]


def test_a_decision_is_told_when_nobody_can_take_it_back() -> None:
    case = received(callback_url="https://agent.example/hook")
    approved = step(case, yes(case, "UAGENT1"))
    assert told(approved) == [("case.updated", "approved")]
    assert told(step(approved.case, Undo(**click(approved.case, "UAGENT1")))) == [("case.updated", "pending")]
    assert told(fire(approved.case, "send")) == [("case.decided", "sending")]


@pytest.mark.parametrize(("amount", "verified"), [("240", True), ("240.00", True), ("24", False), ("", False)])
def test_a_transaction_is_verified_for_its_own_amount(amount: str, verified: bool) -> None:
    case = received("refund")
    report = ReportActionResult(case_id=case.id, by="api:x", status="succeeded", amount=amount, reference="tx")
    action = step(case, report).case.action
    assert action is not None
    assert (action.transaction_verified, action.reference) == (verified, "tx" if verified else "")


def test_an_amount_nobody_could_read_is_not_verified_by_silence() -> None:
    case = received("refund", action=Action(type="refund", amount_text="about 50"))
    action = step(case, ReportActionResult(case_id=case.id, by="api:x", status="succeeded")).case.action
    assert action is not None
    assert not action.transaction_verified


def test_feedback_reaches_a_submitter_known_by_address() -> None:
    case = received(submitted_by=Submitter(email="ULEAD1@Countersign.example"))
    no = step(case, Reject(**click(case, "UAGENT1"), category="tone", text="Kinder.", then="redraft"))
    assert [p.effect.user for p in no.effects if isinstance(p.effect, DirectMessage)] == ["ULEAD1"]


# --- bounds ------------------------------------------------------------------------------------------------------


def test_without_a_draft_there_is_nothing_to_reject_over_and_over() -> None:
    case = opened("nothing drafted")
    no = Reject(**click(case, "UAGENT1"), category="tone", text="", then="redraft")
    assert refused(case, no) == "no_draft"
    assert step(case, replace(no, then="hand_back")).case.state == "rejected"


def test_a_case_does_not_go_round_for_ever() -> None:
    case = received("refund by an agent")
    while len(case.packets) < 100:
        case = step(case, yes(case, "UAGENT2")).case
        case = step(case, Decline(**click(case, "UBILL1"), reason="No.")).case
    assert refused(case, yes(case, "UAGENT2")) == "too_many_rounds"
    assert refused(case, Edit(**click(case, "UAGENT2"), text=TEXTS[0])) == "too_many_rounds"
    end = Reject(**click(case, "UAGENT2"), category="other", text="Enough.", then="hand_back")
    assert step(case, end).case.state == "rejected"


def test_notes_and_messages_keep_the_latest() -> None:
    case = received()
    for n in range(120):
        note = AddNote(case_id=case.id, user="UAGENT1", text=f"Note {n}", click=Click(channel="C1", ts=str(n)))
        case = step(case, note).case
    assert [case.notes[0].text, case.notes[-1].text] == ["Note 20", "Note 119"]
    long = replace(case, messages=case.messages * 200)
    news = AddCustomerMessage(case_id=case.id, by="api:x", message=a_message("Hello?"), new_case_id="c_new")
    _, fresh = expand(news, long, long)
    assert len(fresh.messages) == 200  # type: ignore[union-attr]
    assert fresh.messages[-1].text == "Hello?"  # type: ignore[union-attr]


def test_a_deadline_in_the_past_expires_at_once_and_sends_no_draft() -> None:
    case = opened("late already")
    gone = step(case, FireTimer(case_id=case.id, key="expire"), now=NOW + timedelta(seconds=1)).case
    assert (gone.state, gone.timers) == ("expired", ())
