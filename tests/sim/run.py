"""One history: a seed decides everything, step by step, and then the world heals and is judged."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any

import msgspec

from app.core.case import Case
from app.core.errors import Refused
from app.core.messages import AnyCommand, ByPerson, ReceiveCase
from app.core.people import People
from app.core.policy import Policy
from app.dispatch import DESTINATIONS
from app.engine import Busy, Remember
from db.outbox import Delivery
from tests.sim.book import Book, Leaving, Violation
from tests.sim.directory import Directory
from tests.sim.gate import judge_reply
from tests.sim.judge import judge
from tests.sim.ledger import Asked, Ledger
from tests.sim.lending import Lending
from tests.sim.losing import Reader
from tests.sim.office_judge import judge_office
from tests.sim.people import Crowd
from tests.sim.policies import a_beginning
from tests.sim.replica import Crash, Parts, Replica, database
from tests.sim.steps import WEIGHTS, Steps
from tests.sim.watch import check_open_cases, check_refusal
from tests.sim.weather import SimClock, Weather
from tests.sim.world import Arrival, World

HEALED_FOR = timedelta(days=8)  # longer than any policy of a run lets a case wait
MOST_ROUNDS = 300
ROUNDS_OF_RETRIES = 6
SETTLE_ROUND = 2
# What another replica does while one is in the middle of something.
MEANWHILE = (
    *("click", "click", "dispatch", "dispatch", "right click", "right click"),
    *("sweep", "message", "draft", "people", "pause", "resume", "sign policy", "delegate", "reassess", "loss"),
)


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """`problem` is empty when every invariant held."""

    seed: int
    steps: int
    problem: str
    history: list[str]


class _Faults(logging.Handler):
    """What the product itself calls an error: nothing in here may make it say so."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self.found.append(f"{record.getMessage()}: {error!r}" if error else record.getMessage())


def steps_of(seed: int) -> int:
    return Random(f"{seed}/length").randint(60, 120)


def run(
    seed: int,
    *,
    steps: int | None = None,
    without: Collection[str] = (),
    skipped: Collection[int] = (),
    parts: Parts | None = None,
) -> Result:
    """Plays one seed. `steps` cuts it short; kinds of steps, or single ones, can be left out: the others stay."""
    count = steps_of(seed) if steps is None else steps
    with database() as url, _faults() as faults:
        simulation = Simulation(seed, url, parts or Parts(), faults)
        try:
            simulation.play(count, without, skipped)
            simulation.heal()
            simulation.judge()
            problem = ""
        except Violation as violation:
            problem = str(violation)
        finally:
            simulation.close()
    return Result(seed=seed, steps=count, problem=problem, history=simulation.history)


@contextmanager
def _faults() -> Iterator[_Faults]:
    logger = logging.getLogger("countersign")
    handler, propagate = _Faults(), logger.propagate
    logger.addHandler(handler)
    logger.propagate = False
    try:
        yield handler
    finally:
        logger.removeHandler(handler)
        logger.propagate = propagate


