"""Which dynamic roles a case needs, and for how long its people wait to hear who they are (DE6)."""

from __future__ import annotations

from datetime import timedelta

from app.core.case import Case, Timer
from app.core.change import Change
from app.core.dynamic import Lookup
from app.core.effects import DirectMessage, RoleLookup
from app.core.policy import Policy
from app.core.stages import able, open_roles, roles_at

WITHIN = timedelta(seconds=10)
ASKED = 10  # people of a role who get a direct message


def look_up(change: Change) -> None:
    """Ask for each dynamic role that has a part in the case from here on, once."""
    case = change.case
    asked = {lookup.role for lookup in case.lookups}
    for role in dynamic_roles(case, change.world.policy):
        if role in asked:
            continue
        resolver = change.world.policy.roles[role].resolver
        assert resolver is not None
        delivery = change.send(RoleLookup(role=role, resolver=resolver))
        change.set(
            lookups=(*change.case.lookups, Lookup(role=role, delivery=delivery)),
            timers=(*change.case.timers, Timer(key=f"role:{delivery}", kind="role", due_at=change.now + WITHIN)),
        )
        change.record("RoleLookupStarted", role=role, resolver=resolver, delivery=delivery)


def dynamic_roles(case: Case, policy: Policy) -> tuple[str, ...]:
    """In order of need: roles of the stages still to come, the queue's own, and who could lift what blocks the text."""
    stages = range(case.stage, len(case.assessed.stages))
    named = [role for index in stages for role in roles_at(case, index)]
    named += [case.assessed.route.role]
    named += [f.overridable_by for f in case.blocking if f.overridable_by]
    specs = policy.roles
    return tuple(role for role in dict.fromkeys(named) if role in specs and specs[role].resolver)


def awaited(case: Case) -> frozenset[str]:
    """Roles whose answer may still come in time."""
    running = {timer.key for timer in case.timers if timer.kind == "role"}
    return frozenset(lookup.role for lookup in case.lookups if f"role:{lookup.delivery}" in running)


def ask_in_person(change: Change, role: str) -> None:
    """Who was looked up for one case reads no queue: they are told, once they can act."""
    case, spec = change.case, change.world.policy.roles[role]
    if not spec.resolver or not spec.notify or role not in open_roles(case, case.stage):
        return
    for person in able(case, role, change.world.people)[:ASKED]:
        change.send(DirectMessage(user=person.user_id, kind="asked", data={"role": role}))
