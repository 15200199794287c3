"""One replica on a clock that tests move, with far ends that record: what dispatch does with what was decided."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
from msgspec.structs import replace

from app.core.case import Case
from app.core.effects import HelpdeskFields, HelpdeskNote, HelpdeskReply
from app.core.messages import Approve, ReceiveCase
from app.core.office import DecidePolicy
from app.core.people import People
from app.core.policy import Policy, compile_policy
from app.courier import Ports
from app.dispatch import DESTINATIONS, Dispatcher
from app.engine import Engine
from app.ports.errors import Found, SendResult
from app.ports.slack import SlackPort
from app.timers import Sweeper
from db.outbox import Delivery
from db.store import Store
from tests.core.policies import shipped, shipped_documents
from tests.make import a_customer, a_draft, a_message, a_ticket, people, signals

DRAFT = "Your parcel left our warehouse today."


class Crash(BaseException):
    """The process ends here; nothing of ours may catch it."""


class Points:
    """Crashes once, at the named point."""

    def __init__(self) -> None:
        self.at = ""

    def __call__(self, name: str) -> None:
        if name == self.at:
            self.at = ""
            raise Crash(name)


class HandClock:
    """Wall and monotonic clock in one; starts at the real time, which far ends check signatures by."""

    def __init__(self) -> None:
        self.start = datetime.now(UTC)
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.start + timedelta(seconds=self.seconds)

    def monotonic(self) -> float:
        return self.seconds

    def advance(self, seconds: float) -> None:
        self.seconds += seconds

    def advance_to(self, moment: datetime) -> None:
        self.seconds = max(self.seconds, (moment - self.start).total_seconds())


class Call(msgspec.Struct, frozen=True):
    """One attempt that reached a far end."""

    kind: str
    delivery: str
    text: str
    at: datetime


class FakeFarEnds:
    """Helpdesk, CRM and Slack: `faults` are raised by the next attempts at helpdesk and CRM, None lets one through."""

    idempotent = frozenset({"HelpdeskFields"})

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.faults: list[Exception | None] = []
        self.always: Exception | None = None
        self.found: Found | Exception = Found.UNKNOWN
        self.calls: list[Call] = []
        self.asked: list[str] = []
        self._ts = itertools.count(1)

    def _attempt(self, kind: str, delivery: str, text: str = "") -> SendResult:
        self.calls.append(Call(kind, delivery, text, self.clock.now()))
        fault = self.faults.pop(0) if self.faults else self.always
        if fault is not None:
            raise fault
        return SendResult(remote_id=delivery)

    def kinds(self) -> list[str]:
        return [call.kind for call in self.calls]

    # helpdesk and CRM
    def send_reply(self, delivery_id: str, case: Case, text: str, kind: str, request_hash: str) -> SendResult:
        return self._attempt(kind, delivery_id, text)

    def add_note(self, delivery_id: str, case: Case, text: str) -> SendResult:
        return self._attempt("note", delivery_id, text)

    def set_fields(self, delivery_id: str, case: Case, fields: Mapping[str, str], tags: tuple[str, ...]) -> SendResult:
        return self._attempt("fields", delivery_id)

    def find_sent(self, delivery_id: str, case: Case, effect: HelpdeskReply | HelpdeskNote | HelpdeskFields) -> Found:
        self.asked.append(delivery_id)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def update(self, *given: Any) -> SendResult:
        """The CRM's or, with a message, Slack's."""
        if isinstance(given[1], Case):
            return self._attempt("crm", given[0])
        return SendResult(channel_id=given[0], ts=given[1])

    # Slack: takes everything
    def ready_at(self, channel: str) -> float:
        return 0.0

    def post(self, delivery_id: str, channel: str, *message: Any) -> SendResult:
        ts = f"1.{next(self._ts):06}"
        return SendResult(remote_id=ts, channel_id=channel, ts=ts)

    direct = post


def put_in_force(engine: Engine, policy: Policy) -> None:
    """Offered, then signed off by its owners, as people would."""
    engine.offer(policy, by="system:test")
    owners = sorted(set(engine.policy.owners.values()))
    for user in (user for role in owners for user in sorted(engine.people().roles[role])):
        if engine.policy.snapshot != policy.snapshot:
            engine.decide_policy(DecidePolicy(user=user, snapshot=policy.snapshot, do="sign"))
    assert engine.policy.snapshot == policy.snapshot


class Replica:
    """Engine, dispatcher and sweeper on `database_url`; a new one after a crash finds what the last one left."""

    def __init__(
        self,
        database_url: str,
        clock: HandClock,
        ports: Ports,
        *,
        point: Points | None = None,
        who: People | None = None,
        policy: Policy | None = None,
        jitter: float = 0.5,
    ) -> None:
        self.clock = clock
        self._made = (database_url, clock, ports)
        self.point = point or Points()
        self.store = Store(database_url)
        self.who = who or people()
        self.engine = Engine(
            self.store,
            policy or shipped(),
            clock=clock,
            people=lambda: self.who,
            point=self.point,
            model=ports.model is not None,
        )
        self.engine.offer(policy or shipped(), by="system:test")
        self.dispatcher = Dispatcher(
            self.engine,
            ports,
            worker=f"worker-{id(self)}",
            clock=clock,
            point=self.point,
            jitter=lambda: jitter,
            monotonic=clock.monotonic,
        )

    def close(self) -> None:
        self.dispatcher.stop()
        self.store.close()

    def beside(self) -> Replica:
        """A second replica on the same database and far ends."""
        return Replica(*self._made)

    # --- deciding ------------------------------------------------------------------------------------------------

    def receive(self, number: int = 1, **changes: Any) -> str:
        """The id of a pending low-tier case."""
        case_id = f"c_dispatch{number:04}"
        known: dict[str, Any] = {
            "case_id": case_id,
            "by": "api:test",
            "ticket": a_ticket(id=f"t{number}"),
            "customer": a_customer(id=f"cust-{number}", crm_ticket_id=f"70{number:04}"),
            "messages": (a_message(),),
            "draft": a_draft(DRAFT),
            "signals": signals("shipping_status"),
        }
        self.engine.handle(ReceiveCase(**{**known, **changes}))
        return case_id

    def approve(self, case_id: str) -> None:
        agent = self.who.members("support_agent")[0].user_id
        self.engine.handle(Approve(case_id=case_id, user=agent, seen=self.case(case_id).request_hash))

    def released(self, number: int = 1) -> str:
        """A case whose approved reply stands in the outbox, everything before it done."""
        return self.all_released(number)[0]

    def all_released(self, *numbers: int) -> list[str]:
        cases = [self.receive(number) for number in numbers]
        self.run()
        for case_id in cases:
            self.approve(case_id)
        self.clock.advance(6)
        Sweeper(self.engine).sweep()
        assert {self.reply(case_id).status for case_id in cases} == {"pending"}
        return cases

    # --- running -------------------------------------------------------------------------------------------------

    def step(self, *destinations: str) -> None:
        for destination in destinations or DESTINATIONS:
            self.dispatcher.step(cast(Any, destination))

    def run(self, rounds: int = 12) -> None:
        """Until nothing is due any more: Slack's pace and the send delay go by, no retry does."""
        for _ in range(rounds):
            self.clock.advance(0.1)
            Sweeper(self.engine).sweep()
            self.step()

    # --- looking -------------------------------------------------------------------------------------------------

    def case(self, case_id: str) -> Case:
        with self.store.reading() as reader:
            case = reader.case(case_id)
        assert case is not None
        return case

    def deliveries(self, case_id: str, kind: str = "") -> list[Delivery]:
        with self.store.reading() as reader:
            found = reader.deliveries(case_id=case_id)
        return [d for d in sorted(found, key=lambda d: d.number) if kind in ("", type(d.effect).__name__)]

    def reply(self, case_id: str) -> Delivery:
        return self.deliveries(case_id, "HelpdeskReply")[-1]

    def events(self, case_id: str, *types: str) -> list[Any]:
        with self.store.reading() as reader:
            return [e for e in reader.events(case_id) if not types or e.type in types]


def fake_replica(directory: Path, **options: Any) -> tuple[Replica, FakeFarEnds]:
    """A replica on a new SQLite file, and the far ends it talks to."""
    clock = HandClock()
    far = FakeFarEnds(clock)
    return Replica(migrated(directory), clock, fake_ports(far), **options), far


def migrated(directory: Path) -> str:
    """The URL of a new SQLite file with its tables."""
    url = f"sqlite:///{directory / 'dispatch.db'}"
    store = Store(url)
    store.upgrade()
    store.close()
    return url


def fake_ports(far: FakeFarEnds) -> Ports:
    return Ports(slack=cast(SlackPort, far), helpdesk=far, crm=cast(Any, far))


def blocking(pattern: str, reason: str) -> Policy:
    """The shipped policy with one more guardrail, under a snapshot of its own."""
    documents, _ = shipped_documents()
    rule = {
        "id": "policy-test",
        "owner": "legal",
        "type": "policy",
        "action": {"output": "blocked"},
        "reason": reason,
        "match": {"any": [pattern]},
    }
    changed = {**documents.guardrails, "rules": [rule, *documents.guardrails["rules"]]}
    return compile_policy(replace(documents, guardrails=changed))
