"""The log that the store writes is one that `app.core.audit` can verify, and every change to it shows."""

from __future__ import annotations

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from app.core.audit import AuditReport, BadEvent, encode_case_proof, prove_case, verify_case_proof, verify_log
from app.core.checkpoint import parse_and_verify, sign_checkpoint, verifier_key
from app.core.effects import Click
from app.core.merkle import root_of
from db import log
from db.store import Store
from tests.db.steps import add, change, nth_case
from tests.make import NOW, SNAPSHOT, a_case, an_event, an_outcome

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ORIGIN = "countersign.example/log"
VERIFIER = verifier_key(ORIGIN, KEY.public_key())


def checkpoint(store: Store) -> None:
    with store.writing() as unit:
        frontier = unit.frontier()
        root = frontier.root()
        unit.add_checkpoint(sign_checkpoint(ORIGIN, frontier.size, root, KEY), frontier.size, root, NOW)


def verify(store: Store) -> AuditReport:
    with store.reading() as reader:
        heads = [parse_and_verify(c.text, VERIFIER) for c in reader.checkpoints()]
        return verify_log(reader.all_events(), heads)


def tamper(url: str, statement: str) -> None:
    """Change the database behind the store's back."""
    driver = make_url(url)
    if driver.drivername == "postgresql":
        driver = driver.set(drivername="postgresql+psycopg")
    engine = create_engine(driver)
    with engine.begin() as connection:
        assert connection.execute(text(statement)).rowcount > 0
    engine.dispose()


def fill(store: Store) -> None:
    """Five events in three transactions: a case with three, one without a case, another case."""
    with store.writing() as unit:
        case = add(unit, a_case(), "CaseReceived", "CaseAssessed")
    with store.writing() as unit:
        unit.append_events([an_event("PolicyActivated", actor="system:policy")], None, NOW)
        change(unit, case, "Approved", state="approved")
        add(unit, nth_case(1))


def test_the_log_verifies_and_is_anchored(store: Store) -> None:
    fill(store)
    checkpoint(store)
    report = verify(store)
    assert (report.ok, report.events, report.anchored) == (True, 5, 5)
    with store.reading() as reader:
        assert reader.frontier().root() == root_of(reader.leaf_hashes(5))


def test_what_an_event_says_comes_back(store: Store) -> None:
    event = an_event(
        "Edited",
        actor="slack:UAGENT2",
        reason='Wrong date\0, said "Friday" ’',
        request_hash="aa",
        policy_snapshot=SNAPSHOT,
        click=Click(trigger="1.2", channel="C1", ts="17.1"),
        data={"diff": ["-a", "+b"], "n": 2**70, "f": 0.1, "none": None, "é": "🧾"},
    )
    case = a_case()
    with store.writing() as unit:
        add(unit, case)
        unit.save(case, an_outcome(case, events=(event,)), NOW + timedelta(microseconds=1))
    with store.reading() as reader:
        found = reader.events(case.id)[-1]
    content = found.content
    assert (found.seq, found.type, found.actor, found.case_id) == (2, "Edited", "slack:UAGENT2", case.id)
    assert found.at == "2026-03-02T09:00:00.000001Z"
    assert (content.reason, content.click, content.policy_snapshot) == (event.reason, event.click, SNAPSHOT)
    assert content.data == {**event.data, "n": pytest.approx(2**70)}
    assert verify(store).ok


def test_a_long_log_is_streamed_in_order(store: Store) -> None:
    count = 2 * log._CHUNK + 3
    with store.writing() as unit:
        unit.append_events([an_event(data={"n": n}) for n in range(count)], None, NOW)
    with store.reading() as reader:
        assert [e.seq for e in reader.all_events(from_seq=1500)] == list(range(1500, count + 1))
        assert verify_log(reader.all_events(), []).events == count


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("payload", "replace(payload, 'ticket', 'tickeT')"),
        ("actor", "'slack:UEVIL'"),
        ("at", "'2026-03-02T09:00:00.000009Z'"),
        ("type", "'Rejected'"),
        ("case_id", "'cs_another1'"),
        ("event_id", "'ev_x'"),
    ],
)
def test_one_changed_column_is_found(store: Store, database_url: str, column: str, value: str) -> None:
    fill(store)
    checkpoint(store)
    tamper(database_url, f"UPDATE events SET {column} = {value} WHERE seq = 4")
    report = verify(store)
    assert (report.ok, report.kind, report.first_bad_seq) == (False, "altered", 4)


@pytest.mark.parametrize(
    ("statement", "kind", "seq"),
    [
        ("DELETE FROM events WHERE seq = 3", "missing", 3),
        ("DELETE FROM events WHERE seq = 5", "missing", 5),
        ("UPDATE events SET leaf_hash = (SELECT leaf_hash FROM events WHERE seq = 1) WHERE seq = 2", "altered", 2),
    ],
)
def test_what_is_gone_or_swapped_is_found(store: Store, database_url: str, statement: str, kind: str, seq: int) -> None:
    fill(store)
    checkpoint(store)
    tamper(database_url, statement)
    report = verify(store)
    assert (report.ok, report.kind, report.first_bad_seq) == (False, kind, seq)


def test_a_case_can_be_proven_from_what_is_stored(store: Store) -> None:
    fill(store)
    checkpoint(store)
    with store.reading() as reader:
        (head,) = reader.checkpoints()
        bundle = prove_case(a_case().id, reader.events(a_case().id), reader.leaf_hashes(head.size), head.text, VERIFIER)
    assert [e.seq for e in bundle.events] == [1, 2, 4]
    assert verify_case_proof(encode_case_proof(bundle), VERIFIER).ok


def test_only_heads_of_this_log_are_kept(store: Store) -> None:
    fill(store)
    with store.writing() as unit:
        with pytest.raises(ValueError, match="root"):
            unit.add_checkpoint("note", 5, b"\0" * 32, NOW)
        with pytest.raises(ValueError, match="size"):
            unit.add_checkpoint("note", 6, b"\0" * 32, NOW)
    checkpoint(store)
    with store.writing() as unit:
        unit.append_events([an_event()], None, NOW)
    checkpoint(store)
    with store.reading() as reader:
        assert [c.size for c in reader.checkpoints()] == [6, 5]
        assert [c.size for c in reader.checkpoints(limit=1)] == [6]


def test_an_event_that_cannot_be_hashed_stops_the_save(store: Store) -> None:
    with pytest.raises(BadEvent, match="actor"), store.writing() as unit:
        unit.append_events([an_event(), an_event(actor="")], None, NOW)
    with store.reading() as reader:
        assert reader.event_count() == reader.frontier().size == 0
