"""Packets of low risk that come in a burst are lines in a digest until somebody opens them (SL12).

A folded packet has no message, so whatever needs one posts it first: `Change.send` sees to that. Its timers run.
"""

from __future__ import annotations

from msgspec.structs import replace

from app.core.case import UNDECIDED_STATES, Case, Packet
from app.core.change import Change
from app.core.errors import Refused
from app.core.messages import UnfoldPacket
from app.core.parts import draft_parts
from app.core.stages import needed

MOST_ASKING = 20  # people who are told that one packet stands
_WITHOUT_PEOPLE = ("auto", "notify")


def fold(change: Change, packet: Packet) -> bool:
    """Make a line of it where its channel is crowded; False where it has to be posted."""
    crowd = change.world.crowds.get(packet.channel)
    enough = change.world.policy.digest_from
    if crowd is None or not enough or crowd.low + 1 < enough or not foldable(change.case):
        return False
    digest = crowd.digest or f"dg_{change.case.id}"
    change.put(replace(packet, digest=digest, folded=True))
    change.record("PacketFolded", packet=packet.key, channel=packet.channel, digest=digest)
    return True


def foldable(case: Case) -> bool:
    """Low risk, one person's word, and nothing about it that somebody has to see at once or in a thread."""
    given, draft = case.assessed, case.sendable_draft
    return (
        given.tier == "low"
        and given.ladder != "urgent"
        and not any(rung.direct_message for rung in given.rungs)
        and given.required not in _WITHOUT_PEOPLE
        and sum(map(needed, given.stages)) == 1
        and not (given.also or given.confirm or given.escalation_reason)
        and not (case.escalations or case.blocking or case.deadline or case.lost_channels)
        and (draft is None or len(draft_parts(draft.text)) == 1)
    )


def open_packet(change: Change, command: UnfoldPacket) -> None:
    """Posted once, whoever asks for it and however often; each who asks is told when it stands."""
    packet = change.case.packet(command.packet)
    if packet is None or not packet.digest:
        raise Refused("not_folded", "This packet is in no digest.")
    if packet.ts is not None:
        raise Refused("unfolded", f"Its packet stands in #{packet.channel} already.")
    if command.user in packet.asked_by:
        raise Refused("unfolding", f"Its packet is on its way to #{packet.channel}; you are told when it stands there.")
    asking = replace(packet, asked_by=(*packet.asked_by, command.user)[:MOST_ASKING])
    change.put(asking)
    change.record("ViewOpened", view="packet", packet=packet.key)
    if packet.folded:
        change.unfold(asking, "Somebody opened it.")


def wind_up(change: Change) -> None:
    """What became riskier than a line in a digest may be is posted."""
    case = change.case
    if case.state not in UNDECIDED_STATES or case.assessment is None:
        return
    for packet in case.packets:
        if packet.folded and (case.state == "blocked" or not foldable(case)):
            change.unfold(packet, "It is more than a line in a digest may be.")
