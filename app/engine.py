"""The only door: commands of all threads become one order, one transaction a batch, and then an answer (DESIGN)."""

from __future__ import annotations

import logging
import queue
import threading
import time
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from app.clock import Clock
from app.core.case import Case, History
from app.core.digest import DigestCommand, decide_digest
from app.core.effects import Event, Outcome
from app.core.errors import CountersignError, Refused
from app.core.machine import decide, expand
from app.core.messages import (
    AddCustomerMessage,
    AnyCommand,
    ApplyPause,
    ByPerson,
    Drafted,
    HandOver,
    ReceiveCase,
    RedriveDelivery,
    Reject,
    Reopen,
    RepairPacket,
    SubmitDraft,
    Understood,
)
from app.core.office import Delegate, EndDelegation, Office, PauseAi, ResumeAi, TidyDelegations
from app.core.people import People
from app.core.policy import Policy
from app.core.stages import eligible
from app.core.surfaces import FIRST
from app.core.who import people_for
from app.core.world import Crowd, World
from app.office_door import OfficeDoor
from db.store import Store, UnitOfWork

log = logging.getLogger("countersign.engine")

BATCH = 64
MOST_SHOWN = 10_000  # waiting cases of a queue whose packets are brought in line with the switch
QUEUE = 5_000
HISTORY = timedelta(days=7)

# A named place in the flow where a crash is worth rehearsing; real ones do nothing.
Point = Callable[[str], None]


def no_point(_name: str) -> None:
    return None


class Busy(CountersignError):
    """More commands wait than the one writer can take; the caller should come back."""


def where(error: BaseException) -> str:
    """The kind of a fault and the lines it passed, without its words: those may hold customer text."""
    frames = traceback.extract_tb(error.__traceback__)[-4:]
    return f"{type(error).__name__} at " + " < ".join(f"{Path(f.filename).name}:{f.lineno}" for f in reversed(frames))


class Remember(msgspec.Struct, frozen=True, kw_only=True):
    """An idempotency key (IN2): stored with its answer in the command's own transaction."""

    key: str
    digest: str
    answer: Callable[[Case], bytes]


class Handled(msgspec.Struct, frozen=True, kw_only=True):
    """The case after the command; None when the key was known: then `replayed` is the body of the first answer."""

    case: Case | None
    replayed: bytes | None = None


class Job(msgspec.Struct, frozen=True, kw_only=True):
    command: AnyCommand
    remember: Remember | None
    future: Future[Handled]


