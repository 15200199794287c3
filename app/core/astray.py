"""Packets that Slack lost, does not show as they are, or will not take (SL2): no case ends where nobody sees it."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.case import Packet
from app.core.change import Change
from app.core.effects import PacketPost, PacketUpdate, Settlement, ThreadReply
from app.core.errors import Refused
from app.core.messages import RepairPacket, SurfaceLost
from app.core.parts import draft_parts
from app.core.placing import place
from app.core.surfaces import show_rest_of_draft, tell

POSTS = 3  # in one place: whoever deletes it more often will not have it there


def repair(change: Change, command: RepairPacket) -> None:
    """What somebody saw in Slack. Refused once the packet stands elsewhere, so that a second look changes nothing."""
    packet = change.case.packet(command.packet)
    never_posted = command.ts == "" and command.found != "no_channel"
    if packet is not None and packet.folded and command.found == "missing":
        change.unfold(packet, command.reason or "Its digest cannot be shown.")
        return
    if packet is None or packet.lost or (packet.ts or "") != command.ts or never_posted:
        raise Refused("repaired", "This packet stands elsewhere by now.")
    match command.found:
        case "drifted":
            change.record("PacketDrifted", packet=packet.key, channel=packet.channel, ts=command.ts)
            change.put(replace(packet, shown=""))
            change.send(PacketUpdate(packet=packet.key))
        case "missing":
            _post_anew(change, packet, command.reason or "The message was deleted.")
        case "no_channel" if packet.person:
            change.record("PacketLost", reason=command.reason, packet=packet.key, channel="", ts=command.ts)
            change.put(replace(packet, lost=True))
        case "no_channel":
            _move(change, packet, command.reason or "The channel cannot be used.")


def surface_lost(change: Change, command: SurfaceLost) -> None:
    """Slack refused for good. The packet goes elsewhere or becomes shorter; a reply for its thread goes after it."""
    packet = change.case.packet(command.packet)
    change.record("DeliveryFailed", delivery=command.delivery, reason=command.error, remedy=command.remedy)
    if packet is not None and packet.channel == command.channel and (packet.ts or "") == command.ts:
        _make_good(change, packet, command)
    packet = change.case.packet(command.packet)
    dead = packet is not None and packet.lost
    change.settle(Settlement(delivery=command.delivery, status="dead" if dead else "cancelled", error=command.error))
    reply = command.effect
    if isinstance(reply, ThreadReply) and not dead and not reply.data.get("again"):
        change.send(replace(reply, data={**reply.data, "again": True}))
    if isinstance(command.effect, PacketPost) and command.lost == "moving":
        change.send(command.effect)  # in the same lane, so behind the packet in whose thread it belongs


def _make_good(change: Change, packet: Packet, command: SurfaceLost) -> None:
    """Where nothing is left to try the packet is lost, and its delivery dead: a person has to look."""
    parent = change.case.packet(packet.parent)
    match command.lost:
        case "channel" if packet.person:
            change.put(replace(packet, lost=True))
        case "shape" if packet.brief:
            change.put(replace(packet, lost=True))
        case "channel":
            _move(change, packet, command.error)
        case "message" if packet.ts is None and parent is not None:
            # the thread is gone, and with it the packet it hangs on
            if parent.ts:
                _post_anew(change, parent, command.error)
            change.send(PacketPost(packet=packet.key))
        case "message":
            _post_anew(change, packet, command.error)
        case "shape":
            _shorten(change, packet, command.error)


def _post_anew(change: Change, packet: Packet, why: str) -> None:
    """In the same place, with a word about it; moved when it is deleted again and again."""
    change.record("PacketLost", reason=why, packet=packet.key, channel=packet.channel, ts=packet.ts or "")
    gone = (*packet.gone, packet.ts or "")
    bare = replace(packet, ts=None, shown="", gone=gone)
    change.put(bare)
    if _nobody_needs(bare):
        return
    if len(gone) > POSTS * (2 if packet.home else 1):
        if packet.person:
            change.put(replace(bare, lost=True))
        else:
            _move(change, bare, "It was deleted there again and again.")
        return
    place(change, bare)
    if packet.kind == "signoff":
        return
    if packet.key == change.case.packets[0].key and not change.case.is_final:
        show_rest_of_draft(change)
    change.send(ThreadReply(packet=packet.key, kind="reposted"))


def _move(change: Change, packet: Packet, why: str) -> None:
    """The channel takes nothing any more: everything this case shows there goes where it can be seen."""
    channel = packet.channel
    change.set(lost_channels=tuple(dict.fromkeys((*change.case.lost_channels, channel))))
    for one in change.case.packets:
        if one.channel != channel or one.person or one.lost:
            continue
        gone = (*one.gone, one.ts) if one.ts else one.gone
        bare = replace(one, ts=None, shown="", channel_id="", folded=False, gone=gone)
        change.put(bare)
        if _nobody_needs(bare):
            change.record("PacketLost", reason=why, packet=one.key, channel=channel, ts=one.ts or "")
            continue
        now = place(change, bare)
        to = "" if now.lost else now.person or now.channel
        change.record("PacketMoved", reason=why, packet=one.key, role=one.role, from_channel=channel, to=to)
    if not change.case.is_final:
        show_rest_of_draft(change)
    tell(change, "moved", channel=channel, reason=why)


def _nobody_needs(packet: Packet) -> bool:
    """A request for a sign-off that is closed."""
    return packet.kind == "signoff" and not packet.can_decide


def _shorten(change: Change, packet: Packet, why: str) -> None:
    """Slack takes no message of this size or shape: the packet without its details, the reply whole in the thread."""
    change.record("PacketShortened", reason=why, packet=packet.key)
    change.put(replace(packet, brief=True))
    change.send(PacketUpdate(packet=packet.key) if packet.ts else PacketPost(packet=packet.key))
    draft = change.case.sendable_draft
    for part in range(len(draft_parts(draft.text)) if draft else 0):
        data = {"part": part, "version": draft.version if draft else 0}
        change.send(ThreadReply(packet=packet.parent or packet.key, kind="draft_part", data=data))
