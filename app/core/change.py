"""A change in the making: the case as it becomes, and what that leaves behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from app.core.assessment import TIERS
from app.core.case import Case, Note, Packet
from app.core.effects import (
    DECISION_EVENTS,
    AnyEffect,
    Callback,
    Click,
    DirectMessage,
    Event,
    EventType,
    ModelDraft,
    ModelReading,
    Outcome,
    PacketPost,
    PacketUpdate,
    Pending,
    RoleLookup,
    Settlement,
    ThreadReply,
    destination_of,
)
from app.core.world import World

# Said in a packet's thread where it has one: a line in a digest says as much by itself.
_QUIET = frozenset({"decided", "delivered"})
UPDATES = "chat.update"  # Slack counts these together, whatever the channel
NOTES = 100  # kept with the case, the latest; the audit log has them all


class Change:
    """Collects events and effects while the case evolves; `outcome()` freezes it. Lives within one `decide` only."""

    def __init__(self, case: Case, world: World, actor: str, click: Click | None = None) -> None:
        self.case = case
        self.world = world
        self.actor = actor
        self.click = click or Click()
        self.events: list[Event] = []
        self.effects: list[Pending] = []
        self.settled: list[Settlement] = []
        self.instead_of = ""  # whom the person who decides acts for: every decision says so (DE7)

    @property
    def now(self) -> datetime:
        return self.world.now

    def set(self, **fields: Any) -> None:
        self.case = replace(self.case, **fields)

    def record(self, kind: EventType, *, actor: str = "", reason: str = "", **data: Any) -> None:
        case = self.case
        if kind in DECISION_EVENTS and self.instead_of:
            data["instead_of"] = self.instead_of
        self.events.append(
            Event(
                type=kind,
                actor=actor or self.actor,
                reason=reason,
                request_hash=case.request_hash if case.drafts else "",
                policy_snapshot=case.policy_snapshot,
                click=self.click,
                data=data,
            )
        )

    def send(self, effect: AnyEffect) -> str:
        """Put an effect on its lane and return the delivery id; a folded packet that it needs is posted first."""
        self._unfold_for(effect)
        number = self.case.deliveries + 1
        self.set(deliveries=number)
        delivery = f"{self.case.id}-{number}"
        tier = self.case.assessment.tier if self.case.assessment else "high"
        self.effects.append(
            Pending(
                id=delivery,
                number=number,
                lane=self._lane(effect, delivery),
                destination=destination_of(effect),
                priority=len(TIERS) - 1 - TIERS.index(tier),
                effect=effect,
                pace=self._pace(effect),
            )
        )
        return delivery

    def unfold(self, packet: Packet, why: str) -> None:
        """From here on the packet has a message of its own."""
        self.put(replace(packet, folded=False))
        self.record("PacketUnfolded", reason=why, packet=packet.key, digest=packet.digest)
        self.send(PacketPost(packet=packet.key))

    def _unfold_for(self, effect: AnyEffect) -> None:
        needed: Packet | None = None
        if isinstance(effect, ThreadReply) and effect.kind not in _QUIET:
            needed = self.case.packet(effect.packet)
        elif isinstance(effect, PacketPost) and (posted := self.case.packet(effect.packet)):
            needed = self.case.packet(posted.parent)
        if needed is not None and needed.folded:
            self.unfold(needed, "It needs a thread.")

    def _pace(self, effect: AnyEffect) -> str:
        match effect:
            case PacketPost() | ThreadReply():
                packet = self.case.packet(effect.packet)
                return (packet.person or packet.channel) if packet else ""
            case DirectMessage():
                return effect.user
            case PacketUpdate():
                return UPDATES
            case _:
                return ""

    def _lane(self, effect: AnyEffect, delivery: str) -> str:
        match effect:
            case PacketPost() | PacketUpdate() | ThreadReply():
                packet = self.case.packet(effect.packet)
                return f"{self.case.id}:{(packet.parent if packet else '') or effect.packet}"
            case DirectMessage() | RoleLookup():
                return delivery
            case Callback():
                return f"{self.case.id}:callback"
            case ModelReading() | ModelDraft():
                return f"{self.case.id}:model"
            case _:
                return f"{self.case.id}:out"

    def put(self, packet: Packet) -> None:
        """In the place of the packet with its key, or as a new one."""
        if self.case.packet(packet.key) is None:
            self.set(packets=(*self.case.packets, packet))
            return
        self.set(packets=tuple(packet if p.key == packet.key else p for p in self.case.packets))

    def note(self, note: Note) -> None:
        self.set(notes=(*self.case.notes, note)[-NOTES:])

    def settle(self, settlement: Settlement) -> None:
        self.settled.append(settlement)

    def outcome(self) -> Outcome:
        return Outcome(
            case=replace(self.case, version=self.case.version + 1),
            events=tuple(self.events),
            effects=tuple(self.effects),
            settled=tuple(self.settled),
        )