class Engine(OfficeDoor):
    def __init__(
        self,
        store: Store,
        policy: Policy,
        *,
        clock: Clock,
        people: Callable[[], People] = People,
        model: bool = False,
        point: Point = no_point,
    ) -> None:
        super().__init__(store, policy, clock, people)
        self.point = point
        self._model = model
        self._jobs: queue.Queue[Job | None] = queue.Queue(QUEUE)
        self._thread: threading.Thread | None = None

    # --- life ----------------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._thread = threading.Thread(target=self._write_loop, name="engine", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 10) -> None:
        """Finish what was submitted, then stop."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join(timeout)
            self._thread = None

    # --- the office, where cases follow it -------------------------------------------------------------------------

    def switch(self, command: PauseAi | ResumeAi) -> Office:
        """Pause or resume AI text, for every click and every send from now on; raises Refused.

        The cases that wait are then brought in line one by one: their packets, not what may happen to them.
        """
        before, after = self._govern(command)
        if before.paused_queues != after.paused_queues:
            reason = command.reason if isinstance(command, PauseAi) else ""
            with self.store.reading() as reader:
                queues = [command.queue] if command.queue else list(reader.queue_counts(self.clock.now()))
                waiting = {c.id for queue in queues for c in reader.next_in_queue(queue, MOST_SHOWN)}
            self._bring_in_line(
                [ApplyPause(case_id=c, by=f"slack:{command.user}", reason=reason) for c in sorted(waiting)]
            )
        return after

    def delegate(self, command: Delegate | EndDelegation | TidyDelegations) -> Office:
        """Change who acts for whom; raises Refused. Rights follow at once, what stands in open cases one by one."""
        before, after = self._govern(command)
        known = {d.id for d in before.delegations if d.begun}
        for begun in (d for d in after.delegations if d.begun and d.id not in known):
            self._bring_in_line(
                [
                    HandOver(case_id=c, by=f"slack:{begun.user}", of=begun.user, to=begun.to, until=begun.until)
                    for c in self._asked_of(begun.user)
                ]
            )
        return after

    def tidy_delegations(self) -> None:
        """What the clock alone begins or ends; any replica may be the one that says so."""
        if self._office.delegations:
            with suppress(Refused):
                self.delegate(TidyDelegations())

    def _asked_of(self, user: str) -> list[str]:
        """Ids of the cases this person is asked about in their own right."""
        people = self._people()
        held, keys = people.roles_of(user), people.find(user).keys
        channels = {spec.channel for role, spec in self._policy.roles.items() if role in held}
        with self.store.reading() as reader:
            found = {c.id: c for channel in channels for c in reader.next_in_queue(channel, MOST_SHOWN)}
        return sorted(i for i, c in found.items() if any(p.keys & keys for p in eligible(c, people_for(c, people))))

    def _bring_in_line(self, commands: Sequence[AnyCommand]) -> None:
        """Beside the one who asked: Slack waits 3 s for their answer, and a thousand cases take longer."""
        if self._thread is None:
            self._one_by_one(commands)
        elif commands:
            threading.Thread(target=self._one_by_one, args=(commands,), name="in line", daemon=True).start()

    def _one_by_one(self, commands: Sequence[AnyCommand]) -> None:
        """In between people's clicks. What is not brought in line here, whoever reads Slack back finds and repairs."""
        for command in commands:
            try:
                self.handle(command)
            except Refused:
                continue  # it was decided meanwhile
            except Exception as error:
                log.error("a case was not brought in line: %s", where(error))

    # --- commands ------------------------------------------------------------------------------------------------

    @property
    def running(self) -> bool:
        return self._thread is not None

    def submit(self, command: AnyCommand, remember: Remember | None = None) -> Future[Handled]:
        job = Job(command=command, remember=remember, future=Future())
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise Busy("too many commands wait") from None
        return job.future

    def handle(self, command: AnyCommand, remember: Remember | None = None, timeout: float = 10) -> Handled:
        if self._thread is None:
            job = Job(command=command, remember=remember, future=Future())
            self.run([job])
            return job.future.result(0)
        return self.submit(command, remember).result(timeout)

    def _write_loop(self) -> None:
        while (first := self._jobs.get()) is not None:
            batch = [first]
            stopping = False
            while len(batch) < BATCH:
                try:
                    job = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if job is None:
                    stopping = True
                    break
                batch.append(job)
            self.run(batch)
            if stopping:
                return

    def run(self, batch: Sequence[Job]) -> None:
        """One transaction for the batch; the callers hear only after the commit."""
        answers: list[tuple[Job, Handled | BaseException]] = []
        try:
            with self.store.writing() as uow:
                self._follow(uow)
                for job in batch:
                    answers.append((job, self._one(uow, job)))
                self.point("before commit")
        except Exception as error:
            log.error("batch of %d commands was not stored: %s", len(batch), where(error))
            answers = [(job, error) for job in batch]
        else:
            self.point("after commit")
        for job, answer in answers:
            if not job.future.set_running_or_notify_cancel():
                continue  # nobody waits any more; what was stored stays stored
            if isinstance(answer, BaseException):
                job.future.set_exception(answer)
            else:
                job.future.set_result(answer)
        self._announce()

    def _one(self, uow: UnitOfWork, job: Job) -> Handled | BaseException:
        try:
            with uow.savepoint():
                return self._decide_and_save(uow, job)
        except Refused as refusal:
            self._record_refusal(uow, job.command, refusal)
            return refusal
        except Exception as error:
            log.error("command %s failed: %s", type(job.command).__name__, where(error))
            return error

    def _decide_and_save(self, uow: UnitOfWork, job: Job) -> Handled:
        command, remember = job.command, job.remember
        if remember is not None and (known := uow.answer_for(remember.key)) is not None:
            if known.digest != remember.digest:
                raise Refused("idempotency_conflict", "This Idempotency-Key was used with other content.")
            return Handled(case=None, replayed=known.body)
        case = uow.case(command.case_id)
        standing = self._open_on_ticket(uow, command, case)
        basis = standing if isinstance(command, AddCustomerMessage) and standing is not None else case
        outcome: Outcome | None = None
        for step in expand(command, basis, standing):
            before = uow.case(step.case_id)
            world = self._world(uow, step, before)
            outcome = decide(before, step, world)
            uow.save(before, outcome, world.now)
        assert outcome is not None
        if remember is not None:
            body = remember.answer(outcome.case)
            uow.remember_answer(remember.key, remember.digest, 202, body, self.clock.now())
        return Handled(case=outcome.case)

    def _open_on_ticket(self, uow: UnitOfWork, command: AnyCommand, case: Case | None) -> Case | None:
        if isinstance(command, ReceiveCase):
            return uow.open_case_for_ticket(command.ticket.id)
        if isinstance(command, AddCustomerMessage) and case is not None:
            return uow.open_case_for_ticket(case.ticket.id)
        return None

    def _world(self, uow: UnitOfWork, command: AnyCommand, case: Case | None) -> World:
        now = self.clock.now()
        history = History()
        if isinstance(command, ReceiveCase):
            history = uow.history(command.customer.id, command.ticket.id, now - HISTORY)
        elif isinstance(command, SubmitDraft | Reject | Understood | Drafted) and case is not None:
            history = uow.history(case.customer.id, case.ticket.id, now - HISTORY, but=case.id)
        standing = uow.open_case_for_ticket(case.ticket.id) if isinstance(command, Reopen) and case else None
        policy = self.policy_of(case.policy_snapshot, uow) if case is not None else self._policy
        return World(
            now=now,
            policy=policy,
            active=self._policy,
            people=self.people(),
            history=history,
            pauses=self.pauses(),
            crowds=self._crowds(uow, case, policy, now),
            standing=standing.id if standing else "",
            model=self._model,
        )

    def _crowds(self, uow: UnitOfWork, case: Case | None, policy: Policy, now: datetime) -> dict[str, Crowd]:
        """Only where the case may come before people now, and policy folds packets at all."""
        if not policy.digest_from or (case is not None and case.state != "received"):
            return {}
        return uow.crowds({spec.channel for spec in policy.roles.values()}, now - policy.digest_within)

    # --- digests -------------------------------------------------------------------------------------------------

    def digest(self, command: DigestCommand) -> None:
        """What became of a digest in Slack; raises Refused. Where it cannot be shown its lines become packets.

        These first: what stops in between is done again.
        """
        with self.store.reading() as reader:
            digest = reader.digest(command.digest)
        if digest is None:
            raise Refused("no_digest", f"There is no digest {command.digest}.")
        if why := decide_digest(digest, command, self.clock.now()).broken:
            for case_id in digest.cases:
                lost = RepairPacket(
                    case_id=case_id, by="system:dispatch", packet=FIRST, ts="", found="missing", reason=why
                )
                with suppress(Refused):  # somebody opened it, or the case is over
                    self.handle(lost)
        with self.store.writing() as uow:
            digest = uow.digest(command.digest)
            assert digest is not None
            now = self.clock.now()
            uow.save_digest(decide_digest(digest, command, now), now)
        self._announce()

    def _record_refusal(self, uow: UnitOfWork, command: AnyCommand, refusal: Refused) -> None:
        """A person's refused click is a fact worth keeping; everything else that is refused changed nothing."""
        if not isinstance(command, ByPerson | RedriveDelivery) or uow.case(command.case_id) is None:
            return
        event = Event(
            type="CommandRefused",
            actor=f"slack:{command.user}" if isinstance(command, ByPerson) else command.by,
            reason=refusal.sentence,
            request_hash=command.seen if isinstance(command, ByPerson) else "",
            click=command.click,
            data={"command": type(command).__name__, "code": refusal.code},
        )
        uow.append_events((event,), command.case_id, self.clock.now())

    # --- waiting -------------------------------------------------------------------------------------------------

    def wait_for(self, case_id: str, predicate: Callable[[Case], bool], timeout: float) -> Case | None:
        """The case once `predicate` holds, or as it is when time is up. Looks each second for other replicas' work."""
        deadline = time.monotonic() + timeout
        while True:
            seen = self._commits
            with self.store.reading() as reader:
                case = reader.case(case_id)
            left = deadline - time.monotonic()
            if case is None or predicate(case) or left <= 0:
                return case
            with self._committed:
                if self._commits == seen:
                    self._committed.wait(min(1.0, left))
