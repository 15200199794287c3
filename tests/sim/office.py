"""What happens to the whole workspace in one step: people, the policy, the switch for AI text, a week away."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from datetime import timedelta
from random import Random

from app.core.errors import Refused
from app.core.office import DecidePolicy, Office, PauseAi, ResumeAi
from tests.make import DEFAULT_ROLES
from tests.sim.book import EVERYWHERE, Book, Violation
from tests.sim.directory import AT_FIRST, Directory, held, human
from tests.sim.ledger import LEAD, Ledger
from tests.sim.people import OUTSIDERS
from tests.sim.policies import VARIANTS, Variant, variant_of
from tests.sim.replica import Crash, Replica
from tests.sim.watch import check_catching_up, check_refusal, looked_at
from tests.sim.weather import SimClock, Weather

AWAY = timedelta(days=7)
MOST_SWEEPS = 50
OWNERS = ("UOPS1", "UPOL1", "UCRM1", "UAUTO1")
OWNING = frozenset({"support_ops_owner", "policy_owner", "crm_owner", "automation_owner"})
SWITCHERS = sorted(AT_FIRST.roles[LEAD]) * 4 + [*OWNERS, *OUTSIDERS]
QUEUES = sorted({channel for _, channel in DEFAULT_ROLES.values()} - {"policy-changes"})


class OfficeSteps(ABC):
    """The steps of a simulation that are about no case in particular."""

    clock: SimClock
    weather: Weather
    ledger: Ledger
    directory: Directory
    book: Book
    random: Random
    directory_holds: Variant  # what the files say: what is in force may lag behind

    @property
    @abstractmethod
    def replica(self) -> Replica: ...

    @abstractmethod
    def say(self, line: str) -> None: ...

    @abstractmethod
    def undisturbed(self) -> AbstractContextManager[None]: ...

    # --- people --------------------------------------------------------------------------------------------------

    def _do_people(self) -> None:
        self.say(self.directory.change(self.random, self.clock.now()))

    # --- the policy ----------------------------------------------------------------------------------------------

    def _do_policy(self) -> None:
        self._offer(self.random.choice(list(VARIANTS)))

    def _offer(self, name: str) -> None:
        """The files change, and a replica looks at them."""
        self.directory_holds = VARIANTS[name]
        self.replica.engine.offer(self.directory_holds.policy, by="system:files")
        self.say(f"the policy directory holds {self.directory_holds.name} now")
        self._policy_stands()

    def _do_sign_policy(self) -> None:
        """Mostly an owner signs what waits; some reject it, some take the last change back."""
        office = self._office()
        if office.candidate is None and self.random.random() < 0.7:
            self._do_policy()
            return
        waits = office.candidate.snapshot if office.candidate else ""
        asked_next = [user for user in OWNERS if human(user) not in self.book.signers.get(waits, ())][:1]
        draw = self.random.random()
        anybody = OWNERS if draw < 0.9 else (*OUTSIDERS, "ULEAD1")
        user = self.random.choice(asked_next if asked_next and draw < 0.7 else anybody)
        if waits and self.random.random() < 0.9:
            command = DecidePolicy(user=user, snapshot=waits, do="sign")
        elif waits and self.random.random() < 0.5:
            command = DecidePolicy(user=user, snapshot=waits, do="reject", reason="Not today.")
        else:
            command = DecidePolicy(user=user, snapshot=office.active, do="roll_back", reason="Too many cases.")
        words = f"{user} says {command.do} to the policy {variant_of(command.snapshot).name}"
        try:
            self.replica.engine.decide_policy(command)
        except Refused as refusal:
            check_refusal(refusal)
            self.say(f"{words}: refused, {refusal.code}")
            return
        self.say(words)
        if not held(self.directory.now, user) & OWNING:
            raise Violation(f"{user}, who owns no policy file, decided about a policy.")
        if command.do == "sign":
            self.book.signed(command.snapshot, user)
        self._policy_stands(returned=command.do == "roll_back")

    def _policy_stands(self, *, returned: bool = False) -> None:
        office = self._office()
        if name := self.book.stands(office.active, self.clock.now(), returned=returned):
            self.say(f"the policy {name} is in force")
        self.book.waits(office.candidate.snapshot if office.candidate else "")

    def _office(self) -> Office:
        """As `/approvals policy` shows it."""
        with self.replica.store.reading() as reader:
            return reader.office()

    # --- the switch ----------------------------------------------------------------------------------------------

    def _do_pause(self) -> None:
        user = self.random.choice(SWITCHERS)
        self._throw(PauseAi(user=user, queue=self._queue_at_stake(), reason="Wrong prices."))

    def _do_resume(self) -> None:
        if self.book.paused:
            user = self.random.choice(SWITCHERS)
            self._throw(ResumeAi(user=user, queue=self.random.choice(sorted(self.book.paused))))

    def _throw(self, command: PauseAi | ResumeAi) -> None:
        """The switch itself is one transaction, so whoever gets no answer because of a crash still has thrown it."""
        if self.book.is_switching(command.queue):
            return
        words = f"{command.user}: {type(command).__name__} in {command.queue or 'all queues'}"
        with self.book.switching(command.queue):
            try:
                self.replica.engine.switch(command)
            except Refused as refusal:
                check_refusal(refusal)
                self.say(f"{words}: refused, {refusal.code}")
                return
            except Crash:
                self._thrown(command, f"{words}: no answer")
                raise
            self._thrown(command, words)

    def _thrown(self, command: PauseAi | ResumeAi, words: str) -> None:
        self.say(words)
        if not held(self.directory.now, command.user) & {LEAD, *OWNING}:
            raise Violation(f"{command.user}, who may not, threw the switch for AI text.")
        if isinstance(command, PauseAi):
            self.book.pause(command.queue, self.clock.now())
            return
        allowed = self.book.resume(command.queue, command.user)
        if not allowed and command.queue not in self._office().paused_queues:
            where = command.queue or "all queues"
            raise Violation(f"AI text goes on in {where}, though one person alone asked for it.")

    def _queue_at_stake(self) -> str:
        """Often where a reply was approved and is not with the customer yet."""
        draw = self.random.random()
        waiting = [a for a in self.ledger.accounts.values() if a.released and not a.replies and a.assessments]
        if waiting and draw < 0.6:
            return waiting[-1].assessments[-1].route.channel
        return EVERYWHERE if draw < 0.75 else self.random.choice(QUEUES)

    # --- a week away ---------------------------------------------------------------------------------------------

    def _do_downtime(self) -> None:
        """Nothing of ours runs for a week, while customers and clocks go on; then it catches up."""
        self.say("everything is down for a week")
        self.weather.pass_time(AWAY.total_seconds())
        before = looked_at(self.replica.store, self.clock.now())
        with self.undisturbed():
            for _ in range(MOST_SWEEPS):
                if not self.replica.sweeper.sweep():
                    break
        check_catching_up(before, looked_at(self.replica.store, self.clock.now()))
