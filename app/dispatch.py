"""The only holder of ports: hands committed effects to the outside and brings the receipts back in (DL1-DL3)."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import msgspec

from app.clock import Clock
from app.core.case import Case
from app.core.errors import Refused
from app.core.messages import (
    Callback,
    CrmPatch,
    Delivered,
    Destination,
    DirectMessage,
    Event,
    GaveUp,
    HeldAtGate,
    HelpdeskFields,
    HelpdeskNote,
    HelpdeskReply,
    PacketPost,
    PacketShown,
    PacketUpdate,
    Parked,
    Receipt,
    ThreadReply,
)
from app.core.retry import Breaker, OutOfTime, plan_retry
from app.core.scanning import blocked, scan_reply
from app.engine import Engine, Point, no_point, where
from app.ports.callbacks import CallbackPort
from app.ports.crm import Crm
from app.ports.errors import Ambiguous, Found, GiveUp, RetryLater, SendResult
from app.ports.helpdesk import Helpdesk
from app.ports.slack import SlackPort
from blocks.packet import packet_message
from blocks.surface import Surroundings, surroundings_of
from blocks.thread import direct_message, thread_message
from db.outbox import ClaimedDelivery

log = logging.getLogger("countersign.dispatch")

LEASE = timedelta(seconds=60)
SEND_WITHIN = timedelta(seconds=20)  # a port's longest call: what cannot be sent within its lease is not begun
CLAIM = 8
IDLE = 1.0  # seconds between looks when nothing woke us: other replicas' commits and due retries
RATE_LIMITED = ("429", "ratelimited", "rate_limited")  # the destination is well, only busy: no reason to shut it off
# Repeated at once after a time-out; everything else is looked for a second time first.
HARMLESS_TWICE = (PacketUpdate, HelpdeskFields, CrmPatch, Callback)
DESTINATIONS: tuple[Destination, ...] = ("slack", "helpdesk", "crm", "callback")


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """The far ends. None: this installation has none of the kind, and its deliveries count as done, skipped."""

    slack: SlackPort
    helpdesk: Helpdesk
    crm: Crm | None = None
    callbacks: CallbackPort | None = None


class _CannotLook(RetryLater):
    """The destination cannot be asked now whether an earlier attempt arrived."""


class Dispatcher:
    """`clock` is the wall's, not the demo's: leases and retries are about real machines."""

    def __init__(
        self,
        engine: Engine,
        ports: Ports,
        *,
        worker: str,
        clock: Clock,
        point: Point = no_point,
        jitter: Callable[[], float] = random.random,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.engine = engine
        self.store = engine.store
        self.ports = ports
        self.worker = worker
        self.clock = clock
        self.point = point
        self.jitter = jitter
        self.monotonic = monotonic
        self._breakers: dict[Destination, Breaker] = dict.fromkeys(DESTINATIONS, Breaker())
        self._pause: dict[Destination, float] = dict.fromkeys(DESTINATIONS, IDLE)
        self._wake = {d: threading.Event() for d in DESTINATIONS}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        # one pool each: a destination that hangs holds up nobody else
        self._pools = {d: ThreadPoolExecutor(CLAIM, thread_name_prefix=f"deliver-{d}") for d in DESTINATIONS}

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self.engine.listeners.append(self.wake)
        for destination in DESTINATIONS:
            thread = threading.Thread(
                target=self._loop, args=(destination,), name=f"dispatch-{destination}", daemon=True
            )
            thread.start()
            self._threads.append(thread)

    def stop(self, timeout: float = 12) -> None:
        """Finish what is on its way; what was not begun waits for the next start."""
        self._stopping.set()
        self.wake()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)

    def wake(self) -> None:
        for event in self._wake.values():
            event.set()

    def _loop(self, destination: Destination) -> None:
        while not self._stopping.is_set():
            self._wake[destination].clear()
            try:
                handled = self.step(destination, self._pools[destination])
            except Exception as error:
                log.error("dispatch to %s stumbled: %s", destination, where(error))
                handled = 0
            if not handled:
                self._wake[destination].wait(min(IDLE, self._pause[destination]))

    # --- one round -----------------------------------------------------------------------------------------------

    def step(self, destination: Destination, pool: ThreadPoolExecutor | None = None) -> int:
        """Claim what is due for one destination and hand it over; how many deliveries were taken in hand."""
        now = self.clock.now()
        allowed = self._breakers[destination].allows(now)
        if allowed == 0:
            return 0
        with self.store.reading() as reader:  # looking costs no lock
            paces = reader.due_paces(destination, now)
            lapsed = reader.has_lapsed(destination, now)
        closed = {pace for pace in paces if pace and self._wait_of(pace) > 0}
        self._pause[destination] = min((self._wait_of(pace) for pace in closed), default=IDLE)
        if not lapsed and paces <= closed:
            return 0
        with self.store.writing() as uow:
            claimed = uow.claim(self.worker, now, LEASE, allowed or CLAIM, (destination,), closed)
        self.point("after claim")
        for _ in (map if pool is None else pool.map)(self._handle, claimed):
            pass
        return len(claimed)

    def _wait_of(self, pace: str) -> float:
        """Seconds until Slack takes the next message in this channel, or from this direct conversation."""
        return self.ports.slack.ready_at(self._channel(pace)) - self.monotonic()

    def _handle(self, delivery: ClaimedDelivery) -> None:
        """Send, and bring the receipt in. Whatever is raised becomes a retry, a dead letter or a question to people."""
        with self.store.reading() as reader:
            case = reader.case(delivery.case_id)
        if case is None:
            self._refer(GaveUp(case_id=delivery.case_id, delivery=delivery.id, error="its case is gone"))
            return
        breaker = self._breakers[delivery.destination]
        try:
            receipt = self._looked_up(delivery, case) or self._send(delivery, case)
        except _CannotLook as error:
            self._retry(delivery, error.reason, error.after, maybe_sent=True)
        except RetryLater as error:
            if error.code == "paced":
                self._put_back(delivery, error.after or 0)
                return
            if error.code not in RATE_LIMITED:
                self._breakers[delivery.destination] = breaker.failed(self.clock.now())
            self._retry(delivery, str(error), error.after)
        except GiveUp as error:
            self._refer(GaveUp(case_id=case.id, delivery=delivery.id, error=error.error, remedy=error.remedy))
        except Ambiguous as error:
            self._ambiguous(delivery, case, error)
        except Exception as error:
            # a fault of our own after the request may have left is as ambiguous as a time-out
            log.error("delivery %s failed: %s", delivery.id, where(error))
            self._ambiguous(delivery, case, Ambiguous(f"fault: {type(error).__name__}", "the destination"))
        else:
            self._breakers[delivery.destination] = breaker.succeeded()
            self._refer(receipt)

    def _put_back(self, delivery: ClaimedDelivery, seconds: float) -> None:
        """Its channel is not ready: no attempt was made, so none is written down."""
        due = self.clock.now() + timedelta(seconds=seconds)
        with self.store.writing() as uow:
            uow.reschedule(delivery.id, self.worker, due, "", maybe_sent=delivery.maybe_sent)

    def _refer(self, receipt: Receipt) -> None:
        self.point("before receipt")
        try:
            self.engine.handle(receipt)  # type: ignore[arg-type]
        except Refused as refusal:
            log.warning("receipt of %s refused: %s", receipt.delivery, refusal.code)
            with self.store.writing() as uow:
                uow.settle(receipt.delivery, "cancelled", refusal.code, self.clock.now())

    def _retry(
        self, delivery: ClaimedDelivery, reason: str, after: float | None = None, *, maybe_sent: bool = False
    ) -> None:
        now = self.clock.now()
        plan = plan_retry(
            attempts=delivery.attempts,
            first_at=delivery.first_at or now,
            now=now,
            after=after,
            jitter=self.jitter(),
        )
        if isinstance(plan, OutOfTime):
            remedy = "Mend the destination, then re-drive the delivery."
            self._refer(GaveUp(case_id=delivery.case_id, delivery=delivery.id, error=reason, remedy=remedy))
            return
        event = Event(
            type="DeliveryRetried",
            actor="system:dispatch",
            reason=reason,
            data={"delivery": delivery.id, "attempt": delivery.attempts, "next_at": plan.due_at.isoformat()},
        )
        with self.store.writing() as uow:
            uow.reschedule(delivery.id, self.worker, plan.due_at, reason, maybe_sent=maybe_sent)
            uow.append_events((event,), delivery.case_id, self.engine.clock.now())
        log.info("delivery %s to %s waits: %s", delivery.id, delivery.destination, reason)

    def _ambiguous(self, delivery: ClaimedDelivery, case: Case, error: Ambiguous) -> None:
        """Repeat only what harms nobody; else look for our marker; else ask people (DL2)."""
        try:
            seen = self._look(delivery, case)
        except RetryLater as later:
            # cannot even look now: it comes back as `maybe_sent`, which looks first
            self._retry(delivery, str(later), later.after, maybe_sent=True)
            return
        if isinstance(seen, Receipt):
            self._refer(seen)
        elif seen:
            self._retry(delivery, str(error))
        else:
            look_at = error.look_at or "the ticket at the destination"
            self._refer(Parked(case_id=case.id, delivery=delivery.id, error=error.error, look_at=look_at))

    # --- sending -------------------------------------------------------------------------------------------------

    def _arrived_before(self, delivery: ClaimedDelivery, case: Case) -> Receipt | None:
        """What came of an earlier claim that ended without a word. None: nothing, so it may be sent now."""
        found = self._look(delivery, case)
        if found is None:
            look_at = f"ticket {case.ticket.id}: was this reply added?"
            return Parked(case_id=case.id, delivery=delivery.id, error="stopped in mid-delivery", look_at=look_at)
        return found if isinstance(found, Receipt) else None

    def _looked_up(self, delivery: ClaimedDelivery, case: Case) -> Receipt | None:
        """What became of a delivery that an earlier attempt left in the dark; None when it may be sent."""
        if not delivery.maybe_sent:
            return None
        try:
            seen = self._look(delivery, case)
        except RetryLater as later:
            raise _CannotLook(str(later), after=later.after) from None
        if seen is True:
            return None
        look_at = f"ticket {case.ticket.id}: was this reply added?"
        return seen or Parked(case_id=case.id, delivery=delivery.id, error="stopped in mid-delivery", look_at=look_at)

    def _send(self, delivery: ClaimedDelivery, case: Case) -> Receipt:
        effect = delivery.effect
        if isinstance(effect, HelpdeskReply) and (refusal := self._gate(case, effect)):
            return HeldAtGate(case_id=case.id, delivery=delivery.id, reason=refusal)
        self.point("before send")
        receipt = self._deliver(delivery, case)
        self.point("after send")
        return receipt

    def _gate(self, case: Case, effect: HelpdeskReply) -> str:
        """The second gate: is what would leave now still exactly what was approved, and is it still allowed?"""
        active = self.engine.policy.rules
        own = self.engine.policy_of(case.policy_snapshot).rules
        if effect.kind == "reply":
            if case.state not in ("sending", "indeterminate"):
                return f"The case is {case.state}; its reply does not go out any more."
            draft = case.sendable_draft
            if draft is None or draft.text != effect.text or case.request_hash != effect.request_hash:
                return "The text is not the one that was approved."
        findings = blocked(
            (*scan_reply(case, effect.text, own, "gate"), *scan_reply(case, effect.text, active, "gate"))
        )
        if findings:
            return "A guardrail blocks this text now: " + "; ".join(
                dict.fromkeys(f.reason or f.rule_id for f in findings)
            )
        return ""

    def _deliver(self, delivery: ClaimedDelivery, case: Case) -> Receipt:
        effect = delivery.effect
        result = SendResult(remote_id="skipped")
        match effect:
            case PacketPost() | PacketUpdate():
                return self._show(delivery, case, effect)
            case ThreadReply():
                parent = case.packet(effect.packet)
                if parent is not None and parent.ts is not None:
                    message = thread_message(case, effect, self._around(case))
                    result = self.ports.slack.post(
                        delivery.id, parent.channel_id, message.text, message.blocks, message.metadata, parent.ts
                    )
            case DirectMessage():
                message = direct_message(case, effect, self._around(case))
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
            case Callback():
                if self.ports.callbacks is not None:
                    result = self.ports.callbacks.send(delivery.id, effect.url, effect.key, effect.type, effect.data)
        return Delivered(case_id=case.id, delivery=delivery.id, remote_id=result.remote_id)

    def _show(self, delivery: ClaimedDelivery, case: Case, effect: PacketPost | PacketUpdate) -> Receipt:
        """Post or update a packet as the case is now. What Slack shows already is not sent again."""
        packet = case.packet(effect.packet)
        if packet is None:
            return Delivered(case_id=case.id, delivery=delivery.id)
        message = packet_message(case, packet, self._around(case))
        if packet.ts is None:
            if isinstance(effect, PacketUpdate):
                return Delivered(case_id=case.id, delivery=delivery.id, remote_id="skipped")
            parent = case.packet(packet.parent) if packet.parent else None
            channel = self._channel(packet.channel)
            thread = parent.ts if parent else None
            result = self.ports.slack.post(delivery.id, channel, message.text, message.blocks, message.metadata, thread)
        elif packet.shown == message.digest:
            return Delivered(case_id=case.id, delivery=delivery.id, remote_id="shown")
        else:
            result = self.ports.slack.update(
                packet.channel_id, packet.ts, message.text, message.blocks, message.metadata
            )
        return PacketShown(
            case_id=case.id,
            delivery=delivery.id,
            packet=packet.key,
            channel_id=result.channel_id,
            ts=result.ts,
            digest=message.digest,
        )

    # --- looking -------------------------------------------------------------------------------------------------

    def _look(self, delivery: ClaimedDelivery, case: Case) -> Receipt | bool | None:
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

    # --- small things --------------------------------------------------------------------------------------------

    def _around(self, case: Case) -> Surroundings:
        return surroundings_of(self.engine.policy_of(case.policy_snapshot), self.engine.people())

    def _channel(self, name: str) -> str:
        return self.engine.people().channels.get(name, name)