class Simulation(Steps):
    def __init__(self, seed: int, url: str, parts: Parts, faults: _Faults) -> None:
        self.seed = seed
        self.faults = faults
        setup = Random(f"{seed}/setup")
        self.directory_holds, start = a_beginning(setup)
        self.clock = SimClock(start)
        self.weather = Weather(self.clock, seed)
        self.directory = Directory(start)
        self.book = Book(self.directory_holds, start)
        self.world = World(self.weather, self._leaving, readable=setup.random() < 0.5)
        self.world.say = self.say
        self.world.meanwhile = lambda: self._interrupt("meanwhile")
        self.world.losses.is_open = lambda case_id: (case := self.look(case_id)) is not None and not case.is_final
        self.history: list[str] = []
        self.random = setup
        self.names: list[str] = []
        self.intakes: list[tuple[ReceiveCase, Remember]] = []
        self.dead_letters: list[Delivery] = []
        self._depth = 0
        self._now_acting = 0
        self._crashed_at = ""
        self._asked: Asked | None = None
        self._left: dict[int, Leaving] = {}
        self._restarts = 0
        self._case_number = 0
        self.replicas = [
            Replica(
                f"r{n}",
                parts,
                url,
                self._policy,
                self._people,
                self.clock,
                self.world.ports,
                self._point,
                Reader(self.world),
            )
            for n in range(setup.choice((1, 2, 2)))
        ]
        self.lending = Lending(self.directory)
        self.ledger = Ledger(self.directory, self.book, lambda *reply: judge_reply(self.ledger, *reply), self._told)
        self.world.on_reply = self._customer_got
        self.crowd = Crowd(self.world, self.lending, self.look, self._by_person)

    # --- playing -------------------------------------------------------------------------------------------------

    def play(self, count: int, without: Collection[str] = (), skipped: Collection[int] = ()) -> None:
        """Each step draws from randomness of its own, so that one can be left out without changing the others."""
        kinds, weights = list(WEIGHTS), list(WEIGHTS.values())
        for number in range(count):
            self.random = self.weather.random = Random(f"{self.seed}/{number}")
            kind = "case" if number < 2 else self.random.choices(kinds, weights)[0]
            if kind not in without and number not in skipped:
                self._step(kind)

    def _step(self, kind: str) -> None:
        outer = self._now_acting
        self._now_acting = self._other_replica() if self._depth else self.random.randrange(len(self.replicas))
        try:
            self.do(kind)
        except Crash:
            self._restart()
        except (Violation, Refused, Busy):
            raise
        except Exception as error:
            raise Violation(f"An unexpected {type(error).__name__} escaped: {error}") from error
        finally:
            self._now_acting = outer
        if self.faults.found:
            raise Violation(f"The product met a fault of its own: {self.faults.found[0]}")
        if not self._depth:
            check_open_cases(self.replica.store, self.directory.now)

    def _other_replica(self) -> int:
        return (self._now_acting + 1) % len(self.replicas)

    @property
    def replica(self) -> Replica:
        return self.replicas[self._now_acting]

    def say(self, line: str) -> None:
        indent = "  " * (self._depth + 1)
        self.history.append(f"{self.clock.now():%d. %H:%M:%S} r{self._now_acting}{indent}{line}")

    def _policy(self) -> Policy:
        return self.directory_holds.policy

    def _people(self) -> People:
        return self.directory.now

    # --- crashes and interruptions -------------------------------------------------------------------------------

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        """Nobody else acts in between; crashes still come."""
        outer, self._depth = self._depth, 1
        try:
            yield
        finally:
            self._depth = outer

    def _leaving(self) -> Leaving:
        """How things stood when the gate let it through: what came between that and the call came too late."""
        return self._left.pop(self._now_acting, None) or self.book.leaving(self.clock.now())

    def _point(self, name: str) -> None:
        if name == "before send":  # of whatever kind: what an earlier delivery left with is past
            self._left[self._now_acting] = self.book.leaving(self.clock.now())
        if self.weather.healed:
            return
        if self.random.random() < self.weather.crashes:
            self._crashed_at = name
            self.say(f"CRASH {name}")
            raise Crash(name)
        if name != "before commit":
            self._interrupt(name)

    def _interrupt(self, where: str) -> None:
        """Another process or person acts while this one is in the middle of something."""
        if self.weather.healed or self._depth or len(self.replicas) < 2:
            return
        if self.random.random() >= self.weather.interruptions:
            return
        self.say(f"({where}, the other one acts)")
        self._depth = 1
        # stored already, though whoever asked has no answer yet
        self.ledger.in_hand = self._asked if where == "after commit" else None
        try:
            self._step(self.random.choice(MEANWHILE))
        finally:
            self._depth = 0
            self.ledger.in_hand = None

    def _restart(self) -> None:
        self._restarts += 1
        worker = f"{self.replica.name}.{self._restarts}" if self.random.random() < 0.7 else self.replica.name
        self.replica.close()
        self.replica.build(worker, Random(f"{self.seed}/jitter{self._restarts}"))
        self.say(f"restarts as {worker}")
        self._policy_stands()

    # --- commands ------------------------------------------------------------------------------------------------

    def asked(self, command: AnyCommand) -> Asked:
        people, now = self.directory.now, self.clock.now()
        user = command.user if isinstance(command, ByPerson) else ""
        acting = self.lending.acting(people, user, now)
        return Asked(command=command, people=people, variant=self.book.in_force, at=now, acting=acting)

    def tell(self, command: AnyCommand, remember: Remember | None = None) -> Case | None:
        """The case when the command was accepted; the ledger hears what whoever asked was told."""
        what = f"{_words(command)} {command.case_id}"
        asked = self.asked(command)
        self._asked, asked_before = asked, self._asked
        try:
            handled = self.replica.engine.handle(command, remember)
        except Refused as refusal:
            check_refusal(refusal)
            self.say(f"{what}: refused, {refusal.code}")
            return None
        except Crash:
            stored = self._crashed_at == "after commit"
            self.say(f"{what}: no answer ({'stored' if stored else 'not stored'})")
            if stored:
                self.ledger.answered(asked, None)
            raise
        finally:
            self._asked = asked_before
        if handled.case is None:
            self.say(f"{what}: answered as the first time")
            return None
        self.say(f"{what}: {handled.case.state}")
        self.ledger.answered(asked, handled.case)
        return handled.case

    def _by_person(self, command: Any) -> Case | None:
        self._now_acting = self.random.randrange(len(self.replicas)) if not self._depth else self._now_acting
        return self.tell(command)

    def look(self, case_id: str) -> Case | None:
        """What `GET /v1/cases/{id}` shows."""
        with self.replica.store.reading() as reader:
            return reader.case(case_id)

    def _told(self, case_id: str, kind: str) -> list[datetime]:
        """When, as `GET /v1/cases/{id}/audit` shows it."""
        with self.replica.store.reading() as reader:
            return [datetime.fromisoformat(e.at) for e in reader.events(case_id) if e.type == kind]

    def _customer_got(self, arrival: Arrival) -> None:
        if (case := self.look(arrival.case_id)) is not None:
            self.ledger.looked(case)
        self.say(f"CUSTOMER of {arrival.case_id} gets the {arrival.kind}: {arrival.text[:50]!r}")
        self.ledger.customer_got(arrival)

    # --- the end -------------------------------------------------------------------------------------------------

    def heal(self) -> None:
        """No more faults: everything works on until nothing is due, for eight days."""
        self.random = self.weather.random = Random(f"{self.seed}/heal")
        self.weather.healed = True
        self.say("the world heals")
        until = self.clock.now() + HEALED_FOR
        for number in range(MOST_ROUNDS):
            self._now_acting = number % len(self.replicas)
            self._guarded(self._work_off)
            if number == SETTLE_ROUND:
                self._guarded(lambda: self.crowd.settle_all(self.random))
            if self.clock.now() >= until and number > SETTLE_ROUND:
                return
            self.weather.pass_time((self._next_look(number, until) - self.clock.now()).total_seconds())

    def _next_look(self, number: int, until: datetime) -> datetime:
        """Soon, while leases and retries run out; then when the next timer is due."""
        now = self.clock.now()
        soon = now + timedelta(seconds=61)
        with self.replica.store.reading() as reader:
            timer, waits = reader.oldest_due(), reader.deliveries("pending", "claimed", limit=1)
        if number < ROUNDS_OF_RETRIES:
            return soon
        if waits or (timer is not None and timer <= now):
            return now + timedelta(hours=1)
        return max(min(timer or until, until), soon)

    def _work_off(self) -> None:
        while self.replica.sweeper.sweep():
            pass
        self._do_tidy()
        self._do_audit()
        self._do_reconcile()
        for _ in range(200):
            if not sum(self.replica.dispatcher.step(d) for d in DESTINATIONS):
                return
            self.weather.pass_time(1)

    def _guarded(self, work: Callable[[], object]) -> None:
        try:
            work()
        except Violation:
            raise
        except Exception as error:
            raise Violation(f"An unexpected {type(error).__name__} escaped: {error}") from error
        if self.faults.found:
            raise Violation(f"The product met a fault of its own: {self.faults.found[0]}")

    def judge(self) -> None:
        self._now_acting = 0
        judge(self.replica.engine, self.world, self.ledger)
        judge_office(self.replica, self.world, self.lending)

    def close(self) -> None:
        for replica in self.replicas:
            replica.close()


def _words(command: AnyCommand) -> str:
    name = type(command).__name__
    if isinstance(command, ByPerson):
        more = f" ({what})" if (what := getattr(command, "what", "") or getattr(command, "then", "")) else ""
        return f"{command.user} {name}{more} on text {command.seen[:6] or '-'} of"
    return name
