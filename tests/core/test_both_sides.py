"""Nobody stands on both sides of a case, however they try; and a quiet role decides without ever being pinged."""

from __future__ import annotations

from decimal import Decimal
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Action, Case, Submitter
from app.core.effects import AnyEffect, DirectMessage, Outcome, ThreadReply
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import (
    AnyCommand,
    Approve,
    ClaimCase,
    Decline,
    Edit,
    FireTimer,
    OverrideGuardrail,
    Reject,
    SignOff,
    WriteReply,
)
from app.core.people import People, Person
from app.core.policy import Policy, compile_policy
from tests.core.policies import with_roles
from tests.make import NOW, a_draft, a_person, people
from tests.scenes import SHIPPED, a_world, receive

TEXT = "Thank you for the photos. A colleague checks your order and writes to you today."
OTHER = "Thank you for the photos. We look at your order and write again tomorrow."
REFUND = Action(type="refund", amount=Decimal("240"), currency="EUR")
MAIL = "mo@countersign.example"


def twins(one: dict[str, Any] | None = None, other: dict[str, Any] | None = None) -> People:
    """Mo has two accounts, and with either of them every role of a refund."""
    mo = [a_person(user, **{"email": MAIL, **(changes or {})}) for user, changes in (("UMO", one), ("WMO", other))]
    accounts = ("UMO", "WMO")
    roles = {r: (*sorted(people().roles[r]), *accounts) for r in ("support_agent", "billing_approver", "support_lead")}
    return people(roles, *mo)


# One person behind two accounts, as Slack may show them.
SAME: dict[str, People] = {
    "one address": twins(),
    "another case": twins({"email": "Mo@Countersign.Example"}),
    "ids of an Enterprise Grid, address hidden": twins({"email": "", "enterprise_id": "WMO"}, {"email": ""}),
    "ids of an Enterprise Grid, address hidden once": twins({"enterprise_id": "WMO"}, {"email": ""}),
    "both known to the organization": twins({"email": "", "enterprise_id": "W1"}, {"email": "", "enterprise_id": "W1"}),
}


def world(who: People, policy: Policy = SHIPPED) -> Any:
    return a_world(NOW, policy, people=who)


def click(case: Case, user: str) -> dict[str, str]:
    return {"case_id": case.id, "user": user, "seen": case.request_hash}


def code(case: Case, command: AnyCommand, who: People) -> str:
    with pytest.raises(Refused) as why:
        decide(case, command, world(who))
    return why.value.code


def attempts(case: Case, user: str) -> list[AnyCommand]:
    """All that would make this person count for the text."""
    seen = click(case, user)
    if case.state == "awaiting_signoff":
        return [SignOff(**seen)]
    return [Approve(**seen), Edit(**seen, text=OTHER), WriteReply(**seen, text=OTHER)]


@pytest.fixture(params=sorted(SAME), ids=lambda name: name.replace(" ", "-"))
def who(request: pytest.FixtureRequest) -> People:
    return SAME[request.param]


# --- one person, two accounts --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "second"), [("UMO", "UMO"), ("UMO", "WMO"), ("WMO", "UMO")])
def test_nobody_fills_two_steps_with_two_accounts(who: People, first: str, second: str) -> None:
    case = receive("refund", world=world(who)).case
    case = decide(case, WriteReply(**click(case, first), text=TEXT), world(who)).case
    assert case.state == "awaiting_signoff"
    assert code(case, SignOff(**click(case, second)), who) in ("already_signed", "own_text")
    assert decide(case, SignOff(**click(case, "UBILL1")), world(who)).case.state == "sending"


@pytest.mark.parametrize(("first", "second"), [("UMO", "WMO"), ("WMO", "UMO")])
def test_who_edited_does_not_approve_what_they_wrote(who: People, first: str, second: str) -> None:
    case = receive("refund", draft=a_draft(TEXT, author="human", author_id=""), world=world(who)).case
    case = decide(case, Approve(**click(case, "UAGENT1")), world(who)).case
    case = decide(case, Edit(**click(case, first), text=OTHER), world(who)).case
    assert code(case, SignOff(**click(case, second)), who) in ("already_signed", "own_text")
    declined = decide(case, Decline(**click(case, "UBILL1"), reason="Wrong."), world(who)).case
    assert code(declined, Approve(**click(declined, second)), who) == "own_text"


