"""Knows the far ends: how each effect is handed over, what may not leave, and whether it arrived already."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from app.core.case import UNDECIDED_STATES, Case, Packet
from app.core.effects import (
    Callback,
    CrmPatch,
    DirectMessage,
    HelpdeskFields,
    HelpdeskNote,
    HelpdeskReply,
    ModelDraft,
    ModelReading,
    PacketPost,
    PacketUpdate,
    RoleLookup,
    ThreadReply,
)
from app.core.messages import (
    Delivered,
    Drafted,
    GaveUp,
    HeldAtGate,
    ModelFailed,
    PacketShown,
    Parked,
    Receipt,
    RoleResolved,
    RoleUnresolved,
    SurfaceLost,
    Understood,
)
from app.core.pausing import is_paused, stops
from app.core.scanning import blocked, scan_reply
from app.core.who import people_for
from app.engine import Engine
from app.ports.callbacks import CallbackPort
from app.ports.crm import Crm
from app.ports.errors import Found, GiveUp, SendResult
from app.ports.helpdesk import Helpdesk
from app.ports.llm import Brief, LanguageModel
from app.ports.resolvers import Resolver, question_of, resolver_for, unanswerable
from app.ports.slack import SlackPort
from app.ports.slack_errors import surface_trouble
from app.ports.slack_reading import DIGEST
from blocks.packet import packet_message
from blocks.surface import SlackMessage, Surroundings, surroundings_of
from blocks.thread import direct_message, thread_message
from db.outbox import ClaimedDelivery

log = logging.getLogger("countersign.dispatch")

NOT_SENT = ("shown", "skipped")  # remote ids of what needed no request
# Where a successor or a colleague's answer took a case's place before anybody saw it, nobody looks for its packets.
_REPLACED = ("superseded", "withdrawn")


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The far ends. None: this installation has none of the kind, and its deliveries count as done, skipped."""

    slack: SlackPort
    helpdesk: Helpdesk
    crm: Crm | None = None
    callbacks: CallbackPort | None = None
    model: LanguageModel | None = None
    resolvers: tuple[Resolver, ...] = ()


class CaseParcel:
    """A delivery together with its case as that stands now."""

    def __init__(self, courier: Courier, delivery: ClaimedDelivery, case: Case) -> None:
        self.courier = courier
        self.delivery = delivery
        self.case = case

    def send(self) -> Receipt:
        effect = self.delivery.effect
        if isinstance(effect, HelpdeskReply) and (refusal := self.courier.gate(self.case, effect)):
            return HeldAtGate(case_id=self.case.id, delivery=self.delivery.id, reason=refusal)
        return self.courier.deliver(self.delivery, self.case)

    def look(self) -> Receipt | bool | None:
        return self.courier.look(self.delivery, self.case)

    def gave_up(self, error: str, remedy: str, code: str = "", /) -> Receipt:
        """Without a model's advice or a role's answer people go on; a packet whose place is lost, or too big for Slack,
        goes on in another way; everything else becomes a dead letter that people are told of."""
        effect, trouble = self.delivery.effect, surface_trouble(code)
        shapeless = trouble == "shape" and isinstance(effect, ThreadReply)
        if trouble and not shapeless and isinstance(effect, PacketPost | PacketUpdate | ThreadReply):
            log.warning("packet %s of case %s cannot be shown: %s", effect.packet, self.case.id, code)
            return surface_lost(self.delivery, self.case, effect, trouble, error, remedy)
        if self.delivery.destination == "model":
            return ModelFailed(case_id=self.case.id, delivery=self.delivery.id, error=error)
        if isinstance(self.delivery.effect, RoleLookup):
            role, said = self.delivery.effect.role, f"{error}. {remedy}" if remedy else error
            return RoleUnresolved(case_id=self.case.id, delivery=self.delivery.id, role=role, error=said)
        return GaveUp(case_id=self.case.id, delivery=self.delivery.id, error=error, remedy=remedy)

    def parked(self, error: str, look_at: str = "") -> Receipt:
        where = look_at or f"ticket {self.case.ticket.id}: was this reply added?"
        return Parked(case_id=self.case.id, delivery=self.delivery.id, error=error, look_at=where)


