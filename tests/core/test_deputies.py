"""Who acts for whom on a case: with that person's rights, never beside them, never past their part in it (DE7)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Case, Submitter
from app.core.effects import PacketUpdate
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import AnyCommand, Approve, ByPerson, ClaimCase, Decline, Edit, HandOver, SignOff, WriteReply
from app.core.people import Deputy, People
from app.core.policy import Policy, compile_policy
from app.core.stages import acting_roles, eligible
from app.core.world import World
from tests.core.policies import with_risk
from tests.make import NOW, a_person, people
from tests.scenes import SHIPPED, a_world, after, received

TEXT = "We looked into it and will write again tomorrow."


def away(of: str, to: str, *roles: str, known: People | None = None) -> People:
    known = known or people()
    lent = roles or tuple(known.roles_of(of))
    return replace(known, deputies=(*known.deputies, Deputy(of=of, to=to, roles=frozenset(lent))))


BILL_AWAY = away("UBILL1", "ULEAD1")


def by(kind: type[ByPerson], case: Case, user: str, **more: Any) -> Any:
    return kind(case_id=case.id, user=user, seen=case.request_hash, **more)


def world(known: People, policy: Policy = SHIPPED) -> World:
    return a_world(people=known, policy=policy)


def refused(case: Case, command: AnyCommand, known: People, policy: Policy = SHIPPED) -> str:
    with pytest.raises(Refused) as why:
        decide(case, command, world(known, policy))
    return why.value.code


def a_refund() -> Case:
    """It waits for billing's sign-off; UAGENT1 wrote the reply."""
    return received("refund", written_by="UAGENT1")


def test_a_deputy_signs_off_and_the_record_says_for_whom() -> None:
    case = a_refund()
    assert refused(case, by(SignOff, case, "ULEAD1"), people()) == "not_in_role"
    outcome = decide(case, by(SignOff, case, "ULEAD1"), world(BILL_AWAY))
    given = outcome.case.approvals[-1]
    assert (given.user, given.role, given.instead_of) == ("ULEAD1", "billing_approver", "UBILL1")
    signed = next(e for e in outcome.events if e.type == "SignedOff")
    assert signed.data["instead_of"] == "UBILL1"
    assert outcome.case.state == "sending"


def test_who_holds_the_role_acts_in_their_own_right() -> None:
    case = a_refund()
    done = after(case, by(SignOff, case, "UBILL2"), world=world(away("UBILL1", "UBILL2")))
    assert done.approvals[-1].instead_of == ""


def test_a_decline_says_for_whom_too() -> None:
    case = a_refund()
    outcome = decide(case, by(Decline, case, "ULEAD1", reason="Wrong amount."), world(BILL_AWAY))
    assert next(e for e in outcome.events if e.type == "Declined").data["instead_of"] == "UBILL1"


def test_the_deputy_is_asked_and_who_is_away_may_still_act() -> None:
    case = a_refund()
    assert {p.user_id for p in eligible(case, BILL_AWAY)} == {"ULEAD1", "UBILL2"}
    assert after(case, by(SignOff, case, "UBILL1"), world=world(BILL_AWAY)).state == "sending"


def test_who_is_away_is_asked_where_the_deputy_cannot_act() -> None:
    case = a_refund()
    agent_acts = away("UBILL1", "UAGENT1")  # who wrote the text
    assert {p.user_id for p in eligible(case, agent_acts)} == {"UBILL1", "UBILL2"}


def test_a_right_that_the_one_away_lost_is_nobodys() -> None:
    case = a_refund()
    moved_on = replace(BILL_AWAY, roles={**BILL_AWAY.roles, "billing_approver": frozenset({"UBILL2"})})
    assert refused(case, by(SignOff, case, "ULEAD1"), moved_on) == "not_in_role"
    left = replace(BILL_AWAY, persons={**BILL_AWAY.persons, "UBILL1": a_person("UBILL1", deleted=True)})
    assert refused(case, by(SignOff, case, "ULEAD1"), left) == "not_in_role"


