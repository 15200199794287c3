"""Claims: for a while one person works on a case and the others are told so (DE8). Only people wait for one."""

from __future__ import annotations

from datetime import datetime

from app.core.case import Case, Claim, Timer
from app.core.change import Change
from app.core.effects import DECISION_EVENTS
from app.core.errors import Refused
from app.core.messages import ClaimCase, ReleaseCase
from app.core.people import People
from app.core.stages import check_can_approve, check_rights
from app.core.surfaces import refresh

LEAD = "support_lead"  # may end anybody's claim
RENEWALS = 4  # in a row


def claim(change: Change, command: ClaimCase) -> None:
    held = _held(change)
    _check_may_claim(change, command.user)
    if held and _holds(held, command.user, change.world.people):
        if held.renewals >= RENEWALS:
            raise Refused(
                "claimed_too_long", f"You renewed this claim {RENEWALS} times: decide, or release it to the others."
            )
        _take(change, command.user, renewals=held.renewals + 1)
    elif held:
        check_free(change, command.user)
    else:
        _take(change, command.user)
    refresh(change)


def release(change: Change, command: ReleaseCase) -> None:
    held, people = change.case.claim, change.world.people
    if held is None:
        raise Refused("not_claimed", "Nobody has claimed this case.")
    if not _holds(held, command.user, people) and LEAD not in people.roles_of(command.user):
        raise Refused("claimed", f"Only {_name(held, people)} or a support lead can release this claim.")
    _let_go(change, "Released.")
    refresh(change)


def check_free(change: Change, user: str) -> None:
    """Refused where another person works on the case; a support lead who could claim it takes the claim over."""
    held, people = _held(change), change.world.people
    if held is None or _holds(held, user, people):
        return
    if LEAD not in people.roles_of(user):
        raise Refused(
            "claimed", f"{_name(held, people)} is working on this case until {until_words(held)}; ask them, or wait."
        )
    _check_may_claim(change, user)
    _take(change, user, taken_from=held.user)


def give_up(change: Change, user: str, reason: str) -> None:
    """Ends the claim if it is this person's."""
    if holds(change.case, user, change.world.people):
        _let_go(change, reason)


def time_up(change: Change) -> None:
    _let_go(change, "The time was up.")
    refresh(change)


def escalated(change: Change) -> None:
    """Who is asked in addition must be able to act: nobody sits on a case."""
    if change.case.claim:
        _let_go(change, "Further people were asked.")


def wind_up(change: Change) -> None:
    """A claim ends with a decision, and with the asking. Whatever leads there shows the packets anew by itself."""
    case = change.case
    if case.claim is None:
        return
    if any(event.type in DECISION_EVENTS for event in change.events):
        _let_go(change, "Decided.")
    elif case.state not in ("pending", "awaiting_signoff", "blocked"):
        _let_go(change, f"The case is {case.state}.")


def holds(case: Case, user: str, people: People) -> bool:
    """Whether this person has claimed the case, from whichever of their accounts."""
    return case.claim is not None and _holds(case.claim, user, people)


def until_words(claim: Claim) -> str:
    """`14:32 UTC`, with the date where it is another day's."""
    return f"{claim.until:{'%H:%M' if claim.until.date() == claim.at.date() else '%Y-%m-%d %H:%M'}} UTC"


def _held(change: Change) -> Claim | None:
    """The claim that holds now: one whose time is over counts no more, even if its timer has not fired yet; nor one of
    somebody who left."""
    claim = change.case.claim
    here = claim and change.world.people.find(claim.user).may_decide
    return claim if claim and here and change.now < claim.until else None


def _holds(claim: Claim, user: str, people: People) -> bool:
    return bool(people.find(user).keys & {claim.person, *people.find(claim.user).keys})


def _check_may_claim(change: Change, user: str) -> None:
    """Who could act on the case now: in the role of a step so far, on neither side of it, and not signed yet."""
    case, world = change.case, change.world
    check_rights(case, user, world.people, world.policy, any_step=True)
    check_can_approve(case, user, world.people)


def _take(change: Change, user: str, *, renewals: int = 0, taken_from: str = "") -> None:
    case = change.case
    until: datetime = change.now + change.world.policy.claim_for
    person = change.world.people.find(user).key
    # a number of its own for each claim: a timer that comes late cannot end the next one
    timer = Timer(key=f"claim:{case.version}", kind="claim", due_at=until)
    change.set(
        claim=Claim(user=user, person=person, at=change.now, until=until, renewals=renewals),
        timers=(*_others(case), timer),
    )
    more = {"taken_from": taken_from} if taken_from else {}
    change.record("CaseClaimed", until=until.isoformat(), renewals=renewals, **more)


def _let_go(change: Change, reason: str) -> None:
    case = change.case
    of = case.claim.user if case.claim else ""
    change.set(claim=None, timers=_others(case))
    change.record("CaseReleased", reason=reason, claimed_by=of)


def _others(case: Case) -> tuple[Timer, ...]:
    return tuple(t for t in case.timers if t.kind != "claim")


def _name(claim: Claim, people: People) -> str:
    return people.find(claim.user).name or claim.user
