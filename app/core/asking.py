"""Bringing a case before people: as it comes in, or once it turns out that it cannot go without them."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.case import Stage
from app.core.change import Change
from app.core.stages import able, roles_at
from app.core.surfaces import let_in_fallback, open_packets
from app.core.timing import arm


def ask_people(change: Change) -> None:
    """Post the packets and arm the ladder."""
    case = change.case
    assessment = case.assessed
    if not assessment.stages:
        # policy let it go without a person, something else did not
        review = Stage(id="review", roles=(assessment.route.role,), label="Review")
        change.set(assessment=replace(assessment, required="approve", stages=(review,)))
    change.set(opened_at=case.opened_at or change.now)
    if not case.packets:
        open_packets(change)
    let_in_fallback(change)
    change.set(state="pending" if somebody_can(change) else "blocked")
    arm(change)


def somebody_can(change: Change) -> bool:
    case = change.case
    return any(able(case, role, change.world.people) for role in roles_at(case, 0))