def test_a_deputy_who_left_or_became_a_guest_acts_for_nobody() -> None:
    case = a_refund()
    for gone in (a_person("ULEAD1", deleted=True), a_person("ULEAD1", is_guest=True)):
        known = replace(BILL_AWAY, persons={**BILL_AWAY.persons, "ULEAD1": gone})
        assert refused(case, by(SignOff, case, "ULEAD1"), known) == "not_allowed"


def test_it_is_not_passed_on() -> None:
    case = a_refund()
    chain = away("ULEAD1", "USPEC1", "support_lead", "billing_approver", known=BILL_AWAY)
    assert refused(case, by(SignOff, case, "USPEC1"), chain) == "not_in_role"


# --- nobody on both sides, nobody twice ----------------------------------------------------------------------------


def test_the_author_cannot_sign_off_as_a_deputy() -> None:
    case = a_refund()
    assert refused(case, by(SignOff, case, "UAGENT1"), away("UBILL1", "UAGENT1")) == "already_signed"


def test_the_deputy_of_the_author_cannot_sign_off_for_them() -> None:
    case = received("refund", written_by="UBILL1")
    known = away("UBILL1", "ULEAD1")
    assert refused(case, by(SignOff, case, "ULEAD1"), known) == "delegator_involved"
    assert eligible(case, known) == eligible(case, people())


def test_nor_can_the_submitter_have_a_deputy_decide() -> None:
    case = received("refund by an agent", submitted_by=Submitter(slack_user="UBILL1"))
    case = after(case, by(WriteReply, case, "UAGENT2", text=TEXT))
    assert refused(case, by(SignOff, case, "ULEAD1"), BILL_AWAY) == "delegator_involved"


def test_nor_can_the_submitter_decide_as_a_deputy() -> None:
    case = received("refund by an agent", submitted_by=Submitter(slack_user="ULEAD1"), written_by="UAGENT2")
    assert refused(case, by(SignOff, case, "ULEAD1"), BILL_AWAY) == "own_submission"


TWO = compile_policy(
    with_risk(
        stages=[
            {"id": "first", "label": "First", "any_of": ["support_agent", "support_lead"]},
            {"id": "second", "label": "Second", "any_of": ["support_agent", "support_lead"]},
        ]
    )
)


def two_steps() -> Case:
    return received("shipping", world=world(people(), TWO))


def approve(case: Case, user: str, known: People) -> Case:
    return after(case, by(Approve, case, user, checklist=case.assessed.checklist), world=world(known, TWO))


def test_a_deputy_and_who_is_away_are_not_two_people() -> None:
    known = away("ULEAD1", "USPEC1")
    once = approve(two_steps(), "USPEC1", known)
    assert once.approvals[-1].instead_of == "ULEAD1"
    assert refused(once, by(SignOff, once, "ULEAD1"), known, TWO) == "already_signed"
    own_first = approve(two_steps(), "ULEAD1", known)
    assert refused(own_first, by(SignOff, own_first, "USPEC1"), known, TWO) == "delegator_involved"


def test_not_even_when_the_delegation_ended_in_between() -> None:
    once = approve(two_steps(), "USPEC1", away("ULEAD1", "USPEC1"))
    assert refused(once, by(SignOff, once, "ULEAD1"), people(), TWO) == "already_signed"


def test_not_even_through_another_deputy() -> None:
    once = approve(two_steps(), "USPEC1", away("ULEAD1", "USPEC1"))
    assert refused(once, by(SignOff, once, "USPEC2"), away("ULEAD1", "USPEC2"), TWO) == "delegator_involved"


def test_one_deputy_of_two_people_counts_once() -> None:
    known = away("ULEAD2", "USPEC1", known=away("ULEAD1", "USPEC1"))
    once = approve(two_steps(), "USPEC1", known)
    assert refused(once, by(SignOff, once, "USPEC1"), known, TWO) == "already_signed"