class Courier:
    """One delivery at a time, without retries. Ports raise RetryLater, GiveUp or Ambiguous, and so does this."""

    def __init__(self, engine: Engine, ports: Ports, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.engine = engine
        self.ports = ports
        self.monotonic = monotonic

    def parcel(self, delivery: ClaimedDelivery) -> CaseParcel | None:
        """None when there is no such case."""
        with self.engine.store.reading() as reader:
            case = reader.case(delivery.case_id)
        return None if case is None else CaseParcel(self, delivery, case)

    def wait_of(self, pace: str) -> float:
        """Seconds until Slack takes the next message in this channel, or from this direct conversation."""
        return self.ports.slack.ready_at(self._channel(pace)) - self.monotonic()

    def gate(self, case: Case, effect: HelpdeskReply) -> str:
        """The second gate: is what would leave now still exactly what was approved, and is it still allowed?"""
        self.engine.follow()  # what another replica put in force counts at once
        active = self.engine.policy.rules
        own = self.engine.policy_of(case.policy_snapshot).rules
        if effect.kind == "reply":
            if case.state != "sending":
                return f"The case is {case.state}; its reply does not go out any more."
            if stops(case, case.draft, self.engine.pauses()):
                return "AI text is paused for this queue."
            draft = case.sendable_draft
            if draft is None or draft.text != effect.text or case.request_hash != effect.request_hash:
                return "The text is not the one that was approved."
        elif case.is_final and case.state != "expired":
            return f"The case is {case.state}; there is nothing left to hold the customer for."
        found = blocked((*scan_reply(case, effect.text, own, "gate"), *scan_reply(case, effect.text, active, "gate")))
        findings = [f for f in found if (f.rule_id, f.rule_version) not in case.lifted]
        if findings:
            return "A guardrail blocks this text now: " + "; ".join(
                dict.fromkeys(f.reason or f.rule_id for f in findings)
            )
        return ""

    def deliver(self, delivery: ClaimedDelivery, case: Case) -> Receipt:
        effect = delivery.effect
        result = SendResult(remote_id="skipped")
        match effect:
            case PacketPost() | PacketUpdate():
                return self._show(delivery, case, effect)
            case ThreadReply():
                parent = case.packet(effect.packet)
                if parent is not None and parent.ts is None and parent.gone and not parent.lost:
                    return surface_lost(delivery, case, effect, "moving", "its packet is on its way")
                if parent is not None and parent.ts is not None:
                    message = thread_message(case, effect, self.around(case))
                    result = self.ports.slack.post(
                        delivery.id, parent.channel_id, message.text, message.blocks, message.metadata, parent.ts
                    )
            case DirectMessage():
                message = direct_message(case, effect, self.around(case))
                result = self.ports.slack.direct(
                    delivery.id, effect.user, message.text, message.blocks, message.metadata
                )
            case HelpdeskReply():
                result = self.ports.helpdesk.send_reply(
                    delivery.id, case, effect.text, effect.kind, effect.request_hash
                )
            case HelpdeskNote():
                result = self.ports.helpdesk.add_note(delivery.id, case, effect.text)
            case HelpdeskFields():
                result = self.ports.helpdesk.set_fields(delivery.id, case, effect.fields, effect.tags)
            case CrmPatch():
                if self.ports.crm is not None:
                    result = self.ports.crm.update(delivery.id, case, effect.ticket, effect.properties)
            case ModelReading() | ModelDraft():
                return self._ask_model(delivery, case, effect)
            case RoleLookup():
                return self._look_up_role(delivery, case, effect)
            case Callback():
                if self.ports.callbacks is not None:
                    result = self.ports.callbacks.send(delivery.id, effect.url, effect.key, effect.type, effect.data)
        return Delivered(case_id=case.id, delivery=delivery.id, remote_id=result.remote_id)

    def _ask_model(self, delivery: ClaimedDelivery, case: Case, effect: ModelReading | ModelDraft) -> Receipt:
        model = self.ports.model
        if case.asking != delivery.id:
            return Delivered(case_id=case.id, delivery=delivery.id, remote_id="skipped")
        if model is None:
            return ModelFailed(case_id=case.id, delivery=delivery.id, error="No language model is connected.")
        policy = self.engine.policy_of(case.policy_snapshot)
        if isinstance(effect, ModelReading):
            reading = model.read(case, policy.intent_titles)
            return Understood(
                case_id=case.id, delivery=delivery.id, model=model.name, signals=reading.signals, gist=reading.gist
            )
        rejected = case.draft if case.draft and case.draft.version in case.rejected_versions else None
        brief = Brief(
            notes=tuple(dict.fromkeys(r.guidance for r in case.assessed.reasons if r.guidance)),
            templates=tuple((t.id, t.title, t.text) for t in policy.templates),
            feedback=tuple(n.text for n in case.notes if n.kind == "feedback" and n.text),
            rejected=rejected.text if rejected else "",
        )
        return Drafted(case_id=case.id, delivery=delivery.id, draft=model.draft(case, brief))

    def _look_up_role(self, delivery: ClaimedDelivery, case: Case, effect: RoleLookup) -> Receipt:
        if case.state not in UNDECIDED_STATES:
            return Delivered(case_id=case.id, delivery=delivery.id, remote_id="skipped")
        resolver = resolver_for(effect.resolver, self.ports.resolvers)
        question = question_of(case, self.engine.people(), self.engine.clock.now())
        problem = unanswerable(effect.resolver, question, resolver)
        if resolver is None or problem:
            return RoleUnresolved(case_id=case.id, delivery=delivery.id, role=effect.role, error=problem)
        users = resolver.resolve(effect.resolver, question)
        return RoleResolved(case_id=case.id, delivery=delivery.id, role=effect.role, users=users, source=resolver.name)

    def _show(self, delivery: ClaimedDelivery, case: Case, effect: PacketPost | PacketUpdate) -> Receipt:
        """Post or update a packet as the case is now. What Slack shows already is not sent again."""
        packet = case.packet(effect.packet)
        if packet is None or packet.lost:
            return Delivered(case_id=case.id, delivery=delivery.id, remote_id="skipped")
        message = packet_message(case, packet, self.around(case))
        metadata = with_digest(message)
        if packet.ts is None:
            if isinstance(effect, PacketUpdate) or _nobody_waits(case):
                return Delivered(case_id=case.id, delivery=delivery.id, remote_id="skipped")
            parent = case.packet(packet.parent)
            if isinstance(effect, PacketPost) and parent and parent.ts is None and self._is_coming(case, parent):
                return surface_lost(delivery, case, effect, "moving", "its packet is on its way")
            result = self._post(delivery, case, packet, message, metadata)
        elif packet.shown == message.digest:
            return Delivered(case_id=case.id, delivery=delivery.id, remote_id="shown")
        else:
            result = self.ports.slack.update(packet.channel_id, packet.ts, message.text, message.blocks, metadata)
        return PacketShown(
            case_id=case.id,
            delivery=delivery.id,
            packet=packet.key,
            channel_id=result.channel_id,
            ts=result.ts,
            digest=message.digest,
        )

    def _is_coming(self, case: Case, packet: Packet) -> bool:
        """Whether it still has to be posted; one that Slack took never, and never will, is not waited for."""
        with self.engine.store.reading() as reader:
            waiting = reader.deliveries("pending", "claimed", case_id=case.id, destination="slack")
        return PacketPost(packet=packet.key) in (delivery.effect for delivery in waiting)

    def _post(
        self, delivery: ClaimedDelivery, case: Case, packet: Packet, message: SlackMessage, metadata: Mapping[str, Any]
    ) -> SendResult:
        if packet.person:
            return self.ports.slack.direct(delivery.id, packet.person, message.text, message.blocks, metadata)
        parent = case.packet(packet.parent) if packet.parent else None
        channel, thread = self._channel(packet.channel), parent.ts if parent else None
        return self.ports.slack.post(delivery.id, channel, message.text, message.blocks, metadata, thread)

    def look(self, delivery: ClaimedDelivery, case: Case) -> Receipt | bool | None:
        """Did a delivery of unknown outcome arrive? A receipt: yes. True: it may be sent (again). None: who knows."""
        effect = delivery.effect
        kind = type(effect).__name__
        match effect:
            case PacketPost() | ThreadReply():
                return self._look_in_channel(delivery, case, effect)
            case DirectMessage():
                found, _ = self.ports.slack.find_direct(
                    delivery.id, effect.user, delivery.first_at or delivery.created_at
                )
                return Delivered(case_id=case.id, delivery=delivery.id) if found is Found.YES else True
            case HelpdeskReply() | HelpdeskNote() | HelpdeskFields():
                if kind in self.ports.helpdesk.idempotent:
                    return True
                at_helpdesk = self.ports.helpdesk.find_sent(delivery.id, case, effect)
                if at_helpdesk is Found.YES:
                    return Delivered(case_id=case.id, delivery=delivery.id)
                return True if at_helpdesk is Found.NO else None
            case _:
                return True  # updates, CRM patches and callbacks do no harm twice

    def _look_in_channel(
        self, delivery: ClaimedDelivery, case: Case, effect: PacketPost | ThreadReply
    ) -> Receipt | bool:
        packet = case.packet(effect.packet)
        if packet is None:
            return True
        parent = case.packet(packet.parent) if packet.parent else None
        thread = (parent.ts if parent else None) if isinstance(effect, PacketPost) else packet.ts
        channel_id = packet.channel_id or self._channel(packet.channel)
        if packet.person and not packet.channel_id:
            try:
                channel_id = self.ports.slack.direct_channel(packet.person)
            except GiveUp:
                return True
        found, ts = self.ports.slack.find_posted(
            delivery.id, channel_id, thread, delivery.first_at or delivery.created_at
        )
        if found is not Found.YES:
            return True  # a second packet is a nuisance, a missing one is a stuck case
        if isinstance(effect, ThreadReply):
            return Delivered(case_id=case.id, delivery=delivery.id, remote_id=ts)
        return PacketShown(
            case_id=case.id, delivery=delivery.id, packet=packet.key, channel_id=channel_id, ts=ts, digest=""
        )

    def around(self, case: Case) -> Surroundings:
        """What a packet of this case shows besides the case, as it is now."""
        paused = is_paused(case, self.engine.pauses())
        people = people_for(case, self.engine.people())
        return surroundings_of(self.engine.policy_of(case.policy_snapshot), people, paused=paused)

    def _channel(self, name: str) -> str:
        return self.engine.people().channels.get(name, name)


def with_digest(message: SlackMessage) -> dict[str, Any]:
    """The message's metadata with its digest, which survives whatever Slack makes of text and blocks."""
    known = message.metadata or {}
    return {**known, "event_payload": {**(known.get("event_payload") or {}), DIGEST: message.digest}}


def _nobody_waits(case: Case) -> bool:
    return case.state in _REPLACED and not any(p.ts or p.gone for p in case.packets)


def surface_lost(
    delivery: ClaimedDelivery,
    case: Case,
    effect: PacketPost | PacketUpdate | ThreadReply,
    lost: Literal["channel", "message", "shape", "moving"],
    error: str,
    remedy: str = "",
) -> SurfaceLost:
    """`case` is as it was when the delivery was tried."""
    packet = case.packet(effect.packet)
    return SurfaceLost(
        case_id=case.id,
        delivery=delivery.id,
        packet=effect.packet,
        channel=packet.channel if packet else "",
        ts=(packet.ts or "") if packet else "",
        lost=lost,
        error=error,
        remedy=remedy,
        effect=effect,
    )
