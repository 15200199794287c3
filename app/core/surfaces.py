"""Which Slack messages a case has: packets, sign-off requests in their threads, and replies in the threads."""

from __future__ import annotations

from typing import Any

from app.core.case import Packet
from app.core.change import Change
from app.core.messages import PacketPost, PacketUpdate, ThreadKind, ThreadReply
from app.core.parts import draft_parts
from app.core.stages import open_roles, roles_at


def open_packets(change: Change) -> None:
    """The packet in the route's channel and the further ones policy asks for (DE10)."""
    assessment = change.case.assessed
    change.post(Packet(key="p1", kind="packet", role=assessment.route.role, channel=assessment.route.channel))
    for number, route in enumerate(assessment.also, start=2):
        change.post(Packet(key=f"p{number}", kind="write_reply", role=route.role, channel=route.channel))
    show_rest_of_draft(change)


def show_rest_of_draft(change: Change) -> None:
    """What does not fit the packet continues in its thread, so that whoever approves has seen the whole text."""
    draft = change.case.sendable_draft
    if draft is None:
        return
    for part in range(1, len(draft_parts(draft.text))):
        tell(change, "draft_part", part=part, version=draft.version)


def show_to(change: Change, role: str, *, can_decide: bool) -> Packet:
    """The packet that the role's channel sees, posted now if there is none yet."""
    channel = change.world.policy.roles[role].channel
    for packet in change.case.packets:
        if packet.channel == channel and packet.kind != "signoff":
            return packet
    key = f"p{len(change.case.packets) + 1}"
    packet = Packet(key=key, kind="escalation", role=role, channel=channel, can_decide=can_decide)
    change.post(packet)
    return packet


def request_signoffs(change: Change) -> None:
    """Ask the current stage's roles, in the thread of the packet each of them sees (DE5)."""
    case = change.case
    stage = case.current_stage
    if stage is None:
        return
    roles = open_roles(case, case.stage) if stage.mode in ("each", "all_of") else roles_at(case, case.stage)[:1]
    for role in roles:
        parent = show_to(change, role, can_decide=True)
        key = f"s{len(change.case.packets) + 1}"
        change.post(
            Packet(
                key=key,
                kind="signoff",
                role=role,
                channel=parent.channel,
                parent=parent.key,
                request_hash=change.case.request_hash,
            )
        )
        change.record("SignOffRequested", role=role, stage=stage.id, packet=key)


def tell(change: Change, what: ThreadKind, mentions: tuple[str, ...] = (), /, **data: Any) -> None:
    """A reply in the thread of the first packet: a case's history reads as that thread (SL9)."""
    if change.case.packets:
        change.send(ThreadReply(packet=change.case.packets[0].key, kind=what, mentions=mentions, data=data))


def refresh(change: Change) -> None:
    """Every packet shows the truth (SL2); those posted in this very change will anyway."""
    posted = {e.effect.packet for e in change.effects if isinstance(e.effect, PacketPost)}
    for packet in change.case.packets:
        if packet.key not in posted:
            change.send(PacketUpdate(packet=packet.key))