def test_a_deputy_who_cannot_stand_for_the_one_stands_for_the_other() -> None:
    known = away("ULEAD2", "USPEC1", known=away("ULEAD1", "USPEC1"))
    once = approve(two_steps(), "ULEAD1", known)
    done = after(once, by(SignOff, once, "USPEC1"), world=world(known, TWO))
    assert done.approvals[-1].instead_of == "ULEAD2"


BOTH = compile_policy(with_risk(stages=[{"id": "both", "label": "Both", "each": ["support_lead", "billing_approver"]}]))


def test_who_could_act_in_two_roles_counts_for_the_one_that_is_missing() -> None:
    case = received("shipping", world=world(people(), BOTH))
    approved = by(Approve, case, "ULEAD2", checklist=case.assessed.checklist)
    once = after(case, approved, world=world(people(), BOTH))
    click = by(Approve, once, "ULEAD1", checklist=once.assessed.checklist)
    assert refused(once, click, people(), BOTH) == "role_filled"
    done = after(once, click, world=world(BILL_AWAY, BOTH))
    assert [(a.role, a.instead_of) for a in done.approvals] == [("support_lead", ""), ("billing_approver", "UBILL1")]


def test_an_edit_by_a_deputy_counts_for_the_one_they_act_for() -> None:
    known = away("ULEAD1", "USPEC1")
    case = two_steps()
    edited = after(
        case, by(Edit, case, "USPEC1", text=TEXT, checklist=case.assessed.checklist), world=world(known, TWO)
    )
    assert [a.instead_of for a in edited.approvals] == ["ULEAD1"]
    assert refused(edited, by(SignOff, edited, "ULEAD1"), known, TWO) == "already_signed"


# --- what stands in open cases ---------------------------------------------------------------------------------------


def test_an_edit_says_for_whom_it_counts_though_ones_own_role_is_a_later_one() -> None:
    steps = [
        {"id": "first", "label": "First", "any_of": ["support_agent"]},
        {"id": "last", "label": "Last", "any_of": ["billing_approver"]},
    ]
    policy = compile_policy(with_risk(stages=steps))
    known = away("UAGENT2", "UBILL2", "support_agent")
    case = received("refund", world=world(people(), policy))
    case = after(case, by(WriteReply, case, "UAGENT1", text=TEXT), world=world(known, policy))
    assert case.state == "awaiting_signoff"
    outcome = decide(case, by(Edit, case, "UBILL2", text=f"{TEXT} Kind regards."), world(known, policy))
    assert outcome.case.approvals[-1].instead_of == "UAGENT2"
    assert next(e for e in outcome.events if e.type == "Edited").data["instead_of"] == "UAGENT2"


def test_an_open_case_says_who_is_asked_now_and_gives_up_the_claim() -> None:
    case = a_refund()
    claimed = after(case, ClaimCase(case_id=case.id, user="UBILL1"))
    handed = HandOver(case_id=case.id, by="slack:UBILL1", of="UBILL1", to="ULEAD1", until=NOW + timedelta(days=1))
    outcome = decide(claimed, handed, world(BILL_AWAY))
    assert outcome.case.claim is None
    assert outcome.events[0].type == "CaseHandedOver"
    assert outcome.events[0].data["to"] == "ULEAD1"
    assert any(isinstance(p.effect, PacketUpdate) for p in outcome.effects)
    assert after(outcome.case, by(SignOff, outcome.case, "ULEAD1"), world=world(BILL_AWAY)).state == "sending"


def test_somebody_elses_claim_stays() -> None:
    case = a_refund()
    claimed = after(case, ClaimCase(case_id=case.id, user="UBILL2"))
    handed = HandOver(case_id=case.id, by="slack:UBILL1", of="UBILL1", to="ULEAD1", until=NOW + timedelta(days=1))
    assert decide(claimed, handed, world(BILL_AWAY)).case.claim == claimed.claim


def test_acting_roles_are_ones_own_and_those_lent() -> None:
    assert acting_roles("ULEAD1", BILL_AWAY) == people().roles_of("ULEAD1") | {"billing_approver"}
    assert acting_roles("UAGENT1", BILL_AWAY) == people().roles_of("UAGENT1")
