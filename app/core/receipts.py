"""What became of the deliveries: the same door as everything else."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.asking import ask_people
from app.core.case import State
from app.core.change import Change
from app.core.effects import CrmPatch, DirectMessage, HelpdeskFields, Settlement
from app.core.ending import end, patch_crm, reopen_for_people, report, sent
from app.core.errors import Refused
from app.core.messages import Delivered, GaveUp, HeldAtGate, PacketShown, Parked, RedriveDelivery, SettleDelivery
from app.core.placing import tell_where
from app.core.scanning import blocked, scan_reply
from app.core.surfaces import open_packets, refresh, tell

SETTLERS = ("support_lead", "automation_owner")
# In these a case waits for its reply; in any other an old reply's receipt must not move it.
_WAITING: tuple[State, ...] = ("sending", "failed", "indeterminate")


def packet_shown(change: Change, command: PacketShown) -> None:
    packet = change.case.packet(command.packet)
    if packet is None:
        raise Refused("no_packet", f"The case has no packet {command.packet}.")
    change.settle(Settlement(delivery=command.delivery, status="done"))
    if command.ts in packet.gone:  # deleted while this was on its way
        change.record("PacketUpdated", packet=packet.key, channel_id=command.channel_id, ts=command.ts, gone=True)
        return
    first = packet.ts is None
    at = {"channel_id": command.channel_id, "ts": command.ts, "shown": command.digest}
    shown = replace(packet, **at, folded=False, asked_by=())
    change.set(packets=tuple(shown if p.key == packet.key else p for p in change.case.packets))
    change.record(
        "PacketPosted" if first else "PacketUpdated",
        packet=packet.key,
        channel=packet.channel,
        channel_id=command.channel_id,
        ts=command.ts,
        digest=command.digest,
    )
    if first:
        tell_where(change, shown)
    for user in packet.asked_by:
        change.send(DirectMessage(user=user, kind="opened", data={"packet": packet.key}))


def delivered(change: Change, command: Delivered) -> None:
    change.settle(Settlement(delivery=command.delivery, status="done"))
    if command.delivery != change.case.pending_reply:
        change.record("DeliverySucceeded", delivery=command.delivery, remote_id=command.remote_id)
        return
    if change.case.state in _WAITING:
        sent(change, remote_id=command.remote_id)
        return
    # the case moved on (superseded, held back) while the reply was on its way: say what really happened
    change.set(pending_reply="")
    change.record("ReplySent", delivery=command.delivery, reason=f"The case was already {change.case.state}.")
    tell(change, "delivered", late=True)
    if not change.case.is_final:
        reason = "An earlier reply of this case had reached the customer already."
        end(change, "withdrawn", "withdrawn", by="", role="", reason=reason, category="answered_elsewhere")


def gave_up(change: Change, command: GaveUp) -> None:
    change.record("DeliveryFailed", delivery=command.delivery, reason=command.error, remedy=command.remedy)
    reply = command.delivery == change.case.pending_reply
    # of a case that moved on, a dead reply must not hold back what follows it
    moved_on = reply and change.case.state not in _WAITING
    change.settle(
        Settlement(delivery=command.delivery, status="cancelled" if moved_on else "dead", error=command.error)
    )
    if reply and change.case.state == "sending":
        change.set(state="failed")
        _in_trouble(change, command.error, command.remedy)


def parked(change: Change, command: Parked) -> None:
    """Nobody can tell whether it arrived, so nobody repeats it: a person looks (DL2)."""
    change.record("DeliveryIndeterminate", delivery=command.delivery, reason=command.error, look_at=command.look_at)
    if command.delivery == change.case.pending_reply and change.case.state in _WAITING:
        change.settle(Settlement(delivery=command.delivery, status="indeterminate", error=command.error))
        change.set(state="indeterminate", indeterminate=command.look_at)
        _in_trouble(change, command.error, command.look_at)
        return
    # not the reply (a holding message, a note): never repeated, and what follows it need not wait
    change.settle(Settlement(delivery=command.delivery, status="cancelled", error=command.error))
    tell(change, "failed", error=command.error, remedy=command.look_at)


def held_at_gate(change: Change, command: HeldAtGate) -> None:
    """The second gate refused: what was approved is not what would be sent now, so people look again."""
    change.record("DeliveryHeld", delivery=command.delivery, reason=command.reason)
    reply = command.delivery == change.case.pending_reply
    if reply and change.case.state == "indeterminate":
        return  # this attempt sent nothing, but an earlier one may have: that is still to be settled
    change.settle(Settlement(delivery=command.delivery, status="cancelled", error=command.reason))
    if not reply or change.case.state not in _WAITING:
        return
    reopen_for_people(change, command.reason)
    _show_new_blocks(change)
    ask_people(change)
    tell(change, "held", reason=command.reason)
    refresh(change)


def _show_new_blocks(change: Change) -> None:
    """What the guardrails in force now say against the text, so that nobody approves it into the same gate (GU4)."""
    case = change.case
    if draft := case.draft:
        found = blocked(scan_reply(case, draft.text, change.world.active.rules, f"draft:{draft.version}"))
        change.set(findings=tuple(dict.fromkeys((*case.findings, *found))))


def _in_trouble(change: Change, error: str, remedy: str) -> None:
    """The reply did not surely arrive: people are told, also where none had been asked."""
    if not change.case.packets:
        open_packets(change)
    tell(change, "failed", error=error, remedy=remedy, reply=True)
    refresh(change)


def settle(change: Change, command: SettleDelivery) -> None:
    """A person looked at the destination. `Send again` uses the same delivery id, so a receiver can still drop it."""
    case = change.case
    held = change.world.people.roles_of(command.user)
    deciders = {role for stage in case.assessed.stages for role in stage.roles}
    if not held & {case.assessed.route.role, *deciders, *SETTLERS}:
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
    kind, _, who = command.by.partition(":")
    if kind == "slack" and not change.world.people.roles_of(who) & set(SETTLERS):
        raise Refused("not_in_role", "Sending a failed delivery again takes a support lead or an automation owner.")
    reply = command.delivery == change.case.pending_reply
    if reply and change.case.state == "indeterminate":
        raise Refused("indeterminate", "Nobody can tell yet whether this reply arrived. Settle that first.")
    if reply and change.case.state != "failed":
        raise Refused("not_failed", f"The case is {change.case.state}, so this reply does not go out again.")
    change.record("DeliveryRedriven", delivery=command.delivery)
    if isinstance(command.effect, CrmPatch | HelpdeskFields):
        # an old one would write over what a newer one said: what holds now goes instead
        change.settle(Settlement(delivery=command.delivery, status="cancelled", error="sent anew"))
        if change.case.verdict:
            report(change)
        else:
            patch_crm(change, final=False)
        return
    change.settle(Settlement(delivery=command.delivery, status="redrive"))
    if reply:
        change.set(state="sending")
        refresh(change)
