"""A change of the office in the making, and what it leaves behind."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec.structs import replace

from app.core.effects import (
    AnyEffect,
    BoardPost,
    BoardUpdate,
    ChannelNotice,
    Event,
    EventType,
    Pending,
    PersonalNotice,
    Settlement,
    destination_of,
)
from app.core.office.values import Office, OfficeOutcome, OfficeWorld


class OfficeChange:
    """Collects events and effects; `outcome()` freezes it. Lives within one `decide_office` only."""

    def __init__(self, office: Office, world: OfficeWorld, actor: str) -> None:
        self.office = office
        self.world = world
        self.actor = actor
        self.events: list[Event] = []
        self.effects: list[Pending] = []
        self.settled: list[Settlement] = []

    @property
    def now(self) -> datetime:
        return self.world.now

    def set(self, **fields: Any) -> None:
        self.office = replace(self.office, **fields)

    def record(self, kind: EventType, *, reason: str = "", snapshot: str = "", **data: Any) -> None:
        self.events.append(Event(type=kind, actor=self.actor, reason=reason, policy_snapshot=snapshot, data=data))

    def send(self, effect: BoardPost | BoardUpdate | ChannelNotice | PersonalNotice) -> None:
        number = self.office.deliveries + 1
        self.set(deliveries=number)
        delivery = f"office-{number}"
        lane, pace = self._lane(effect, delivery)
        self.effects.append(
            Pending(
                id=delivery,
                number=number,
                lane=lane,
                destination=destination_of(effect),
                priority=0,
                effect=effect,
                pace=pace,
            )
        )

    def _lane(self, effect: AnyEffect, delivery: str) -> tuple[str, str]:
        """A board's messages go one after the other, a channel's notices too: no end before its beginning."""
        match effect:
            case BoardPost():
                board = self.office.board(effect.board)
                return f"office:{effect.board}", board.channel if board else ""
            case BoardUpdate():
                return f"office:{effect.board}", ""
            case ChannelNotice():
                return f"office:#{effect.channel}", effect.channel
            case PersonalNotice():
                return delivery, effect.user
            case _:
                raise AssertionError("not an effect of the office")

    def settle(self, settlement: Settlement) -> None:
        self.settled.append(settlement)

    def outcome(self) -> OfficeOutcome:
        return OfficeOutcome(
            office=replace(self.office, version=self.office.version + 1),
            events=tuple(self.events),
            effects=tuple(self.effects),
            settled=tuple(self.settled),
        )
