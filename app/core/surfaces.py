"""Which Slack messages a case has: packets, sign-off requests in their threads, and replies in the threads."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from app.core.assessment import TriggerType
from app.core.case import Escalation, Packet
from app.core.change import Change
from app.core.effects import PacketPost, PacketUpdate, ThreadKind, ThreadReply
from app.core.folding import fold
from app.core.lookups import ask_in_person, awaited, look_up
from app.core.parts import draft_parts
from app.core.placing import place
from app.core.stages import able, open_roles, roles_at, unstaffed

FIRST = "p1"  # key of the packet in the route's channel


def open_packets(change: Change) -> None:
    """The packet in the route's channel and the further ones policy asks for (DE10)."""
    assessment = change.case.assessed
    first = Packet(key=FIRST, kind="packet", role=assessment.route.role, channel=assessment.route.channel)
    if not fold(change, first):
        place(change, first)
    for number, route in enumerate(assessment.also, start=2):
        place(change, Packet(key=f"p{number}", kind="write_reply", role=route.role, channel=route.channel))
    show_rest_of_draft(change)


def show_rest_of_draft(change: Change) -> None:
    """What does not fit the packet continues in its thread, so that whoever approves has seen the whole text."""
    draft = change.case.sendable_draft
    if draft is None:
        return
    first = 0 if change.case.packets[0].brief else 1
    for part in range(first, len(draft_parts(draft.text))):
        tell(change, "draft_part", part=part, version=draft.version)


def show_to(change: Change, role: str, *, can_decide: bool) -> Packet:
    """The packet that the role's channel sees, posted now if there is none yet; who gains a step can act on it."""
    channel = change.world.policy.roles[role].channel
    there = next((p for p in change.case.packets if p.queue == channel and p.kind != "signoff"), None)
    if there is not None:
        for packet in change.case.packets:  # several, where it stands with people one by one
            if packet.queue == channel and packet.kind != "signoff":
                change.put(replace(packet, can_decide=packet.can_decide or can_decide))
        return there
    key = f"p{len(change.case.packets) + 1}"
    packet = Packet(key=key, kind="escalation", role=role, channel=channel, can_decide=can_decide)
    return place(change, packet)


def request_signoffs(change: Change) -> None:
    """Ask each role that may sign off now, in the thread of the packet it sees (DE5), once while the request stands."""
    case = change.case
    stage = case.current_stage
    if stage is None:
        return
    asked = {p.role for p in case.packets if p.kind == "signoff" and p.can_decide}
    for role in open_roles(case, case.stage):
        if role in asked:
            continue
        parent = show_to(change, role, can_decide=True)
        key = f"s{len(change.case.packets) + 1}"
        place(
            change,
            Packet(
                key=key,
                kind="signoff",
                role=role,
                channel=parent.channel,
                parent=parent.key,
                request_hash=change.case.request_hash,
                home=parent.home,
            ),
        )
        change.record("SignOffRequested", role=role, stage=stage.id, packet=key)
        ask_in_person(change, role)


def close_signoffs(change: Change, *, keep: tuple[str, ...] = ()) -> None:
    """A sign-off request is asked once: a later one about the same text is a message of its own."""
    change.set(
        packets=tuple(
            replace(p, can_decide=False) if p.kind == "signoff" and p.role not in keep else p
            for p in change.case.packets
        )
    )


def let_in_fallback(change: Change) -> None:
    """Where a step has nobody who could take it, somebody stands in: never past a person (DE4).

    A dynamic role is looked up first; only as long as its answer may come in time does nobody stand in.
    """
    look_up(change)
    waited_for = awaited(change.case)
    people = change.world.people
    for index in range(change.case.stage, len(change.case.assessed.stages)):
        if waited_for.intersection(roles_at(change.case, index)):
            continue
        while nobody := unstaffed(change.case, index, people):
            found = [(stand_in, role) for role in nobody if (stand_in := _stand_in(change, index, role))]
            if not found:
                _tell_of_nobody(change, index, nobody)
                break
            for stand_in in dict.fromkeys(stand_in for stand_in, _ in found):
                _let_in(change, index, stand_in, tuple(role for other, role in found if other == stand_in))


def _stand_in(change: Change, index: int, role: str) -> str:
    """The fallback role, and before it a dynamic role's own backup and manager; none where nobody there could either.

    For a role with people of its own those two wait for the ladder.
    """
    case, policy = change.case, change.world.policy
    spec = policy.roles[role]
    own = (spec.backup, spec.manager) if spec.resolver else ()
    new = (n for n in (*own, policy.fallback_role) if n and n != role and (index, n, role) not in case.gained)
    return next((name for name in new if able(case, name, change.world.people)), "")


def _let_in(change: Change, index: int, stand_in: str, roles: tuple[str, ...]) -> None:
    change.set(gained=(*change.case.gained, *((index, stand_in, role) for role in roles)))
    reason = f"Nobody in {', '.join(roles)} can take this step, so {stand_in} was asked."
    escalated(change, stand_in, reason)
    show_to(change, stand_in, can_decide=True)
    tell(change, "escalated", role=stand_in, reason=reason)


def _tell_of_nobody(change: Change, index: int, roles: tuple[str, ...]) -> None:
    """Once: the case waits, on its ladder, and those who could mend it see that it does."""
    fallback = change.world.policy.fallback_role
    reason = f"Nobody in {', '.join(roles)} can take step {index + 1}, and nobody can stand in: add people to the role."
    if any(happened.reason == reason for happened in change.case.escalations):
        return
    escalated(change, fallback, reason)
    show_to(change, fallback, can_decide=False)
    tell(change, "escalated", role=fallback, reason=reason)


def escalated(change: Change, role: str, reason: str, *, trigger: TriggerType = "rule", **more: Any) -> None:
    happened = Escalation(reason=reason, trigger_type=trigger, to_role=role, at=change.now)
    change.set(escalations=(*change.case.escalations, happened))
    change.record("Escalated", reason=reason, to_role=role, **more)


def tell(change: Change, what: ThreadKind, mentions: tuple[str, ...] = (), /, **data: Any) -> None:
    """A reply in the thread of the first packet: a case's history reads as that thread (SL9)."""
    if change.case.packets:
        change.send(ThreadReply(packet=change.case.packets[0].key, kind=what, mentions=mentions, data=data))


def refresh(change: Change) -> None:
    """Every packet shows the truth (SL2); those posted in this very change will anyway, and digests follow the case."""
    posted = {e.effect.packet for e in change.effects if isinstance(e.effect, PacketPost)}
    for packet in change.case.packets:
        if packet.key not in posted and not packet.folded:
            change.send(PacketUpdate(packet=packet.key))
