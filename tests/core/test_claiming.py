"""A case that somebody has claimed: who may, what the others hear, and all the ways in which a claim ends (DE8)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Case, Submitter
from app.core.effects import PacketUpdate
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import (
    AnyCommand,
    Approve,
    ByPerson,
    ClaimCase,
    Decline,
    Edit,
    FireTimer,
    OverrideGuardrail,
    RecordView,
    Reject,
    ReleaseCase,
    SignOff,
    SubmitDraft,
    Supersede,
    Withdraw,
    WriteReply,
)
from app.core.policy import compile_policy
from tests.core.policies import with_risk
from tests.make import NOW, a_draft, a_person, people
from tests.scenes import a_world, after, received

LATER = NOW + timedelta(minutes=15)
TEXT = "We looked into it and will write again tomorrow."
# Leads are asked too, as after an escalation.
WITH_LEADS = people({"support_agent": ("UAGENT1", "UAGENT1B", "UAGENT2", "ULEAD1")})


def at(now: datetime) -> Any:
    return a_world(now, people=WITH_LEADS)


def claimed(case: Case | None = None, user: str = "UAGENT1", now: datetime = NOW) -> Case:
    case = case or received()
    return after(case, ClaimCase(case_id=case.id, user=user), world=at(now))


def refused(case: Case, command: AnyCommand, now: datetime = NOW) -> Refused:
    with pytest.raises(Refused) as why:
        decide(case, command, at(now))
    return why.value


def by(kind: type[ByPerson], case: Case, user: str, **more: Any) -> Any:
    return kind(case_id=case.id, user=user, seen=case.request_hash, **more)


def claim_timers(case: Case) -> list[datetime]:
    return [t.due_at for t in case.timers if t.kind == "claim"]


def fire_claim(case: Case, now: datetime = LATER) -> Case:
    key = next(t.key for t in case.timers if t.kind == "claim")
    return after(case, FireTimer(case_id=case.id, key=key), world=at(now))


# --- claiming ----------------------------------------------------------------------------------------------------


def test_a_claim_is_recorded_runs_as_long_as_policy_says_and_shows_on_every_packet() -> None:
    case = received("refund")
    outcome = decide(case, ClaimCase(case_id=case.id, user="UAGENT1"), at(NOW))
    claim = outcome.case.claim
    assert claim is not None
    assert (claim.user, claim.at, claim.until, claim.renewals) == ("UAGENT1", NOW, LATER, 0)
    assert claim_timers(outcome.case) == [LATER]
    assert set(case.timers) < set(outcome.case.timers)
    (event,) = outcome.events
    assert (event.type, event.actor, event.data["until"]) == ("CaseClaimed", "slack:UAGENT1", LATER.isoformat())
    updated = {p.effect.packet for p in outcome.effects if isinstance(p.effect, PacketUpdate)}
    assert updated == {p.key for p in case.packets}
    assert len(updated) > 1


def test_policy_says_how_long() -> None:
    policy = compile_policy(with_risk(claim_for="2h"))
    case = received(world=a_world(policy=policy))
    known = after(case, ClaimCase(case_id=case.id, user="UAGENT1"), world=a_world(policy=policy))
    assert claim_timers(known) == [NOW + timedelta(hours=2)]


@pytest.mark.parametrize(
    ("user", "code"),
    [
        ("UBILL1", "not_in_role"),
        ("UNOBODY", "not_in_role"),
        ("UGUEST", "not_allowed"),
        ("UBOT", "not_allowed"),
    ],
)
def test_who_could_not_act_on_the_case_cannot_claim_it(user: str, code: str) -> None:
    case = received()
    assert refused(case, ClaimCase(case_id=case.id, user=user)).code == code


def test_the_submitter_of_the_reply_cannot_claim_it() -> None:
    own = received(draft=a_draft(author="human"), submitted_by=Submitter(slack_user="UAGENT1"))
    case = replace(own, assessment=received().assessment)
    assert refused(case, ClaimCase(case_id=case.id, user="UAGENT1")).code == "own_submission"


def test_who_signed_already_cannot_claim_but_the_first_steps_people_can() -> None:
    case = received("refund", written_by="UAGENT1")
    assert case.state == "awaiting_signoff"
    assert refused(case, ClaimCase(case_id=case.id, user="UAGENT1")).code == "already_signed"
    for user in ("UAGENT2", "UBILL1"):
        assert claimed(case, user).claim is not None


# --- what the others hear ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Approve, {}),
        (Edit, {"text": TEXT}),
        (WriteReply, {"text": TEXT}),
        (Reject, {"category": "tone", "text": "No.", "then": "write"}),
        (ClaimCase, {}),
        *((RecordView, {"what": what}) for what in ("approve", "edit", "write", "reject")),
    ],
)
def test_nobody_else_acts_on_it_nor_opens_the_form_and_hears_who_does(kind: Any, more: dict[str, Any]) -> None:
    case = claimed()
    why = refused(case, by(kind, case, "UAGENT2", **more), NOW + timedelta(minutes=14))
    assert why.code == "claimed"
    assert why.sentence == "Ana Ruiz is working on this case until 09:15 UTC; ask them, or wait."


def test_nobody_else_signs_off_or_declines() -> None:
    case = claimed(received("refund", written_by="UAGENT1"), "UBILL1")
    for command in (SignOff, Decline):
        more = {"reason": "Wrong amount."} if command is Decline else {}
        assert refused(case, by(command, case, "UBILL2", **more)).code == "claimed"
        after(case, by(command, case, "UBILL1", **more))
    assert refused(case, by(RecordView, case, "UBILL2", what="decline")).code == "claimed"


def test_rights_come_first_so_that_a_stranger_learns_nothing_of_the_claim() -> None:
    case = claimed()
    assert refused(case, by(Approve, case, "UBILL1")).code == "not_in_role"


def test_a_claim_over_midnight_names_the_day() -> None:
    late = NOW.replace(hour=23, minute=50)
    case = claimed(now=late)
    assert "until 2026-03-03 00:05 UTC" in refused(case, by(Approve, case, "UAGENT2"), late).sentence


def test_looking_noting_and_overriding_stay_open_to_all() -> None:
    case = claimed()
    for what in ("history", "withheld_draft"):
        after(case, by(RecordView, case, "UAGENT2", what=what), world=at(NOW))
    blocked = received(draft=a_draft("We have issued a refund of 240 EUR to your card.", author="human"))
    word = by(OverrideGuardrail, blocked, "UBILL2", reason="Finance confirmed it.")
    assert len(after(claimed(blocked), word, world=at(NOW)).overrides) == 1


def test_two_accounts_with_one_e_mail_are_one_person() -> None:
    case = claimed(user="UAGENT1")
    assert after(case, by(Approve, case, "UAGENT1B"), world=at(NOW)).state == "approved"
    renewed = claimed(case, "UAGENT1B")
    assert renewed.claim is not None
    assert renewed.claim.renewals == 1


# --- how it ends -------------------------------------------------------------------------------------------------


def test_the_claimers_decision_ends_it() -> None:
    case = claimed()
    for command in (by(Approve, case, "UAGENT1"), by(Edit, case, "UAGENT1", text=TEXT)):
        outcome = decide(case, command, at(NOW))
        assert outcome.case.claim is None
        assert claim_timers(outcome.case) == []
        assert [e.type for e in outcome.events if e.type.startswith("Case")] == ["CaseReleased"]


def test_a_rejection_that_keeps_the_case_open_ends_it_too() -> None:
    case = claimed()
    again = after(case, by(Reject, case, "UAGENT1", category="tone", text="No.", then="write"), world=at(NOW))
    assert (again.state, again.claim, claim_timers(again)) == ("pending", None, [])
    assert {t.kind for t in again.timers} == {"expire", "rung"}


def test_the_claimer_and_a_support_lead_release_it_and_nobody_else() -> None:
    case = claimed()
    assert "Ana Ruiz or a support lead" in refused(case, ReleaseCase(case_id=case.id, user="UAGENT2")).sentence
    for user in ("UAGENT1", "UAGENT1B", "ULEAD2"):
        outcome = decide(case, ReleaseCase(case_id=case.id, user=user), at(NOW))
        assert outcome.case.claim is None
        assert set(outcome.case.timers) == set(received().timers)
        assert [(e.type, e.data["claimed_by"]) for e in outcome.events] == [("CaseReleased", "UAGENT1")]
        after(outcome.case, by(Approve, case, "UAGENT2"), world=at(NOW))


def test_there_must_be_a_claim_to_release() -> None:
    assert refused(received(), ReleaseCase(case_id=received().id, user="UAGENT1")).code == "not_claimed"


def test_it_ends_by_itself_and_leaves_the_ladder_alone() -> None:
    case = claimed()
    free = fire_claim(case)
    assert free.claim is None
    assert free.timers == received().timers
    assert free.fired == ()
    after(free, by(Approve, free, "UAGENT2"), world=at(LATER))


def test_nobody_waits_for_a_timer_that_fires_late() -> None:
    case = claimed()
    assert after(case, by(Approve, case, "UAGENT2"), world=at(LATER)).claim is None
    other = claimed(case, "UAGENT2", LATER)
    assert other.claim is not None
    assert (other.claim.user, claim_timers(other)) == ("UAGENT2", [LATER + timedelta(minutes=15)])
    old = next(t.key for t in case.timers if t.kind == "claim")
    assert refused(other, FireTimer(case_id=case.id, key=old), LATER).code == "stale_timer"


def test_nobody_waits_for_somebody_who_left() -> None:
    case = claimed()
    gone = people({"support_agent": ("UAGENT1", "UAGENT2")}, a_person("UAGENT1", deleted=True))
    world = a_world(people=gone)
    assert decide(case, by(ClaimCase, case, "UAGENT2"), world).case.claim.user == "UAGENT2"  # type: ignore[union-attr]
    approved = after(case, by(Approve, case, "UAGENT2"), world=world)
    assert (approved.state, approved.claim) == ("approved", None)


def test_it_is_renewed_four_times_in_a_row_and_no_more() -> None:
    case = claimed()
    for count in range(1, 5):
        now = NOW + count * timedelta(minutes=10)
        case = claimed(case, now=now)
        assert case.claim is not None
        assert (case.claim.renewals, claim_timers(case)) == (count, [now + timedelta(minutes=15)])
    why = refused(case, ClaimCase(case_id=case.id, user="UAGENT1"), now)
    assert why.code == "claimed_too_long"
    assert "4 times" in why.sentence


def test_it_stays_while_the_text_changes_under_it() -> None:
    case = claimed()
    changed = after(case, SubmitDraft(case_id=case.id, by="api:x", draft=a_draft("Another text.")), world=at(NOW))
    assert (changed.claim, claim_timers(changed)) == (case.claim, [LATER])
    assert refused(changed, by(Approve, changed, "UAGENT2")).code == "claimed"


@pytest.mark.parametrize(
    "command",
    [
        Withdraw(case_id="c_test000001", by="api:x"),
        Supersede(case_id="c_test000001", by="api:x", successor="c_new", reason="The customer wrote again."),
    ],
    ids=["withdrawn", "superseded"],
)
def test_it_keeps_nothing_from_ending_the_case_and_ends_with_it(command: AnyCommand) -> None:
    outcome = decide(claimed(), command, at(NOW))
    assert outcome.case.is_final
    assert (outcome.case.claim, outcome.case.timers) == (None, ())
    assert "CaseReleased" in [e.type for e in outcome.events]


def test_a_case_expires_under_a_claim() -> None:
    case = claimed(now=NOW + timedelta(hours=24, seconds=-1))
    done = after(case, FireTimer(case_id=case.id, key="expire"), world=at(NOW + timedelta(hours=24)))
    assert (done.state, done.claim, done.timers) == ("expired", None, ())


def test_an_escalation_lets_in_people_who_can_act_at_once() -> None:
    soon = NOW + timedelta(hours=4)
    case = claimed(now=soon - timedelta(minutes=1))
    higher = after(case, FireTimer(case_id=case.id, key="rung:supervisor"), world=at(soon))
    assert (higher.claim, claim_timers(higher)) == (None, [])
    assert "rung:supervisor" in higher.fired
    assert after(higher, by(Approve, higher, "ULEAD2"), world=at(soon)).state == "approved"


def test_a_reminder_leaves_it() -> None:
    soon = NOW + timedelta(hours=2)
    case = claimed(now=soon - timedelta(minutes=1))
    reminded = after(case, FireTimer(case_id=case.id, key="rung:reminder"), world=at(soon))
    assert reminded.claim == case.claim


# --- a support lead takes it over --------------------------------------------------------------------------------


def test_a_lead_who_may_act_takes_it_over_by_claiming_or_opening_a_form() -> None:
    case = claimed()
    for command in (ClaimCase(case_id=case.id, user="ULEAD1"), by(RecordView, case, "ULEAD1", what="edit")):
        outcome = decide(case, command, at(NOW + timedelta(minutes=5)))
        claim = outcome.case.claim
        assert claim is not None
        assert (claim.user, claim.renewals) == ("ULEAD1", 0)
        assert claim_timers(outcome.case) == [NOW + timedelta(minutes=20)]
        (event,) = [e for e in outcome.events if e.type == "CaseClaimed"]
        assert (event.actor, event.data["taken_from"]) == ("slack:ULEAD1", "UAGENT1")
        assert any(isinstance(p.effect, PacketUpdate) for p in outcome.effects)
        assert refused(outcome.case, by(Approve, case, "UAGENT1")).code == "claimed"


def test_a_lead_who_decides_takes_it_over_on_the_way() -> None:
    case = claimed()
    outcome = decide(case, by(Approve, case, "ULEAD1"), at(NOW))
    assert [e.type for e in outcome.events][:2] == ["CaseClaimed", "Approved"]
    assert (outcome.case.state, outcome.case.claim) == ("approved", None)


def test_a_lead_of_whom_the_case_asks_nothing_takes_nothing_over() -> None:
    case = claimed()
    assert refused(case, ClaimCase(case_id=case.id, user="ULEAD2")).code == "not_in_role"
