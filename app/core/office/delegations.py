"""Delegation: for a while somebody else acts in one's place (DE7). One level, no loops, told to both."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from app.core.effects import PersonalNotice
from app.core.errors import Refused
from app.core.office.change import OfficeChange
from app.core.office.values import Delegate, Delegation, EndDelegation, OfficeWorld

LONGEST = timedelta(days=60)
SOONEST = timedelta(minutes=5)
MOST = 200  # at one time, in the whole workspace


def delegate(change: OfficeChange, command: Delegate) -> None:
    world, since = change.world, _period(change, command)
    roles = _roles(command, world)
    own, other = world.people.find(command.user), world.people.find(command.to)
    if own.keys & other.keys:
        raise Refused("own_delegate", "Name somebody else: you cannot stand in for yourself.")
    for known in change.office.delegations:
        if known.until <= since or command.until <= known.since:
            continue
        absent = {known.person, *world.people.find(known.user).keys}
        if own.keys & absent:
            raise Refused("delegated", f"You delegated to {_name(known.to, world)} already; end that first.")
        if other.keys & absent:
            raise Refused(
                "delegate_away",
                f"{_name(command.to, world)} delegated to somebody else in that time: name another person.",
            )
        if own.keys & {known.to_person, *world.people.find(known.to).keys}:
            raise Refused(
                "delegate_chain",
                f"You stand in for {_name(known.user, world)} in that time: end that first, or ask them to name "
                "somebody else.",
            )
    if len(change.office.delegations) >= MOST:
        raise Refused("too_many", "There are too many delegations already; an owner has to end some.")
    made = Delegation(
        id=f"d{change.office.version + 1}",
        user=command.user,
        person=own.key,
        to=command.to,
        to_person=other.key,
        roles=roles,
        since=since,
        until=command.until,
        begun=since <= change.now,
    )
    change.set(delegations=(*change.office.delegations, made))
    change.record(
        "Delegated",
        to=command.to,
        roles=list(roles),
        since=since.isoformat(),
        until=command.until.isoformat(),
    )
    change.send(PersonalNotice(user=command.to, kind="delegated", data=_said(made)))


def tidy(change: OfficeChange) -> None:
    """Those that begin or end by the clock; the deputy hears of both, the other of the end."""
    past = tuple(d for d in change.office.delegations if d.until <= change.now)
    come = tuple(d for d in change.office.delegations if not d.begun and d.since <= change.now < d.until)
    if not past and not come:
        raise Refused("unchanged", "No delegation begins or ends now.")
    for known in past:
        _over(change, known, "Its time is over.")
    for known in come:
        begun = replace(known, begun=True)
        change.set(delegations=tuple(begun if d is known else d for d in change.office.delegations))
        change.record("DelegationBegun", delegation=known.id, of=known.user, to=known.to)
        change.send(PersonalNotice(user=known.to, kind="delegated", data=_said(begun)))


def end(change: OfficeChange, command: EndDelegation) -> None:
    """By either of the two, or a lead."""
    world = change.world
    known = next((d for d in change.office.delegations if d.id == command.delegation), None)
    if known is None:
        raise Refused("unchanged", "This delegation is over already.")
    of_two = {known.person, known.to_person}.union(*(world.people.find(u).keys for u in (known.user, known.to)))
    if not world.people.find(command.user).keys & of_two and not world.people.roles_of(command.user) & world.leads:
        raise Refused("not_yours", "Only the two it is about, or a support lead, can end a delegation.")
    _over(change, known, "Ended by hand.")


def _over(change: OfficeChange, known: Delegation, reason: str) -> None:
    change.set(delegations=tuple(d for d in change.office.delegations if d.id != known.id))
    change.record("DelegationEnded", reason=reason, delegation=known.id, of=known.user, to=known.to)
    if known.since <= change.now:
        for user in (known.user, known.to):
            change.send(PersonalNotice(user=user, kind="delegation_over", data=_said(known)))


def _period(change: OfficeChange, command: Delegate) -> datetime:
    """When it begins: never in the past."""
    start = max(command.since or change.now, change.now)
    if command.until < start + SOONEST:
        raise Refused("period", "Say until when, some time ahead: /approvals delegate @user until 2026-12-01.")
    if command.until > change.now + LONGEST:
        raise Refused("period", f"A delegation lasts {LONGEST.days} days at most; choose an earlier day.")
    return start


def _roles(command: Delegate, world: OfficeWorld) -> tuple[str, ...]:
    """The roles of the one that the other could hold: a full member who decides on such cases too."""
    people = world.people
    if not people.find(command.user).may_decide:
        raise Refused("not_allowed", "Guests, bots and deactivated accounts decide nothing here, so cannot delegate.")
    if not people.find(command.to).may_decide:
        raise Refused("delegate_not_allowed", "Guests, bots and deactivated accounts cannot stand in for anybody.")
    held, theirs = people.roles_of(command.user), people.roles_of(command.to)
    own = [role for role in world.stand_ins if role in held]
    if not own:
        raise Refused("not_in_role", "You hold no role that decides on cases, so there is nothing to delegate.")
    roles = tuple(role for role in own if world.stand_ins[role] & theirs)
    if not roles:
        raise Refused(
            "delegate_not_able",
            f"{_name(command.to, world)} could not hold {' or '.join(own)}: "
            "name somebody who decides on such cases too.",
        )
    return roles


def _said(known: Delegation) -> dict[str, object]:
    return {
        "of": known.user,
        "to": known.to,
        "roles": list(known.roles),
        "since": known.since.isoformat(),
        "until": known.until.isoformat(),
    }


def _name(user: str, world: OfficeWorld) -> str:
    return world.people.find(user).name or user
