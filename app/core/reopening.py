"""Bringing an expired case back before people (TI2)."""

from __future__ import annotations

from app.core.asking import ask_people
from app.core.case import Case
from app.core.change import Change
from app.core.ending import patch_crm, reopen_for_people
from app.core.errors import Refused
from app.core.messages import Reopen
from app.core.people import People
from app.core.policy import Policy
from app.core.policy.steps import timed_anew
from app.core.stages import check_can_go_round, check_holds, roles_at
from app.core.surfaces import refresh, tell

LEAD = "support_lead"


def reopen(change: Change, command: Reopen) -> None:
    """Decides nothing: everybody is asked anew, on a ladder that counts from now. One open case a ticket (IN5)."""
    case, world = change.case, change.world
    role = _check_rights(case, command.user, world.people, world.policy)
    if command.seen != case.request_hash:
        raise Refused("draft_changed", "This case changed since; look at it as it is now.")
    if world.standing:
        raise Refused("superseded", f"This case is superseded by a newer case, {world.standing}: decide on that one.")
    check_can_go_round(case)
    late = case.deadline if case.deadline and case.deadline <= change.now else None
    held = (f"rung:{rung.id}" for rung in case.assessed.rungs if rung.do == "holding" and case.holding_sent)
    change.set(opened_at=change.now, deadline=None if late else case.deadline, fired=tuple(held))
    change.set(lookups=(), resolved=())  # who is on call has changed since
    change.set(assessment=timed_anew(case.assessed, world.policy, change.case, change.now))
    change.record("CaseReopened", role=role, deadline=late.isoformat() if late else "")
    tell(change, "reopened", by=command.user)
    reopen_for_people(change, "The case was reopened.")
    ask_people(change)
    patch_crm(change, final=False)
    refresh(change)


def _check_rights(case: Case, user: str, people: People, policy: Policy) -> str:
    """The role in which `user` could have decided at any step; Refused otherwise."""
    deciders = (role for index in range(len(case.assessed.stages)) for role in roles_at(case, index))
    return check_holds((*deciders, case.assessed.route.role, LEAD), user, people, policy, "Reopening")
