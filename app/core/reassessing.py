"""A person's word on what a case is, against what was read from it: raised freely, lowered by who approves (DE9)."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from app.core import claiming
from app.core.asking import open_case
from app.core.assessing import assess_anew, judge_case
from app.core.assessment import AI_MODES, TIERS, Assessment, PersonSays
from app.core.case import Case, Note, Packet
from app.core.change import Change
from app.core.ending import patch_crm, reopen_for_people
from app.core.errors import Refused
from app.core.messages import Reassess
from app.core.placing import place
from app.core.policy import Policy
from app.core.policy.facts import fold
from app.core.policy.verdict import LADDERS, REQUIRED
from app.core.stages import (
    check_can_go_round,
    check_holds,
    needed,
    on_the_other_side,
    role_names,
    roles_at,
)
from app.core.surfaces import escalated, refresh, show_to, tell
from app.core.who import submitter_keys

REASON_LIMIT = 3_000
LEAD = "support_lead"


def reassess(change: Change, command: Reassess) -> None:
    """Only what the intent itself brought about can fall: rules on words, account, money and findings run again."""
    case, before = change.case, change.case.assessed
    check(change, command.user)
    if command.seen != case.request_hash:
        raise Refused("draft_changed", "This case changed since you opened it; look at it as it is now.")
    check_can_go_round(case)
    said = _said(change, command)
    after = _judged(change, command, said)
    reason = command.reason.strip()[:REASON_LIMIT]
    lowered = _lowers(before, after, change.world.policy)
    if lowered:
        _check_may_lower(change, command.user, reason, before, after)
        unsaid = judge_case(replace(case, said=None), change.world)
        if _lowers(unsaid, after, change.world.policy):
            # moved sideways first, a case would come down by the word of somebody whose it never was
            _check_may_lower(change, command.user, reason, unsaid, after)
    change.record(
        "Reassessed",
        reason=reason,
        intent=command.intent and said.intent,
        tier=command.tier or "",
        lowered=lowered,
        before=_stand(case, before),
        after=_stand(replace(case, said=said), after),
    )
    if reason:
        change.note(Note(user=command.user, text=reason, at=change.now, kind="reassess"))
    change.set(said=replace(said, lowered=lowered))
    route, words = after.route, _words(said, change.world.policy)
    if asks_the_same(before, after):
        assess_anew(change, may_lower=True)
        _move_packets(change)
        refresh(change)
    else:
        reopen_for_people(change, "The case was reassessed.")
        assess_anew(change, may_lower=True)
        if route.role != before.route.role:
            claiming.escalated(change)
            escalated(change, route.role, f"A person says: {words}.", trigger="manual", gains_step=False)
        _move_packets(change)
        open_case(change)
    tell(change, "reassessed", by=command.user, words=words, role=route.role, channel=route.channel, reason=reason)
    patch_crm(change, final=False)


def check(change: Change, user: str) -> None:
    """Refused with the reason where this person may not reassess the case at all."""
    case, people, policy = change.case, change.world.people, change.world.policy
    so_far = (role for index in range(case.stage + 1) for role in roles_at(case, index))
    check_holds((*so_far, *_approvers(case.assessed)), user, people, policy, "Reassessing")
    if conflict := on_the_other_side(case, people.find(user), people):
        raise Refused("own_submission", conflict)
    claiming.check_free(change, user)


def carried(case: Case) -> PersonSays | None:
    """What a person said goes on to the case that takes this one's place, as the least it is: the topic is read anew.

    Without this whoever writes on the ticket again, or hands in a reply of their own, would undo it.
    """
    return replace(case.said, intent="", tier=case.assessed.tier) if case.said else None


def _approvers(given: Assessment) -> tuple[str, ...]:
    """Who may lower: the role the case went to, those that have the last word, and leads."""
    return (given.route.role, *(given.stages[-1].roles if given.stages else ()), LEAD)


def _said(change: Change, command: Reassess) -> PersonSays:
    """What is said now, and of the rest what was said before."""
    label, earlier = fold(command.intent), change.case.said
    if label and label not in change.world.policy.risk.intents:
        raise Refused("unknown_intent", "Pick one of the topics that this case's policy knows.")
    if not label and command.tier is None:
        raise Refused("nothing_said", "Say what the customer wants, or how risky it is, or both.")
    return PersonSays(
        user=command.user,
        at=change.now,
        intent=label or (earlier.intent if earlier else ""),
        tier=command.tier or (earlier.tier if earlier else None),
    )


def _judged(change: Change, command: Reassess, said: PersonSays) -> Assessment:
    """What policy makes of the case then; Refused where its rules ask for more, or nothing would change."""
    case, before = change.case, change.case.assessed
    rules = judge_case(replace(case, said=replace(said, tier=None)), change.world)
    if command.tier and TIERS.index(command.tier) < TIERS.index(rules.tier):
        why = " ".join(reason.text for reason in rules.reasons[:2])
        raise Refused("rules_stand", f"Policy makes this {rules.tier} risk, whatever a person says. {why}")
    after = judge_case(replace(case, said=said), change.world)
    known = fold(case.intent.label) if case.intent else ""
    renamed = said.intent and said.intent != known  # what is written down of the case changes
    if asks_the_same(before, after) and not renamed:
        raise Refused("as_it_is", f"Nothing would change: the case is {before.tier} risk already, by the same people.")
    return after


def asks_the_same(before: Assessment, after: Assessment) -> bool:
    """Whether approvals of a text given under one hold under the other: the same people asked for the same thing."""
    return _demands(before) == _demands(after)


def _demands(given: Assessment) -> tuple[object, ...]:
    return (_strictness(given), given.route, given.stages, given.checklist, given.must_edit)


def _strictness(given: Assessment) -> tuple[int, ...]:
    return (
        TIERS.index(given.tier),
        REQUIRED.index(given.required),
        AI_MODES.index(given.ai_mode),
        LADDERS.index(given.ladder),
        given.confirm,
        sum(map(needed, given.stages)),
    )


def _lowers(before: Assessment, after: Assessment, policy: Policy) -> bool:
    """Less is asked of people, or as much of whoever is asked where nobody in particular is."""
    if any(new < old for new, old in zip(_strictness(after), _strictness(before), strict=True)):
        return True
    nobodys = policy.risk.routes.default[after.tier]
    return after.tier == before.tier and before.route.role != after.route.role == nobodys


def _check_may_lower(change: Change, user: str, reason: str, before: Assessment, after: Assessment) -> None:
    case, people = change.case, change.world.people
    less = "asks less of people than now"
    if after.tier != before.tier:
        less = f"lowers the risk from {before.tier} to {after.tier}"
    elif after.route != before.route:
        less = f"takes the case out of #{before.route.channel}"
    wanted = tuple(dict.fromkeys(_approvers(before)))
    if not people.roles_of(user) & set(wanted):
        raise Refused("lowering", f"That {less}: it takes someone from {role_names(wanted, change.world.policy)}.")
    if people.find(user).keys & submitter_keys(case, people):
        raise Refused("own_submission", f"That {less}. You submitted this case, so somebody else has to do it.")
    if not reason:
        raise Refused("reason_missing", f"That {less}, so say why.")


def _move_packets(change: Change) -> None:
    """Who is asked no more is told so on their packet; who helps from now on gets one."""
    case, roles = change.case, change.world.policy.roles
    route, also = case.assessed.route, case.assessed.also
    asked = {roles[role].channel for index in range(len(case.assessed.stages)) for role in roles_at(case, index)}
    asked |= {route.channel, *(helper.channel for helper in also)}

    def moved(packet: Packet) -> Packet:
        if packet.kind == "signoff":
            return packet
        if packet.queue == route.channel and packet.kind == "write_reply":
            return replace(packet, kind="packet", role=route.role)  # they decide now
        return packet if packet.queue in asked else replace(packet, can_decide=False)

    change.set(packets=tuple(map(moved, case.packets)))
    there = {packet.queue for packet in case.packets if packet.kind != "signoff"}
    for helper in also:
        if helper.channel in there:
            show_to(change, helper.role, can_decide=True)
            continue
        key = f"p{len(change.case.packets) + 1}"
        place(change, Packet(key=key, kind="write_reply", role=helper.role, channel=helper.channel))


def _stand(case: Case, assessment: Assessment) -> dict[str, Any]:
    return {
        "intent": case.intent.label if case.intent else "",
        "tier": assessment.tier,
        "required": assessment.required,
        "ai_mode": assessment.ai_mode,
        "route": assessment.route.role,
        "steps": [stage.id for stage in assessment.stages],
    }


def _words(said: PersonSays, policy: Policy) -> str:
    """`about a refund, high risk`."""
    topic = policy.risk.intents.get(said.intent)
    parts = (f"about {topic.title}" if topic else "", f"{said.tier} risk" if said.tier else "")
    return ", ".join(filter(None, parts))
