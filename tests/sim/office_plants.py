"""Planted bugs about what holds for everybody: who is who, the policy in force, the switch, the second gate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msgspec.structs import replace

from app.core.case import Case
from app.core.effects import HelpdeskReply
from app.core.errors import Refused
from app.core.messages import AnyCommand
from app.core.office import DecidePolicy, Office, OfficeCommand, OfficeOutcome, ResumeAi
from app.core.world import World
from app.courier import Courier
from app.engine import Engine
from db.store import Reader, UnitOfWork
from tests.sim.planting import parts_with
from tests.sim.replica import Parts, Replica


@contextmanager
def open_cases_follow_policy() -> Iterator[Parts]:
    """A case that is open goes by the policy in force, not by the one it came in under."""

    class Modern(Engine):
        def _world(self, uow: UnitOfWork, command: AnyCommand, case: Case | None) -> World:
            world = super()._world(uow, command, case)
            return replace(world, policy=world.active)

    yield parts_with(engine=Modern)


@contextmanager
def deaf_to_policy() -> Iterator[Parts]:
    """A replica goes on with the policy it started with, whatever another one put in force."""

    class Deaf(Engine):
        def _follow(self, reader: Reader) -> None:
            self._office = reader.office()

    yield parts_with(engine=Deaf)


class Credulous(Engine):
    """Whatever one person asks for, these are taken to have asked for it too."""

    helpers: tuple[str, ...]

    def believes(self, command: OfficeCommand) -> bool:
        raise AssertionError("a plant says what it believes")

    def _decide_office(self, uow: UnitOfWork, office: Office, command: OfficeCommand) -> OfficeOutcome:
        outcome = super()._decide_office(uow, office, command)
        for user in self.helpers if self.believes(command) else ():
            with suppress(Refused):
                outcome = super()._decide_office(uow, outcome.office, replace(command, user=user))
        return outcome


@contextmanager
def policy_by_one_person() -> Iterator[Parts]:
    """One signature puts a policy in force."""

    class Signs(Credulous):
        helpers = ("UOPS1", "UPOL1", "UCRM1")

        def believes(self, command: OfficeCommand) -> bool:
            return isinstance(command, DecidePolicy) and command.do == "sign"

    yield parts_with(engine=Signs)


@contextmanager
def resumed_by_one_person() -> Iterator[Parts]:
    """One person undoes the switch even where much is at stake."""

    class Resumes(Credulous):
        helpers = ("ULEAD1", "ULEAD2", "UOPS1")

        def believes(self, command: OfficeCommand) -> bool:
            return isinstance(command, ResumeAi)

    yield parts_with(engine=Resumes)


class Forgetful(Parts):
    """The second gate lets pass what it refuses with these words."""

    words: str

    def finish(self, replica: Replica) -> None:
        words = self.words

        class Lets(Courier):
            def gate(self, case: Case, effect: HelpdeskReply) -> str:
                said = super().gate(case, effect)
                return "" if said.startswith(words) else said

        dispatcher = replica.dispatcher
        dispatcher.courier = Lets(replica.engine, replica.ports, dispatcher.courier.monotonic)


@contextmanager
def gate_forgets_switch() -> Iterator[Parts]:
    """A reply that was approved before AI text was paused still leaves."""

    class Lets(Forgetful):
        words = "AI text is paused"

    yield Lets()


@contextmanager
def gate_forgets_guardrails() -> Iterator[Parts]:
    """What a policy forbids that came into force after the approval still leaves."""

    class Lets(Forgetful):
        words = "A guardrail"

    yield Lets()


@contextmanager
def gate_forgets_case() -> Iterator[Parts]:
    """A reply still leaves though a new customer message took its case's place, or it was withdrawn."""

    class Lets(Forgetful):
        words = "The case is"

    yield Lets()
