"""The only holder of ports: hands committed effects to the outside and brings the receipts back in (DL1-DL3)."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Protocol

from app.clock import Clock
from app.core.digest import AnyDigestReceipt, DigestReceipt
from app.core.effects import (
    BoardPost,
    BoardUpdate,
    Callback,
    CrmPatch,
    Destination,
    DigestShow,
    Event,
    HelpdeskFields,
    ModelDraft,
    ModelReading,
    PacketPost,
    PacketUpdate,
    RoleLookup,
)
from app.core.errors import Refused
from app.core.messages import Delivered, Receipt
from app.core.office import AnyOfficeReceipt
from app.core.retry import MAX_DELAY, Breaker, OutOfTime, RetryAt, plan_retry
from app.courier import NOT_SENT, Courier, Ports
from app.digest_courier import digest_parcel
from app.engine import Engine, Point, no_point, where
from app.office_courier import OfficeCourier
from app.ports.errors import Ambiguous, GiveUp, RetryLater
from db.outbox import ClaimedDelivery

log = logging.getLogger("countersign.dispatch")

LEASE = timedelta(seconds=60)
SEND_WITHIN = timedelta(seconds=20)  # a port's longest call: what cannot be sent within its lease is not begun
LATEST = 30.0  # seconds a request may still be on its way after its time-out: sooner, "not there" proves nothing
ADVICE_WITHIN = timedelta(seconds=30)  # a model's draft that comes later is not waited for
CLAIM = 8
IDLE = 1.0  # seconds between looks when nothing woke us: other replicas' commits and due retries
RATE_LIMITED = ("429", "ratelimited", "rate_limited")  # the destination is well, only busy: no reason to shut it off
# Repeated at once after a time-out; everything else is looked for once more before that.
HARMLESS_TWICE = (PacketUpdate, HelpdeskFields, CrmPatch, Callback, ModelReading, ModelDraft, RoleLookup, BoardUpdate)
# Given up, they would show an untruth for good (SL2).
NEVER_GIVEN_UP = (PacketPost, PacketUpdate, BoardPost, BoardUpdate, DigestShow)
DESTINATIONS: tuple[Destination, ...] = ("slack", "helpdesk", "crm", "callback", "model", "roles")


AnyReceipt = Receipt | AnyOfficeReceipt | AnyDigestReceipt


class Parcel(Protocol):
    """A delivery together with what it is about, a case, a digest or the office, as that stands now.

    `send` and `look` raise RetryLater, GiveUp or Ambiguous, as ports do.
    """

    def send(self) -> AnyReceipt: ...

    def look(self) -> AnyReceipt | bool | None:
        """Did an attempt of unknown outcome arrive? A receipt: yes. True: it may be sent (again). None: who knows."""

    def gave_up(self, error: str, remedy: str, code: str = "", /) -> AnyReceipt:
        """`code` is the vendor's own word, where it refused."""

    def parked(self, error: str, look_at: str = "") -> AnyReceipt:
        """Nobody can tell whether it arrived, and it is not repeated."""


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
        self.courier = Courier(engine, ports, monotonic)
        self.office_courier = OfficeCourier(engine, ports.slack)
        self.worker = worker
        self.clock = clock
        self.point = point
        self.jitter = jitter
        self._breakers: dict[Destination, Breaker] = dict.fromkeys(DESTINATIONS, Breaker())
        self._reached: dict[Destination, datetime] = {}
        self._counting = threading.Lock()
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
        self.claim_no_more()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.1, deadline - time.monotonic()))
        for pool in self._pools.values():
            pool.shutdown(wait=True, cancel_futures=True)

    def claim_no_more(self) -> None:
        self._stopping.set()
        self.wake()

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
        closed = {pace for pace in paces if pace and self.courier.wait_of(pace) > 0}
        self._pause[destination] = min((self.courier.wait_of(pace) for pace in closed), default=IDLE)
        if not lapsed and paces <= closed:
            return 0
        with self.store.writing() as uow:
            claimed = uow.claim(self.worker, now, LEASE, allowed or CLAIM, (destination,), closed)
        self.point("after claim")
        for _ in (map if pool is None else pool.map)(self._handle, claimed):
            pass
        return len(claimed)

    def _handle(self, delivery: ClaimedDelivery) -> None:
        """Send, and bring the receipt in. Whatever is raised becomes a retry, a dead letter or a question to people."""
        parcel: Parcel | None = self._parcel(delivery)
        if parcel is None:
            log.error("delivery %s: what it is about is gone", delivery.id)
            with self.store.writing() as uow:
                uow.settle(delivery.id, "cancelled", "what it is about is gone", self.clock.now())
            return
        too_late = delivery.lease_until is not None and self.clock.now() > delivery.lease_until - SEND_WITHIN
        if too_late or self._stopping.is_set():
            with self.store.writing() as uow:
                uow.release(delivery.id, self.worker)
            return
        try:
            receipt = self._looked_up(delivery, parcel) or self._send(parcel)
        except _CannotLook as error:
            if error.code not in RATE_LIMITED:
                self._failed(delivery.destination)
            self._retry(delivery, parcel, error.reason, error.after, maybe_sent=True)
        except RetryLater as error:
            if error.code == "paced":
                self._put_back(delivery, error.after or 0)
                return
            if error.code not in RATE_LIMITED:
                self._failed(delivery.destination)
            self._retry(delivery, parcel, str(error), error.after)
        except GiveUp as error:
            self._refer(parcel.gave_up(error.error, error.remedy, error.code))
        except Ambiguous as error:
            self._failed(delivery.destination)
            self._ambiguous(delivery, parcel, error)
        except Exception as error:
            # a fault of our own after the request may have left is as ambiguous as a time-out
            log.error("delivery %s failed: %s", delivery.id, where(error))
            self._ambiguous(delivery, parcel, Ambiguous(f"fault: {type(error).__name__}", "the destination"))
        else:
            if not (isinstance(receipt, Delivered) and receipt.remote_id in NOT_SENT):
                self._succeeded(delivery.destination)
            self._refer(receipt)

    def _parcel(self, delivery: ClaimedDelivery) -> Parcel | None:
        if delivery.case_id:
            return self.courier.parcel(delivery)
        if isinstance(delivery.effect, DigestShow):
            return digest_parcel(self.office_courier, delivery, delivery.effect)
        return self.office_courier.parcel(delivery)

    def _failed(self, destination: Destination) -> None:
        with self._counting:
            self._breakers[destination] = self._breakers[destination].failed(self.clock.now())

    def _succeeded(self, destination: Destination) -> None:
        with self._counting:
            was_open = self._breakers[destination].opened_at is not None
            self._breakers[destination] = self._breakers[destination].succeeded()
            self._reached[destination] = self.clock.now()
        if was_open:
            # what was tried in vain would else wait behind what was not: the highest risk goes first again
            with self.store.writing() as uow:
                uow.hasten(destination)

    def unreachable_since(self, destination: Destination) -> datetime | None:
        """When deliveries began to fail in a row, as this process saw it; None while they arrive."""
        return self._breakers[destination].opened_at

    def reached_at(self, destination: Destination) -> datetime | None:
        """When something last arrived there from this process; None: nothing has yet."""
        return self._reached.get(destination)

    def _put_back(self, delivery: ClaimedDelivery, seconds: float) -> None:
        """Its channel is not ready: no attempt was made, so none is written down."""
        due = self.clock.now() + timedelta(seconds=seconds)
        with self.store.writing() as uow:
            uow.reschedule(delivery.id, self.worker, due, "", maybe_sent=delivery.maybe_sent)

    def _refer(self, receipt: AnyReceipt) -> None:
        self.point("before receipt")
        try:
            if isinstance(receipt, Receipt):
                self.engine.handle(receipt)  # type: ignore[arg-type]
            elif isinstance(receipt, DigestReceipt):
                self.engine.digest(receipt)
            else:
                self.engine.office_receipt(receipt)
        except Refused as refusal:
            log.warning("receipt of %s refused: %s", receipt.delivery, refusal.code)
            with self.store.writing() as uow:
                uow.settle(receipt.delivery, "cancelled", refusal.code, self.clock.now())

    def _retry(
        self,
        delivery: ClaimedDelivery,
        parcel: Parcel,
        reason: str,
        after: float | None = None,
        *,
        maybe_sent: bool = False,
    ) -> None:
        now = self.clock.now()
        plan = plan_retry(
            attempts=delivery.attempts,
            first_at=delivery.first_at or now,
            now=now,
            after=after,
            jitter=self.jitter(),
        )
        if delivery.destination == "model" and now - (delivery.first_at or now) > ADVICE_WITHIN:
            plan = OutOfTime()
        if isinstance(plan, OutOfTime) and isinstance(delivery.effect, NEVER_GIVEN_UP):
            plan = RetryAt(now + timedelta(seconds=MAX_DELAY))
        if isinstance(plan, OutOfTime) and maybe_sent:
            self._refer(parcel.parked(reason))
            return
        if isinstance(plan, OutOfTime):
            self._refer(parcel.gave_up(reason, "Mend the destination, then re-drive the delivery."))
            return
        event = Event(
            type="DeliveryRetried",
            actor="system:dispatch",
            reason=reason,
            data={"delivery": delivery.id, "attempt": delivery.attempts, "next_at": plan.due_at.isoformat()},
        )
        with self.store.writing() as uow:
            uow.reschedule(delivery.id, self.worker, plan.due_at, reason, maybe_sent=maybe_sent)
            uow.append_events((event,), delivery.case_id or None, self.engine.clock.now())
        log.info("delivery %s to %s waits: %s", delivery.id, delivery.destination, reason)

    def _ambiguous(self, delivery: ClaimedDelivery, parcel: Parcel, error: Ambiguous) -> None:
        """Repeat only what harms nobody; else look for our marker; else ask people (DL2)."""
        try:
            seen = parcel.look()
        except RetryLater as later:
            # cannot even look now: it comes back as `maybe_sent`, which looks first
            self._retry(delivery, parcel, str(later), max(later.after or 0, LATEST), maybe_sent=True)
            return
        if isinstance(seen, AnyReceipt):
            self._refer(seen)
        elif seen and isinstance(delivery.effect, HARMLESS_TWICE):
            self._retry(delivery, parcel, str(error))
        elif seen:
            self._retry(delivery, parcel, str(error), LATEST, maybe_sent=True)
        else:
            self._refer(parcel.parked(error.error, error.look_at))

    # --- sending -----------------------------------------------------------------------------------------------

    def _looked_up(self, delivery: ClaimedDelivery, parcel: Parcel) -> AnyReceipt | None:
        """What became of a delivery that an earlier attempt left in the dark; None when it may be sent."""
        if not delivery.maybe_sent:
            return None
        try:
            seen = parcel.look()
        except RetryLater as later:
            raise _CannotLook(str(later), after=later.after, code=later.code) from None
        if seen is True:
            return None
        return seen or parcel.parked("stopped in mid-delivery")

    def _send(self, parcel: Parcel) -> AnyReceipt:
        self.point("before send")
        receipt = parcel.send()
        self.point("after send")
        return receipt
