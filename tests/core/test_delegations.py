"""Who may let whom act in their place, for how long, and who hears of it (DE7)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.effects import PersonalNotice
from app.core.errors import Refused
from app.core.office import (
    Delegate,
    EndDelegation,
    Office,
    OfficeCommand,
    OfficeOutcome,
    OfficeWorld,
    TidyDelegations,
    decide_office,
)
from app.core.people import Deputy
from app.core.policy.stand_ins import stand_ins
from tests.make import NOW, people
from tests.scenes import SHIPPED

WORLD = OfficeWorld(now=NOW, people=people(), leads=frozenset({"support_lead"}), stand_ins=stand_ins(SHIPPED))
DAY = timedelta(days=1)


def asked(office: Office, command: OfficeCommand, now: datetime = NOW) -> OfficeOutcome:
    return decide_office(office, command, replace(WORLD, now=now))


def lend(user: str, to: str, **changes: Any) -> Delegate:
    return Delegate(**{"user": user, "to": to, "until": NOW + DAY, **changes})


def refused(office: Office, command: OfficeCommand, now: datetime = NOW) -> str:
    with pytest.raises(Refused) as why:
        asked(office, command, now)
    assert why.value.sentence.endswith(".")
    return why.value.code


def told(outcome: OfficeOutcome) -> list[tuple[str, str]]:
    return [(p.effect.user, p.effect.kind) for p in outcome.effects if isinstance(p.effect, PersonalNotice)]


LENT = asked(Office(), lend("UBILL1", "UBILL2")).office


def test_it_holds_from_now_until_then_and_the_deputy_is_told() -> None:
    outcome = asked(Office(), lend("UBILL1", "UBILL2"))
    assert outcome.office.deputies(NOW) == (Deputy(of="UBILL1", to="UBILL2", roles=frozenset({"billing_approver"})),)
    assert outcome.office.deputies(NOW + DAY) == ()
    assert told(outcome) == [("UBILL2", "delegated")]
    (event,) = outcome.events
    assert (event.type, event.actor, event.data["to"], event.data["roles"]) == (
        "Delegated",
        "slack:UBILL1",
        "UBILL2",
        ["billing_approver"],
    )


def test_only_roles_that_the_other_could_hold_are_lent() -> None:
    outcome = asked(Office(), lend("ULEAD1", "UBILL1"))
    (lent,) = outcome.office.delegations
    assert lent.roles == ("support_lead",)
    assert refused(Office(), lend("UBILL1", "UAGENT1")) == "delegate_not_able"
    assert refused(Office(), lend("ULEGAL1", "UBILL1")) == "delegate_not_able"
    assert refused(Office(), lend("ULEAD1", "UAGENT1")) == "delegate_not_able"


@pytest.mark.parametrize(
    ("user", "to", "code"),
    [
        ("UAGENT1", "UAGENT1", "own_delegate"),
        ("UAGENT1", "UAGENT1B", "own_delegate"),  # the same person's other account
        ("UAGENT1", "UGUEST", "delegate_not_allowed"),
        ("UAGENT1", "UBOT", "delegate_not_allowed"),
        ("UGUEST", "UAGENT1", "not_allowed"),
        ("UPOL1", "UBILL1", "not_in_role"),  # owners of policy files sign in person
        ("UAGENT1", "UNOBODY", "delegate_not_able"),
    ],
)
def test_who_cannot(user: str, to: str, code: str) -> None:
    assert refused(Office(), lend(user, to)) == code


@pytest.mark.parametrize(
    "changes",
    [
        {"until": NOW},
        {"until": NOW - DAY},
        {"until": NOW + timedelta(minutes=4)},
        {"until": NOW + 61 * DAY},
        {"since": NOW + 2 * DAY, "until": NOW + DAY},
    ],
)
def test_a_period_that_is_none(changes: dict[str, Any]) -> None:
    assert refused(Office(), lend("UBILL1", "UBILL2", **changes)) == "period"


def test_a_beginning_in_the_past_is_now() -> None:
    (lent,) = asked(Office(), lend("UBILL1", "UBILL2", since=NOW - DAY)).office.delegations
    assert lent.since == NOW


@pytest.mark.parametrize(
    ("user", "to", "code"),
    [
        ("UBILL1", "UBILL2", "delegated"),  # twice
        ("ULEAD1", "UBILL1", "delegate_away"),  # who is away cannot stand in
        ("UBILL2", "ULEAD1", "delegate_chain"),  # nor can a deputy pass it on
        ("UBILL2", "UBILL1", "delegate_away"),  # nor give it back: a loop
    ],
)
def test_one_level_and_no_loops(user: str, to: str, code: str) -> None:
    assert refused(LENT, lend(user, to)) == code


def test_another_account_of_the_same_person_does_not_get_round_that() -> None:
    lent = asked(Office(), lend("UAGENT1B", "UAGENT2")).office
    assert refused(lent, lend("UAGENT3", "UAGENT1")) == "delegate_away"
    assert refused(lent, lend("UAGENT1", "UAGENT3")) == "delegated"


def test_what_follows_in_time_is_no_chain() -> None:
    later = lend("UBILL2", "UBILL1", since=NOW + DAY, until=NOW + 2 * DAY)
    office = asked(LENT, later).office
    assert office.deputies(NOW + DAY) == (Deputy(of="UBILL2", to="UBILL1", roles=frozenset({"billing_approver"})),)


def test_one_that_begins_later_is_said_when_it_begins_and_both_hear_its_end() -> None:
    begins, ends = NOW + DAY, NOW + 2 * DAY
    waiting = asked(Office(), lend("UBILL1", "UBILL2", since=begins, until=ends))
    assert waiting.office.deputies(NOW) == ()
    assert refused(waiting.office, TidyDelegations()) == "unchanged"
    begun = asked(waiting.office, TidyDelegations(), begins)
    assert [e.type for e in begun.events] == ["DelegationBegun"]
    assert told(begun) == [("UBILL2", "delegated")]
    assert refused(begun.office, TidyDelegations(), begins + timedelta(hours=1)) == "unchanged"
    over = asked(begun.office, TidyDelegations(), ends)
    assert over.office.delegations == ()
    assert [(e.type, e.reason) for e in over.events] == [("DelegationEnded", "Its time is over.")]
    assert told(over) == [("UBILL1", "delegation_over"), ("UBILL2", "delegation_over")]


def test_one_whose_whole_time_passed_while_nothing_ran_ends_without_beginning() -> None:
    waiting = asked(Office(), lend("UBILL1", "UBILL2", since=NOW + DAY, until=NOW + 2 * DAY)).office
    late = asked(waiting, TidyDelegations(), NOW + 7 * DAY)
    assert [e.type for e in late.events] == ["DelegationEnded"]


@pytest.mark.parametrize("user", ["UBILL1", "UBILL2", "ULEAD2"])
def test_either_of_the_two_or_a_lead_ends_it(user: str) -> None:
    (lent,) = LENT.delegations
    over = asked(LENT, EndDelegation(user=user, delegation=lent.id))
    assert over.office.deputies(NOW) == ()
    assert {user for user, _ in told(over)} == {"UBILL1", "UBILL2"}


def test_nobody_else_does_and_not_twice() -> None:
    (lent,) = LENT.delegations
    assert refused(LENT, EndDelegation(user="UAGENT1", delegation=lent.id)) == "not_yours"
    assert refused(Office(), EndDelegation(user="UBILL1", delegation=lent.id)) == "unchanged"


def test_one_that_is_taken_back_before_it_begins_is_nobodys_news() -> None:
    waiting = asked(Office(), lend("UBILL1", "UBILL2", since=NOW + DAY, until=NOW + 2 * DAY)).office
    over = asked(waiting, EndDelegation(user="UBILL1", delegation=waiting.delegations[0].id))
    assert told(over) == []


def test_each_has_an_id_of_its_own() -> None:
    both = asked(LENT, lend("ULEGAL1", "ULEGAL2")).office
    assert len({d.id for d in both.delegations}) == 2
