"""A language model in the flow: asked before people are, waited for only so long, never able to hold a case up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.core.case import Case, Draft, Gist, Signal, Signals
from app.core.messages import Reject
from app.courier import Ports
from app.ports.errors import GiveUp, PortError, RetryLater
from app.ports.llm import Brief, Reading
from tests.dispatching import FakeFarEnds, HandClock, Replica, fake_ports, migrated
from tests.make import a_draft

LEGAL = Signals(intent=Signal(label="legal_question", confidence=0.95, source="llm"))
GIST = Gist(summary="Wants to know where the parcel is.", source="llm")
WRITTEN = a_draft("Thank you for asking. A colleague looks at your order today.", version=0, model_name="m-1")


class FakeModel:
    """Answers what it was told to; raises `faults` first, one a call."""

    name = "fake:m-1"

    def __init__(self) -> None:
        self.signals = Signals(intent=Signal(label="shipping_status", confidence=0.97, source="llm"))
        self.faults: list[PortError] = []
        self.asked: list[str] = []
        self.briefs: list[Brief] = []

    def read(self, case: Case, intents: Mapping[str, str]) -> Reading:
        assert "refund_request" in intents
        self._ask("read")
        return Reading(signals=self.signals, gist=GIST)

    def draft(self, case: Case, brief: Brief) -> Draft:
        self.briefs.append(brief)
        self._ask("draft")
        return WRITTEN

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if self.faults:
            raise self.faults.pop(0)


Scene = tuple[Replica, FakeModel]


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    clock = HandClock()
    far, model = FakeFarEnds(clock), FakeModel()
    ports: Ports = replace(fake_ports(far), model=model)
    replica = Replica(migrated(tmp_path), clock, ports)
    yield replica, model
    replica.close()


def test_the_model_reads_before_anything_is_posted(scene: Scene) -> None:
    replica, model = scene
    model.signals = LEGAL
    case_id = replica.receive()
    assert replica.case(case_id).state == "received"
    assert replica.deliveries(case_id, "PacketPost") == []
    replica.run()
    case = replica.case(case_id)
    assert (case.state, case.assessed.tier, case.assessed.route.role) == ("pending", "high", "legal_approver")
    assert case.gist == GIST
    assert model.asked == ["read"]


def test_it_writes_where_no_draft_came(scene: Scene) -> None:
    replica, model = scene
    case_id = replica.receive(draft=None)
    replica.run()
    case = replica.case(case_id)
    assert model.asked == ["read", "draft"]
    assert case.draft is not None
    assert (case.state, case.draft.text, case.draft.version) == ("pending", WRITTEN.text, 1)


@pytest.mark.parametrize(
    "fault", [GiveUp("The model refused.", "Look at its settings."), RetryLater("busy", code="529")]
)
def test_a_case_never_waits_longer_than_ten_seconds(scene: Scene, fault: PortError) -> None:
    replica, model = scene
    model.faults = [fault] * 50
    case_id = replica.receive()
    for _ in range(11):
        replica.run(1)
        replica.clock.advance(1)
    replica.run()
    case = replica.case(case_id)
    assert (case.state, case.second_opinion, case.asking) == ("pending", Signals(), "")
    assert [d.status for d in replica.deliveries(case_id, "ModelReading")] == ["cancelled"]
    assert {e.type for e in replica.events(case_id)} >= {"ModelAsked", "ModelGaveUp", "PacketPosted"}


def test_a_busy_model_is_asked_again_in_time(scene: Scene) -> None:
    replica, model = scene
    model.faults = [RetryLater("busy", code="429", after=2.0)]
    case_id = replica.receive()
    replica.run()
    assert replica.case(case_id).state == "received"
    replica.clock.advance(2)
    replica.run()
    assert replica.case(case_id).state == "pending"
    assert model.asked == ["read", "read"]


def test_a_rejected_draft_comes_back_with_the_reviewers_words(scene: Scene) -> None:
    replica, model = scene
    case_id = replica.receive()
    replica.run()
    case = replica.case(case_id)
    words = "Say when it arrives."
    replica.engine.handle(
        Reject(case_id=case_id, user="UAGENT1", seen=case.request_hash, category="tone", text=words, then="redraft")
    )
    replica.run()
    case = replica.case(case_id)
    assert case.draft is not None
    assert (case.draft.version, case.draft.text) == (2, WRITTEN.text)
    assert model.briefs[0].feedback == (words,)
    assert model.briefs[0].rejected == case.drafts[0].text
    assert model.briefs[0].templates


def test_a_redraft_that_fails_for_good_leaves_the_writing_to_people(scene: Scene) -> None:
    replica, model = scene
    case_id = replica.receive()
    replica.run()
    case = replica.case(case_id)
    model.faults = [RetryLater("busy", code="529")] * 50
    replica.engine.handle(
        Reject(case_id=case_id, user="UAGENT1", seen=case.request_hash, category="tone", text="No.", then="redraft")
    )
    for _ in range(40):
        replica.run(1)
        replica.clock.advance(2)
    case = replica.case(case_id)
    assert (case.state, case.asking, case.sendable_draft) == ("pending", "", None)
    assert [d.status for d in replica.deliveries(case_id, "ModelDraft")] == ["cancelled"]
