"""Roles that are looked up for each case: asked by an effect, answered by a receipt, never waited for long (DE6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Case, Submitter
from app.core.effects import AnyEffect, DirectMessage, HelpdeskReply, Outcome, RoleLookup, ThreadReply
from app.core.errors import PolicyError, Refused
from app.core.machine import decide
from app.core.messages import (
    AnyCommand,
    Approve,
    FireTimer,
    Reject,
    Reopen,
    RoleResolved,
    RoleUnresolved,
    SignOff,
    WriteReply,
)
from app.core.people import People
from app.core.policy import compile_policy
from tests.core.policies import OWNER, owner_signs_off, with_roles
from tests.make import NOW, a_draft, a_person, people
from tests.scenes import a_world, receive

LATER = NOW + timedelta(seconds=10)
TEXT = "Thank you for writing. A colleague looks at it today."
ANSWER = {"role": "vip_manager", "source": "file"}


def directory(*more: Any) -> People:
    """Nobody holds the role in Slack: who it is depends on the case."""
    who = people(None, *more)
    return replace(who, roles={role: users for role, users in who.roles.items() if role != "vip_manager"})


def world(*stages: str, now: Any = NOW, who: People | None = None, **changes: Any) -> Any:
    return a_world(now, owner_signs_off(*stages, **changes), people=who or directory())


def step(case: Case, command: AnyCommand, where: Any = None) -> Outcome:
    return decide(case, command, where or world())


def answer(case: Case, *users: str, **changes: Any) -> RoleResolved:
    return RoleResolved(
        **{"case_id": case.id, "delivery": case.lookups[0].delivery, "users": users, **ANSWER, **changes}
    )


def no_answer(case: Case) -> RoleUnresolved:
    return RoleUnresolved(case_id=case.id, delivery=case.lookups[0].delivery, role="vip_manager", error="It is down.")


def time_up(case: Case, where: Any) -> Outcome:
    timer = next(t for t in case.timers if t.kind == "role")
    assert timer.due_at == LATER
    return decide(case, FireTimer(case_id=case.id, key=timer.key), replace(where, now=LATER))


def click(case: Case, user: str) -> dict[str, str]:
    return {"case_id": case.id, "user": user, "seen": case.request_hash}


def effects(outcome: Outcome, kind: type[AnyEffect]) -> list[Any]:
    return [p.effect for p in outcome.effects if isinstance(p.effect, kind)]


def told(outcome: Outcome, kind: str) -> list[Any]:
    return [e for e in effects(outcome, ThreadReply) + effects(outcome, DirectMessage) if e.kind == kind]


def recorded(outcome: Outcome, kind: str) -> list[dict[str, Any]]:
    return [dict(event.data) | {"reason": event.reason} for event in outcome.events if event.type == kind]


def signs_off(case: Case, user: str, where: Any = None) -> Outcome:
    return step(case, SignOff(**click(case, user)), where)


def code(case: Case, user: str, where: Any = None) -> str:
    with pytest.raises(Refused) as why:
        step(case, (SignOff if case.state == "awaiting_signoff" else Approve)(**click(case, user)), where)
    return why.value.code


# --- asking ------------------------------------------------------------------------------------------------------


def test_a_case_asks_once_who_its_dynamic_role_is_and_nobody_stands_in_meanwhile() -> None:
    outcome = receive(world=world())
    (asked,) = [p for p in outcome.effects if isinstance(p.effect, RoleLookup)]
    assert asked.effect == RoleLookup(role="vip_manager", resolver="account_owner")
    assert asked.destination == "roles"
    assert asked.lane == asked.id, "nothing waits behind it"
    assert [e["role"] for e in recorded(outcome, "RoleLookupStarted")] == ["vip_manager"]
    case = outcome.case
    assert (case.state, case.gained) == ("pending", ())
    rewritten = step(case, WriteReply(**click(case, "UAGENT1"), text=TEXT))
    assert effects(rewritten, RoleLookup) == []


def test_a_case_that_goes_to_no_dynamic_role_asks_nothing() -> None:
    outcome = receive(world=world("first"))
    assert effects(outcome, RoleLookup) == []
    assert {t.kind for t in outcome.case.timers} == {"rung", "expire"}


# --- an answer ---------------------------------------------------------------------------------------------------


def test_who_is_named_is_recorded_told_and_may_sign_off() -> None:
    case = receive(world=world()).case
    outcome = step(case, answer(case, "UVIP2"))
    (event,) = recorded(outcome, "RoleResolved")
    assert (event["users"], event["source"], event["late"]) == (["UVIP2"], "file", False)
    assert told(outcome, "resolved")[0].data["users"] == ["UVIP2"]
    assert told(outcome, "asked") == [], "not before it is their turn"
    assert not any(t.kind == "role" for t in outcome.case.timers)
    approved = step(outcome.case, Approve(**click(outcome.case, "UAGENT1")))
    assert [m.user for m in told(approved, "asked")] == ["UVIP2"]
    assert code(approved.case, "UVIP1") == "not_in_role"
    signed = signs_off(approved.case, "UVIP2").case
    assert signed.state == "approved"
    assert signed.approvals[-1].role == "vip_manager"


def test_a_decision_is_judged_on_who_was_recorded_whatever_the_directory_says_of_the_role_since() -> None:
    case = receive(world=world()).case
    case = step(case, answer(case, "UVIP2")).case
    case = step(case, Approve(**click(case, "UAGENT1"))).case
    others = directory()
    others = replace(others, roles={**others.roles, "vip_manager": frozenset({"UVIP1"})})
    where = world(who=others)
    assert code(case, "UVIP1", where) == "not_in_role"
    assert signs_off(case, "UVIP2", where).case.state == "approved"


def test_nobody_holds_a_looked_up_role_while_the_directory_cannot_be_read() -> None:
    case = receive(world=world()).case
    case = step(case, answer(case, "UVIP2")).case
    case = step(case, Approve(**click(case, "UAGENT1"))).case
    assert code(case, "UVIP2", world(who=replace(directory(), roles={}))) == "not_in_role"


def test_an_address_names_every_account_that_has_it_and_no_account_is_made_up() -> None:
    second = a_person("UVIP2B", email="UVIP2@Countersign.example")
    where = world(who=directory(second))
    case = receive(world=where).case
    outcome = step(case, answer(case, " uvip2@COUNTERSIGN.example", "gone@acme.example", "W404"), where)
    (event,) = recorded(outcome, "RoleResolved")
    assert sorted(event["users"]) == ["UVIP2", "UVIP2B"]
    assert event["unknown"] == ["g…@acme.example", "W404"], "no address of somebody who is not here"


# --- nobody ------------------------------------------------------------------------------------------------------


def nobody_named(case: Case, where: Any) -> Outcome:
    return step(case, answer(case), where)


def stranger_named(case: Case, where: Any) -> Outcome:
    return step(case, answer(case, "gone@acme.example"), where)


def deactivated_named(case: Case, where: Any) -> Outcome:
    return step(case, answer(case, "UGONE"), where)


def guest_and_bot_named(case: Case, where: Any) -> Outcome:
    return step(case, answer(case, "UGUEST", "UBOT"), where)


def resolver_failed(case: Case, where: Any) -> Outcome:
    return step(case, no_answer(case), where)


NOBODY = [nobody_named, stranger_named, deactivated_named, guest_and_bot_named, resolver_failed, time_up]


@pytest.mark.parametrize("outcome_of", NOBODY, ids=lambda f: f.__name__)
def test_where_nobody_is_found_the_roles_backup_is_asked_and_told(outcome_of: Any) -> None:
    where = world(who=directory(a_person("UGONE", deleted=True)))
    outcome = outcome_of(receive(world=where).case, where)
    case = outcome.case
    assert (1, "specialist", "vip_manager") in case.gained
    assert "specialist-review" in {p.channel for p in case.packets}
    assert effects(outcome, HelpdeskReply) == []
    assert told(outcome, "escalated")[0].data["role"] == "specialist"
    assert told(outcome, "unresolved") or told(outcome, "resolved")[0].data["able"] is False
    case = step(case, Approve(**click(case, "UAGENT1")), where).case
    assert signs_off(case, "USPEC1", where).case.state == "approved"


@pytest.mark.parametrize(
    ("empty", "stands_in"),
    [
        (("specialist",), "executive_approver"),
        (("specialist", "executive_approver"), "support_lead"),
    ],
)
def test_after_the_backup_comes_the_manager_and_then_the_fallback_role(empty: tuple[str, ...], stands_in: str) -> None:
    who = replace(directory(), roles={r: frozenset() if r in empty else u for r, u in directory().roles.items()})
    where = world(who=who)
    case = nobody_named(receive(world=where).case, where).case
    assert case.gained == ((1, stands_in, "vip_manager"),)


def test_with_nobody_anywhere_the_case_is_blocked_somebody_is_told_and_only_a_holding_message_goes() -> None:
    where = world("owner", who=replace(directory(), roles={"support_ops_owner": frozenset({"UOPS1"})}))
    case = receive(world=where, draft=a_draft(confidence=1.0)).case
    assert case.state == "pending", "it is not known yet that there is nobody"
    outcome = resolver_failed(case, where)
    case = outcome.case
    assert case.state == "blocked"
    assert "support-escalations" in {p.channel for p in case.packets}
    assert "nobody can stand in" in told(outcome, "escalated")[0].data["reason"]
    assert "It is down." in told(outcome, "unresolved")[0].data["error"]
    again = step(case, no_answer(case), where)
    assert told(again, "escalated") == []
    expire = next(t for t in case.timers if t.kind == "expire")
    ended = decide(case, FireTimer(case_id=case.id, key="expire"), replace(where, now=expire.due_at))
    assert ended.case.state == "expired"
    assert [r.kind for r in effects(ended, HelpdeskReply)] in ([], ["holding"])


def test_somebody_found_late_opens_a_blocked_case() -> None:
    nowhere = world("owner", who=replace(directory(), roles={"support_ops_owner": frozenset({"UOPS1"})}))
    case = time_up(receive(world=nowhere).case, nowhere).case
    assert case.state == "blocked"
    outcome = step(case, answer(case, "UVIP1"), nowhere)
    assert outcome.case.state == "pending"
    assert [m.user for m in told(outcome, "asked")] == ["UVIP1"]
    assert step(outcome.case, Approve(**click(outcome.case, "UVIP1")), nowhere).case.state == "approved"


def test_an_answer_that_comes_after_the_backup_was_asked_still_counts_beside_it() -> None:
    case = time_up(receive(world=world()).case, world()).case
    case = step(case, answer(case, "UVIP1")).case
    case = step(case, Approve(**click(case, "UAGENT1"))).case
    assert signs_off(case, "UVIP1").case.state == "approved"
    assert signs_off(case, "USPEC1").case.state == "approved"


def test_whoever_submitted_the_case_is_not_the_one_who_signs_it_off_though_they_own_the_account() -> None:
    own = {
        "draft": a_draft(TEXT, author="human", author_id=""),
        "submitted_by": Submitter(email="UVIP1@countersign.example"),
    }
    case = receive(world=world(), **own).case
    outcome = step(case, answer(case, "UVIP1"))
    assert told(outcome, "resolved")[0].data["able"] is False
    assert outcome.case.gained == ((1, "specialist", "vip_manager"),)
    case = step(outcome.case, Approve(**click(outcome.case, "ULEAD1"))).case
    assert code(case, "UVIP1") == "own_submission"


# --- repeats, ends, and cases that begin again ---------------------------------------------------------------------


def test_a_second_answer_changes_nothing() -> None:
    case = receive(world=world()).case
    once = step(case, answer(case, "UVIP2")).case
    twice = step(once, answer(case, "UVIP1"))
    assert twice.case.resolved == once.resolved
    assert recorded(twice, "RoleResolved")[0]["late"] is True
    assert told(twice, "resolved") == []


def test_an_answer_to_a_case_that_is_over_is_recorded_and_troubles_nobody() -> None:
    case = receive(world=world()).case
    ended = step(case, Reject(**click(case, "UAGENT1"), category="wrong_facts", text="No.", then="hand_back")).case
    assert ended.timers == ()
    for receipt in (answer(case, "UVIP2"), no_answer(case)):
        outcome = step(ended, receipt)
        assert outcome.case.state == "rejected"
        assert effects(outcome, ThreadReply) + effects(outcome, DirectMessage) == []


def test_a_reopened_case_asks_anew() -> None:
    case = receive(world=world()).case
    case = step(case, answer(case, "UVIP2")).case
    at = next(t for t in case.timers if t.kind == "expire").due_at
    case = decide(case, FireTimer(case_id=case.id, key="expire"), world(now=at)).case
    outcome = decide(case, Reopen(**click(case, "ULEAD1")), world(now=at))
    assert len(effects(outcome, RoleLookup)) == 1
    old = decide(outcome.case, answer(case, "UVIP2"), world(now=at))
    assert old.case.resolved == (), "who was on call yesterday"
    new = decide(outcome.case, answer(outcome.case, "UVIP1"), world(now=at))
    assert [r.users for r in new.case.resolved] == [("UVIP1",)]


# --- quietly -----------------------------------------------------------------------------------------------------


def test_who_must_not_be_pinged_is_looked_up_and_may_decide_in_silence() -> None:
    where = world(notify=False)
    case = receive(world=where).case
    found = step(case, answer(case, "UVIP2"), where)
    approved = step(found.case, Approve(**click(found.case, "UAGENT1")), where)
    for outcome in (found, approved):
        assert all(not reply.mentions for reply in effects(outcome, ThreadReply))
        assert effects(outcome, DirectMessage) == []
    assert signs_off(approved.case, "UVIP2", where).case.state == "approved"


# --- policy ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["fallback_role", "owners"])
def test_roles_that_no_case_is_there_to_look_up_have_people_of_their_own(key: str) -> None:
    documents = with_roles(vip_manager=OWNER)
    value = "vip_manager" if key == "fallback_role" else {**documents.roles["owners"], "risk": "vip_manager"}
    with pytest.raises(PolicyError) as error:
        compile_policy(replace(documents, roles={**documents.roles, key: value}))
    assert any(p.key.startswith(key) and "looked up" in p.message for p in error.value.problems)
