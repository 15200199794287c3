"""Bringing a case before people: as it comes in, or once it turns out that it cannot go without them."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.assessment import Stage
from app.core.change import Change
from app.core.ending import approve_finally, callback, patch_crm
from app.core.lookups import awaited
from app.core.pausing import stops
from app.core.stages import able, roles_at
from app.core.surfaces import let_in_fallback, open_packets, refresh, show_rest_of_draft, show_to
from app.core.telling import tell_start
from app.core.timing import arm


def open_case(change: Change) -> None:
    """Let an assessed case go on: alone where nobody has to look, else to people; one they have stays with them."""
    if change.case.state != "received":
        show_to(change, change.case.assessed.route.role, can_decide=True)
        let_in_fallback(change)
        change.set(state="pending" if somebody_can(change) else "blocked")
        arm(change)
        show_rest_of_draft(change)
        refresh(change)
        return
    patch_crm(change, final=False)
    callback(change, "case.assessed")
    required = change.case.assessed.required
    alone = required in ("auto", "notify") and not stops(change.case, change.case.draft, change.world.pauses)
    if alone and change.case.sendable_draft and not change.case.blocking:
        change.set(state="pending", timers=())
        if required == "notify":
            open_packets(change)
        approve_finally(change, by="", role="", outcome="auto" if required == "auto" else "notified")
        return
    ask_people(change)


def ask_people(change: Change) -> None:
    """Post the packets and arm the ladder."""
    case = change.case
    assessment = case.assessed
    if not assessment.stages:
        # policy let it go without a person, something else did not
        review = Stage(id="review", roles=(assessment.route.role,), label="Review")
        change.set(assessment=replace(assessment, required="approve", stages=(review,)))
    change.set(opened_at=case.opened_at or change.now)
    tell_start(change)
    if not case.packets:
        open_packets(change)
    let_in_fallback(change)
    change.set(state="pending" if somebody_can(change) else "blocked")
    arm(change)


def somebody_can(change: Change) -> bool:
    """Or may be able to, once it is known who they are."""
    case = change.case
    roles = roles_at(case, 0)
    return bool(awaited(case).intersection(roles)) or any(able(case, role, change.world.people) for role in roles)
