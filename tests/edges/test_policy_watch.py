"""The running server and its policy directory: it never half-loads, and a change waits for people (RI1, RI9)."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from app.core.errors import PolicyError, PolicyProblem
from app.core.office import DecidePolicy
from app.core.policy import Policy
from app.edges.policy_files import load_policy
from app.edges.policy_watch import PolicyWatch
from app.engine import Engine
from db.store import Store
from tests.core.policies import DIRECTORY
from tests.dispatching import HandClock
from tests.make import people

BEFORE, AFTER = "expire_after: 24h", "expire_after: 12h"


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    made = tmp_path / "policies"
    made.mkdir()
    for file in DIRECTORY.glob("*.yaml"):
        shutil.copy(file, made)
    return made


def a_replica(store: Store, directory: Path) -> tuple[Engine, PolicyWatch]:
    engine = Engine(store, load_policy(directory), clock=HandClock(), people=people)  # type: ignore[arg-type]
    watch = PolicyWatch(engine, directory)
    watch.load()
    return engine, watch


def change(directory: Path, before: str = BEFORE, after: str = AFTER) -> None:
    file = directory / "risk.yaml"
    text = file.read_text()
    assert before in text
    file.write_text(text.replace(before, after))


def looks(watch: PolicyWatch, times: int = 3) -> None:
    for _ in range(times):
        watch.look()


def sign(engine: Engine, *users: str) -> None:
    with engine.store.reading() as reader:
        candidate = reader.office().candidate
    assert candidate is not None
    for user in users:
        engine.decide_policy(DecidePolicy(user=user, snapshot=candidate.snapshot, do="sign"))


def events(store: Store) -> list[str]:
    with store.reading() as reader:
        return [event.type for event in reader.all_events()]


def test_a_change_becomes_a_candidate_and_is_in_force_once_signed(store: Store, directory: Path) -> None:
    engine, watch = a_replica(store, directory)
    first = engine.policy.snapshot
    change(directory)
    looks(watch)
    assert engine.policy.snapshot == first
    sign(engine, "UOPS1", "UPOL1")
    assert engine.policy.snapshot == load_policy(directory).snapshot != first
    assert events(store) == ["PolicyActivated", "PolicyOffered", "PolicySigned", "PolicyActivated"]


def test_a_broken_directory_leaves_the_old_policy_and_says_why(
    store: Store, directory: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine, watch = a_replica(store, directory)
    first = engine.policy.snapshot
    change(directory, after="expire_after: soon")
    with caplog.at_level(logging.ERROR):
        looks(watch, 5)
    assert engine.policy.snapshot == first
    assert any("risk.yaml" in problem and "soon" in problem for problem in watch.problems)
    assert sum("the changed policy does not load" in r.message for r in caplog.records) == 1
    assert events(store) == ["PolicyActivated"]

    change(directory, before="expire_after: soon", after=AFTER)
    looks(watch)
    assert watch.problems == ()
    assert events(store)[-1] == "PolicyOffered"


def test_what_cannot_be_prepared_is_not_offered(store: Store, directory: Path) -> None:
    def refuse(_: Policy) -> None:
        raise PolicyError([PolicyProblem(file="intents.yaml", key="intents.warranty", message="too few phrases")])

    engine, _ = a_replica(store, directory)
    watch = PolicyWatch(engine, directory, refuse)
    change(directory)
    looks(watch)
    assert watch.problems == ("intents.yaml: intents.warranty: too few phrases",)
    assert events(store) == ["PolicyActivated"]


def test_a_directory_in_the_middle_of_being_saved_waits(store: Store, directory: Path) -> None:
    engine, watch = a_replica(store, directory)
    looks(watch)
    change(directory)
    watch.look()
    assert events(store) == ["PolicyActivated"]
    change(directory, before=AFTER, after="expire_after: 14h")
    watch.look()
    assert events(store) == ["PolicyActivated"]
    watch.look()
    assert events(store) == ["PolicyActivated", "PolicyOffered"]
    sign(engine, "UOPS1", "UPOL1")
    assert engine.policy.risk.expire_after == "14h"


def test_another_replica_follows_and_a_restart_remembers(store: Store, directory: Path) -> None:
    engine, watch = a_replica(store, directory)
    other, _ = a_replica(store, directory)
    told: list[str] = []
    other.policy_listeners.append(lambda policy: told.append(policy.snapshot))
    change(directory)
    looks(watch)
    sign(engine, "UOPS1", "UPOL1")
    signed = engine.policy.snapshot
    assert other.policy.snapshot != signed
    other.follow()
    assert other.policy.snapshot == signed
    assert told == [signed]

    change(directory, before=AFTER, after="expire_after: 14h")
    restarted, _ = a_replica(store, directory)
    assert restarted.policy.snapshot == signed


def test_a_missing_file_is_a_problem_and_no_change(store: Store, directory: Path) -> None:
    engine, watch = a_replica(store, directory)
    first = engine.policy.snapshot
    (directory / "roles.yaml").unlink()
    looks(watch)
    assert engine.policy.snapshot == first
    assert "roles.yaml" in watch.problems[0]


def test_a_change_of_the_phrases_alone_waits_too(store: Store, directory: Path) -> None:
    engine, watch = a_replica(store, directory)
    first = engine.policy.snapshot
    with (directory / "intents.yaml").open("a") as file:
        file.write("# a comment changes nothing\n")
    looks(watch)
    assert events(store) == ["PolicyActivated"]
    text = (directory / "intents.yaml").read_text()
    (directory / "intents.yaml").write_text(text.replace("[Hi, Hello,", "[Hi, Well then, Hello,", 1))
    looks(watch)
    assert engine.policy.snapshot == first
    with store.reading() as reader:
        candidate = reader.office().candidate
    assert candidate is not None
    assert candidate.files == ("intents.yaml",)
