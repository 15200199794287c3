"""Ladders, expiry and the send delay as rows due at a time (TI1-TI3). Time is counted from when people were asked."""

from __future__ import annotations

from datetime import datetime, timedelta

from app.core import claiming
from app.core.assessment import Rung
from app.core.case import Timer
from app.core.change import Change
from app.core.effects import DirectMessage, HelpdeskReply
from app.core.ending import end, release, reopen_for_people
from app.core.errors import Refused
from app.core.lookups import look_up
from app.core.messages import FireTimer
from app.core.pausing import stops
from app.core.stages import eligible, pingable, roles_at
from app.core.surfaces import escalated, refresh, request_signoffs, show_to, tell

# Not of the ladder: they run on when it is armed anew, and each has a number of its own.
UNCOUNTED = ("claim", "role")


def arm(change: Change) -> None:
    """Set the timers an undecided case must have; those that fired stay fired, a claim and a lookup run on."""
    case = change.case
    assessment = case.assessed
    opened = case.opened_at or change.now
    due = case.deadline or opened + timedelta(seconds=assessment.expire_after)
    timers = [Timer(key="expire", kind="expire", due_at=due)]
    timers += [
        Timer(key=f"rung:{rung.id}", kind="rung", due_at=_due_at(change, rung, opened))
        for rung in assessment.rungs
        if f"rung:{rung.id}" not in case.fired
    ]
    timers += [timer for timer in case.timers if timer.kind in UNCOUNTED]
    change.set(timers=tuple(sorted(timers, key=lambda t: (t.due_at, t.key))))


def _due_at(change: Change, rung: Rung, opened: datetime) -> datetime:
    if not rung.open_hours:
        return opened + timedelta(seconds=rung.after)
    role = change.world.policy.roles[change.case.assessed.route.role]
    return role.calendar.advance(opened, rung.after)


def take(change: Change, command: FireTimer) -> Timer:
    """The timer that fires now, off the list; Refused when it is not due, or was there for another replica."""
    case = change.case
    timer = next((t for t in case.timers if t.key == command.key), None)
    if timer is None or timer.due_at > change.now:
        raise Refused("stale_timer", "This timer is not due, or not there any more.")
    # what must not be armed again
    fired = case.fired if timer.kind in UNCOUNTED else (*case.fired, timer.key)
    change.set(timers=tuple(t for t in case.timers if t is not timer), fired=fired)
    change.record("TimerFired", timer=timer.key, due_at=timer.due_at.isoformat())
    return timer


def fire(change: Change, command: FireTimer) -> None:
    timer = take(change, command)
    match timer.kind:
        case "send" if stops(change.case, change.case.draft, change.world.pauses):
            _keep_back(change)
        case "send":
            release(change)
        case "expire":
            expire(change)
        case "claim":
            claiming.time_up(change)
        case "rung":
            rung = next(r for r in change.case.assessed.rungs if f"rung:{r.id}" == timer.key)
            _climb(change, rung)
            refresh(change)


def _keep_back(change: Change) -> None:
    """Approved in the last seconds before the switch was thrown: people decide anew, or write."""
    reason = "AI text was paused before the reply left."
    change.record("DeliveryHeld", reason=reason)
    reopen_for_people(change, reason)
    arm(change)
    tell(change, "held", reason=reason)
    refresh(change)


def expire(change: Change) -> None:
    """Nobody decided in time: never the draft, at most the holding message."""
    hold(change)
    end(change, "expired", "expired", by="system:timers", role="", reason="Nobody decided in time.")
    change.record("CaseExpired", reason="Nobody decided in time.")


def hold(change: Change) -> None:
    """Send the pre-approved holding message, once a case, where policy allows it."""
    case = change.case
    if case.holding_sent or not case.assessed.holding_allowed:
        return
    change.set(holding_sent=True)
    text = change.world.policy.holding_text
    change.send(HelpdeskReply(text=text, kind="holding", request_hash=""))
    change.record("HoldingSent", reason="Pre-approved holding message; the draft was not sent.")
    tell(change, "holding")


def _climb(change: Change, rung: Rung) -> None:
    match rung.do:
        case "holding":
            hold(change)
        case "remind":
            _remind(change, rung)
        case "escalate" | "status":
            _escalate(change, rung)


def _remind(change: Change, rung: Rung) -> None:
    people = pingable(change.case, change.world.people, change.world.policy)
    mentions = tuple(p.user_id for p in people)[:10]
    tell(change, "reminder", mentions, rung=rung.id)
    change.record("Reminded", rung=rung.id, mentioned=list(mentions))
    if rung.direct_message:
        _direct(change, mentions, rung)


def _escalate(change: Change, rung: Rung) -> None:
    """Open the step to a further role (or only show it the case) in a packet of its own; the first one stays live.

    It stands in for the role the case went to, so a step which that role may not take stays closed to it too.
    """
    world = change.world
    case = change.case
    route = case.assessed.route.role
    stage = case.current_stage
    gains = rung.do == "escalate" and stage is not None and route in stage.roles
    if gains and rung.role not in roles_at(case, case.stage):
        change.set(gained=(*case.gained, (case.stage, rung.role, route)))
    if gains:
        claiming.escalated(change)
    reason = f"No decision after {_spell(rung.after)}{' of business hours' if rung.open_hours else ''}."
    escalated(change, rung.role, reason, rung=rung.id, gains_step=gains)
    spec = world.policy.roles[rung.role]
    show_to(change, rung.role, can_decide=gains)
    if case.state == "awaiting_signoff":
        request_signoffs(change)
    elif eligible(change.case, world.people):
        change.set(state="pending")
    tell(change, "escalated", role=rung.role, channel=spec.channel, reason=reason)
    if rung.direct_message and spec.notify:
        able_now = {p.key for p in eligible(change.case, world.people)}
        members = world.people.members(rung.role)
        asked = [p for p in members if p.key in able_now] or members
        _direct(change, tuple(p.user_id for p in asked[:10]), rung)
    look_up(change)


def _direct(change: Change, users: tuple[str, ...], rung: Rung) -> None:
    for user in users:
        change.send(DirectMessage(user=user, kind="urgent", data={"rung": rung.id}))


def _spell(seconds: float) -> str:
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:g} h"
