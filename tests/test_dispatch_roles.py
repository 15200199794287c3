"""Looking up a dynamic role in the flow: asked from the outbox, retried, answered by a receipt, not waited for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.core.messages import Approve, SignOff, Withdraw
from app.core.policy.rolesfile import Resolver as Kind
from app.ports.errors import GiveUp, PortError, RetryLater
from app.ports.resolvers import Question
from app.timers import Sweeper
from tests.core.policies import owner_signs_off
from tests.dispatching import FakeFarEnds, HandClock, Replica, fake_ports, migrated
from tests.make import people


class FakeResolver:
    """Names whom it was told to; raises `faults` first, one a question."""

    name = "fake"
    kinds: frozenset[Kind] = frozenset({"account_owner"})

    def __init__(self) -> None:
        self.users: tuple[str, ...] = ("UVIP1",)
        self.faults: list[PortError] = []
        self.asked: list[Question] = []

    def resolve(self, kind: Kind, question: Question) -> tuple[str, ...]:
        assert kind == "account_owner"
        self.asked.append(question)
        if self.faults:
            raise self.faults.pop(0)
        return self.users


Scene = tuple[Replica, FakeResolver]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock, resolver = HandClock(), FakeResolver()
    ports = replace(fake_ports(FakeFarEnds(clock)), resolvers=(resolver,))
    who = replace(people(), roles={r: u for r, u in people().roles.items() if r != "vip_manager"})
    replica = Replica(migrated(tmp_path), clock, ports, policy=owner_signs_off(), who=who)
    yield replica, resolver
    replica.close()


def sign_off(replica: Replica, case_id: str, user: str) -> None:
    replica.engine.handle(SignOff(case_id=case_id, user=user, seen=replica.case(case_id).request_hash))


def lookup_status(replica: Replica, case_id: str) -> str:
    (delivery,) = replica.deliveries(case_id, "RoleLookup")
    return delivery.status


def test_an_answer_comes_into_the_case_and_whom_it_names_signs_off(scene: Scene) -> None:
    replica, resolver = scene
    case_id = replica.receive(1)
    replica.run()
    (question,) = resolver.asked
    assert question.customer_id == "cust-1"
    assert [e.content.data["users"] for e in replica.events(case_id, "RoleResolved")] == [["UVIP1"]]
    assert lookup_status(replica, case_id) == "done"
    replica.approve(case_id)
    replica.run()
    sign_off(replica, case_id, "UVIP1")
    replica.clock.advance(6)
    replica.run()
    assert replica.case(case_id).state == "sent"
    assert len(resolver.asked) == 1, "asked once, and the answer kept"


def test_a_busy_resolver_is_asked_again_and_its_late_answer_joins_the_stand_in(scene: Scene) -> None:
    replica, resolver = scene
    resolver.faults = [RetryLater("It is down.", after=30.0)]
    case_id = replica.receive()
    replica.run()
    assert replica.case(case_id).gained == ()
    replica.clock.advance(10)
    replica.run()
    assert [role for _, role, _ in replica.case(case_id).gained] == ["specialist"]
    replica.clock.advance(25)
    replica.run()
    assert [r.users for r in replica.case(case_id).resolved] == [("UVIP1",)]
    assert len(resolver.asked) == 2


def test_a_resolver_that_gives_up_leaves_no_dead_letter_but_a_stand_in(scene: Scene) -> None:
    replica, resolver = scene
    resolver.faults = [GiveUp("It does not accept the credentials", "Check COUNTERSIGN_RESOLVER_TOKEN")]
    case_id = replica.receive()
    replica.run()
    case = replica.case(case_id)
    assert [role for _, role, _ in case.gained] == ["specialist"]
    assert lookup_status(replica, case_id) == "cancelled"
    assert ["COUNTERSIGN_RESOLVER_TOKEN" in e.content.reason for e in replica.events(case_id, "RoleUnresolved")] == [
        True
    ]
    replica.engine.handle(Approve(case_id=case_id, user="UAGENT1", seen=case.request_hash))
    sign_off(replica, case_id, "USPEC1")
    assert replica.case(case_id).state == "approved"


def test_without_any_resolver_the_stand_in_is_asked_at_once(tmp_path: Path) -> None:
    clock = HandClock()
    who = replace(people(), roles={r: u for r, u in people().roles.items() if r != "vip_manager"})
    replica = Replica(migrated(tmp_path), clock, fake_ports(FakeFarEnds(clock)), policy=owner_signs_off(), who=who)
    case_id = replica.receive()
    replica.run()
    assert [role for _, role, _ in replica.case(case_id).gained] == ["specialist"]
    (event,) = replica.events(case_id, "RoleUnresolved")
    assert "COUNTERSIGN_RESOLVER" in event.content.reason
    replica.close()


def test_nobody_is_asked_for_a_case_that_ended_meanwhile(scene: Scene) -> None:
    replica, resolver = scene
    case_id = replica.receive()
    replica.engine.handle(Withdraw(case_id=case_id, by="api:test", reason="Answered by phone."))
    replica.run()
    assert resolver.asked == []
    assert replica.case(case_id).state == "withdrawn"


def test_a_lookup_survives_the_process_that_began_it(scene: Scene) -> None:
    replica, resolver = scene
    case_id = replica.receive()
    other = replica.beside()
    Sweeper(other.engine).sweep()
    other.run()
    other.close()
    assert [r.source for r in replica.case(case_id).resolved] == ["fake"]
    assert len(resolver.asked) == 1
