"""Where a packet can be shown: in its role's channel, else in the fallback role's, else to people one by one.

Rights never come from channels, so whoever may decide may still decide wherever the packet stands.
"""

from __future__ import annotations

from msgspec.structs import replace

from app.core.case import UNDECIDED_STATES, Packet
from app.core.change import Change
from app.core.effects import DirectMessage, PacketPost
from app.core.stages import able, eligible

MOST_PEOPLE = 5  # who get a packet of their own where no channel is left
MOST_TOLD = 10


def place(change: Change, packet: Packet) -> Packet:
    """Post a packet where it can be shown; the first one where it becomes several."""
    made = _placed(change, packet)
    for one in made:
        change.put(one)
        if not one.lost:
            change.send(PacketPost(packet=one.key))
    return made[0]


def _placed(change: Change, packet: Packet) -> tuple[Packet, ...]:
    case, world = change.case, change.world
    if packet.channel not in case.lost_channels:
        return (packet,)
    home = packet.queue
    for policy in (world.policy, world.active):  # the case's own, then what its owners made of it since
        channel = policy.roles[policy.fallback_role].channel
        if channel not in case.lost_channels:
            return (replace(packet, channel=channel, home=home),)
    people = () if case.is_final else _members(change, packet.role)
    if not people:
        return (replace(packet, channel=home, home=home, lost=True),)
    return tuple(
        replace(packet, key=f"{packet.key}.{n}" if n else packet.key, channel=home, home=home, parent="", person=user)
        for n, user in enumerate(people)
    )


def _members(change: Change, role: str) -> tuple[str, ...]:
    """Those of the role who can act, else all of them, else those of the fallback role."""
    case, people = change.case, change.world.people
    fallback = change.world.policy.fallback_role
    found = able(case, role, people) or people.members(role) or people.members(fallback)
    return tuple(person.user_id for person in found[:MOST_PEOPLE])


def tell_where(change: Change, packet: Packet) -> None:
    """A packet came up where its role does not look: those who can act hear of it directly."""
    case = change.case
    if not packet.home or packet.person or packet.kind == "write_reply" or case.state not in UNDECIDED_STATES:
        return
    if packet.kind != "signoff" and case.state == "awaiting_signoff":
        return  # the request itself follows in its thread
    people = change.world.people
    for person in eligible(case, people)[:MOST_TOLD]:
        if packet.role in people.roles_of(person.user_id):
            change.send(DirectMessage(user=person.user_id, kind="moved", data={"packet": packet.key}))