@pytest.mark.parametrize("submitted", [Submitter(slack_user="UMO"), Submitter(slack_user="WMO")])
@pytest.mark.parametrize("user", ["UMO", "WMO"])
def test_who_submitted_the_text_or_asked_for_the_money_acts_at_no_step(
    who: People, submitted: Submitter, user: str
) -> None:
    own = a_draft(TEXT, author="human", author_id="")
    case = receive("refund", draft=own, submitted_by=submitted, world=world(who)).case
    for command in attempts(case, user):
        assert code(case, command, who) == "own_submission"
    second = decide(case, Approve(**click(case, "UAGENT1")), world(who)).case
    assert code(second, SignOff(**click(second, user)), who) == "own_submission"
    only_money = receive("refund", action=REFUND, submitted_by=submitted, world=world(who)).case
    assert code(only_money, WriteReply(**click(only_money, user), text=TEXT), who) == "own_submission"
    assert code(only_money, ClaimCase(case_id=case.id, user=user), who) == "own_submission"


@pytest.mark.parametrize("given", [MAIL, " MO@countersign.EXAMPLE "])
@pytest.mark.parametrize("user", ["UMO", "WMO"])
def test_who_submitted_by_e_mail_is_known_by_any_account_however_it_is_written(given: str, user: str) -> None:
    who = SAME["another case"]
    case = receive("refund", submitted_by=Submitter(email=given), world=world(who)).case
    assert code(case, WriteReply(**click(case, user), text=TEXT), who) == "own_submission"


def test_one_person_does_not_lift_a_guardrail_alone_with_two_accounts(who: People) -> None:
    blocked = a_draft("We have issued a refund of 240 EUR to your card.", author="human", author_id="")
    case = receive("refund", draft=blocked, world=world(who)).case
    role = next(f.overridable_by for f in case.blocking if f.overridable_by)
    who = replace(who, roles={**who.roles, role: who.roles[role] | {"UMO", "WMO"}})
    case = decide(case, OverrideGuardrail(**click(case, "UMO"), reason="It went out."), world(who)).case
    again = OverrideGuardrail(**click(case, "WMO"), reason="It went out.")
    assert code(case, again, who) == "already_signed"


# --- addresses that change while a case is open --------------------------------------------------------------------


def moved(who: People, user: str, **changes: Any) -> People:
    return replace(who, persons={**who.persons, user: replace(who.persons[user], **changes)})


MOVES: list[dict[str, Any]] = [{"email": "other@countersign.example"}, {"email": ""}]


@pytest.mark.parametrize("changes", MOVES)
@pytest.mark.parametrize("whose", ["UMO", "WMO"])
def test_a_second_account_stays_the_same_person_when_an_address_is_changed_between_two_steps(
    whose: str, changes: dict[str, Any]
) -> None:
    who = SAME["one address"]
    case = receive("refund", world=world(who)).case
    case = decide(case, WriteReply(**click(case, "UMO"), text=TEXT), world(who)).case
    later = moved(who, whose, **changes)
    for user in ("UMO", "WMO"):
        assert code(case, SignOff(**click(case, user)), later) in ("already_signed", "own_text")


@pytest.mark.parametrize("changes", MOVES)
@pytest.mark.parametrize("submitted", [Submitter(slack_user="UMO"), Submitter(email=MAIL)])
def test_who_submitted_stays_so_when_their_address_is_changed(submitted: Submitter, changes: dict[str, Any]) -> None:
    who = SAME["one address"]
    case = receive("refund", submitted_by=submitted, world=world(who)).case
    for whose in ("UMO", "WMO"):
        later = moved(who, whose, **changes)
        for user in ("UMO", "WMO"):
            assert code(case, WriteReply(**click(case, user), text=TEXT), later) == "own_submission"


