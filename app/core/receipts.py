"""What became of the deliveries: the same door as everything else."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.change import Change
from app.core.ending import callback, reopen_for_people, sent
from app.core.errors import Refused
from app.core.messages import (
    Delivered,
    GaveUp,
    HeldAtGate,
    PacketShown,
    Parked,
    RedriveDelivery,
    SettleDelivery,
    Settlement,
)
from app.core.surfaces import refresh, tell
from app.core.timing import arm

SETTLERS = ("support_lead", "automation_owner")


def packet_shown(change: Change, command: PacketShown) -> None:
    packet = change.case.packet(command.packet)
    if packet is None:
        raise Refused("no_packet", f"The case has no packet {command.packet}.")
    first = packet.ts is None
    shown = replace(packet, channel_id=command.channel_id, ts=command.ts, shown=command.digest)
    change.set(packets=tuple(shown if p.key == packet.key else p for p in change.case.packets))
    change.record(
        "PacketPosted" if first else "PacketUpdated",
        packet=packet.key,
        channel=packet.channel,
        channel_id=command.channel_id,
        ts=command.ts,
        digest=command.digest,
    )
    change.settle(Settlement(delivery=command.delivery, status="done"))


def delivered(change: Change, command: Delivered) -> None:
    change.settle(Settlement(delivery=command.delivery, status="done"))
    if command.delivery == change.case.pending_reply:
        if change.case.state in ("sending", "indeterminate", "failed"):
            sent(change, remote_id=command.remote_id)
            return
        # the case moved on (superseded) while the reply was on its way: say what really happened
        change.set(pending_reply="")
        change.record("ReplySent", delivery=command.delivery, reason=f"The case was already {change.case.state}.")
        tell(change, "delivered", late=True)
        return
    change.record("DeliverySucceeded", delivery=command.delivery, remote_id=command.remote_id)


def gave_up(change: Change, command: GaveUp) -> None:
    change.record("DeliveryFailed", delivery=command.delivery, reason=command.error, remedy=command.remedy)
    if command.delivery == change.case.pending_reply and change.case.state == "sending":
        change.settle(Settlement(delivery=command.delivery, status="dead", error=command.error))
        change.set(state="failed")
        tell(change, "failed", error=command.error, remedy=command.remedy, reply=True)
        callback(change, "case.updated")
        refresh(change)
        return
    # of a case that moved on, a dead reply must not hold back what follows it
    moved_on = command.delivery == change.case.pending_reply
    change.settle(
        Settlement(delivery=command.delivery, status="cancelled" if moved_on else "dead", error=command.error)
    )


def parked(change: Change, command: Parked) -> None:
    """Nobody can tell whether it arrived, so nobody repeats it: a person looks (DL2)."""
    change.record("DeliveryIndeterminate", delivery=command.delivery, reason=command.error, look_at=command.look_at)
    if command.delivery == change.case.pending_reply and change.case.state == "sending":
        change.settle(Settlement(delivery=command.delivery, status="indeterminate", error=command.error))
        change.set(state="indeterminate", indeterminate=command.look_at)
        tell(change, "failed", error=command.error, remedy=command.look_at, reply=True)
        callback(change, "case.updated")
        refresh(change)
        return
    # not the reply (a holding message, a note): never repeated, and what follows it need not wait
    change.settle(Settlement(delivery=command.delivery, status="cancelled", error=command.error))
    tell(change, "failed", error=command.error, remedy=command.look_at)


def held_at_gate(change: Change, command: HeldAtGate) -> None:
    """The second gate refused: what was approved is not what would be sent now, so people look again."""
    change.settle(Settlement(delivery=command.delivery, status="cancelled", error=command.reason))
    change.record("DeliveryHeld", delivery=command.delivery, reason=command.reason)
    if command.delivery != change.case.pending_reply or change.case.state != "sending":
        return
    reopen_for_people(change, command.reason)
    tell(change, "held", reason=command.reason)
    arm(change)
    refresh(change)


def settle(change: Change, command: SettleDelivery) -> None:
    """A person looked at the destination. `Send again` uses the same delivery id, so a receiver can still drop it."""
    case = change.case
    held = change.world.people.roles_of(command.user)
    deciders = {role for stage in case.assessed.stages for role in stage.roles}
    if not held & (deciders | set(SETTLERS)):
        raise Refused("not_in_role", "Settling a delivery needs an approver of this case, a lead or its owner.")
    if command.delivery != case.pending_reply:
        raise Refused("settled", "This delivery is settled already.")
    change.record("DeliverySettled", delivery=command.delivery, arrived=command.arrived)
    if command.arrived:
        change.settle(Settlement(delivery=command.delivery, status="done"))
        sent(change)
        return
    change.settle(Settlement(delivery=command.delivery, status="redrive"))
    change.set(state="sending", indeterminate="")
    refresh(change)


def redrive(change: Change, command: RedriveDelivery) -> None:
    if command.delivery == change.case.pending_reply and change.case.state == "indeterminate":
        raise Refused("indeterminate", "Nobody can tell yet whether this reply arrived. Settle that first.")
    change.settle(Settlement(delivery=command.delivery, status="redrive"))
    change.record("DeliveryRedriven", delivery=command.delivery)
    if command.delivery == change.case.pending_reply and change.case.state == "failed":
        change.set(state="sending")
        refresh(change)