def test_an_earlier_address_takes_rights_away_and_lends_none() -> None:
    """UMO leaves the address to somebody else: what Mo did stays Mo's, what the address may do goes with it."""
    who = SAME["one address"]
    case = receive("refund", world=world(who)).case
    case = decide(case, WriteReply(**click(case, "UMO"), text=TEXT), world(who)).case
    later = moved(who, "UMO", email="mo@private.example")
    later = replace(later, roles={r: users - {"UMO"} for r, users in later.roles.items()})
    assert code(case, Edit(**click(case, "UMO"), text=OTHER), later) == "not_in_role"


# --- deactivated, guests, bots -------------------------------------------------------------------------------------


@pytest.mark.parametrize("changes", [{"deleted": True}, {"is_guest": True}, {"is_bot": True}])
def test_who_may_not_decide_any_more_cannot_though_they_are_still_in_the_group(changes: dict[str, Any]) -> None:
    case = receive(world=a_world()).case
    who = people(None, a_person("UAGENT1", **changes))
    no = Reject(**click(case, "UAGENT1"), category="wrong_facts", text="No.", then="hand_back")
    for command in (Approve(**click(case, "UAGENT1")), no):
        assert code(case, command, who) == "not_allowed"
    assert decide(case, Approve(**click(case, "UAGENT2")), world(who)).case.state == "approved"


def test_a_second_live_account_of_somebody_whose_first_was_deactivated_is_still_theirs() -> None:
    who = moved(SAME["one address"], "UMO", deleted=True)
    case = receive("refund", submitted_by=Submitter(slack_user="UMO"), world=world(who)).case
    assert code(case, WriteReply(**click(case, "WMO"), text=TEXT), who) == "own_submission"


# --- may decide, is never pinged -----------------------------------------------------------------------------------


@cache
def quiet(*roles: str) -> Policy:
    return compile_policy(with_roles(**{role: {"notify": False} for role in roles}))


QUIET = ("support_agent", "support_lead", "specialist", "billing_approver", "executive_approver")


def pings(outcome: Outcome) -> set[str]:
    def of(effect: AnyEffect) -> set[str]:
        match effect:
            case ThreadReply():
                return set(effect.mentions)
            case DirectMessage():
                return {effect.user}
            case _:
                return set()

    return {user for pending in outcome.effects for user in of(pending.effect)}


def through_the_ladder(scene: str, policy: Policy) -> set[str]:
    """Everybody pinged while nobody decides, to the very end."""
    outcome = receive(scene, world=world(people(), policy))
    found = pings(outcome)
    while timers := outcome.case.timers:
        due = min(timers, key=lambda timer: (timer.due_at, timer.key))
        command = FireTimer(case_id=outcome.case.id, key=due.key)
        outcome = decide(outcome.case, command, a_world(due.due_at, policy, people=people()))
        found |= pings(outcome)
    return found


@pytest.mark.parametrize("scene", ["shipping", "refund"])
def test_a_quiet_role_is_pinged_by_no_reminder_and_no_escalation(scene: str) -> None:
    assert through_the_ladder(scene, SHIPPED), "else this shows nothing"
    assert through_the_ladder(scene, quiet(*QUIET)) == set()


def test_somebody_in_a_quiet_and_in_a_loud_role_of_the_step_is_pinged_for_the_loud_one() -> None:
    found = through_the_ladder("shipping", quiet("support_lead"))
    assert found
    assert found <= {p.user_id for p in people().members("support_agent")}


def test_a_quiet_role_decides_as_any_other() -> None:
    where = world(people(), quiet(*QUIET))
    case = receive("refund", world=where).case
    case = decide(case, WriteReply(**click(case, "UAGENT1"), text=TEXT), where).case
    signed = decide(case, SignOff(**click(case, "UBILL2")), where)
    assert signed.case.state == "sending"
    assert pings(signed) == set()


def test_a_person_is_whoever_shares_an_address_or_an_organization_id() -> None:
    same = Person(user_id="U1", email="A@b.example", enterprise_id="W1")
    assert same.keys & Person(user_id="U2", email="a@B.example").keys
    assert same.keys & Person(user_id="W1").keys
    assert not same.keys & Person(user_id="U3", email="other@b.example").keys
