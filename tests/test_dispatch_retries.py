"""Retries, breakers, dead letters, lanes, and the second gate (DL1, DL3, GU4)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from app.cli import app
from app.core.effects import HelpdeskReply
from app.core.retry import FEWEST_TRIES
from app.courier import Ports
from app.dispatch import LEASE
from app.ports.errors import Ambiguous, Found, GiveUp, RetryLater
from tests.dispatching import DRAFT, Crash, FakeFarEnds, Replica, blocking, fake_replica, put_in_force

BUSY = RetryLater("the helpdesk is unavailable (503)", code="503")
LOST = Ambiguous("the helpdesk took the request but did not answer in time", "ticket t1 in the helpdesk")
NO_TICKET = GiveUp("the helpdesk does not know the ticket (404)", "Check that the ticket still exists", code="404")


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[tuple[Replica, FakeFarEnds]]:
    replica, far = fake_replica(tmp_path)
    yield replica, far
    replica.close()


Scene = tuple[Replica, FakeFarEnds]


def _next_try(replica: Replica, case_id: str) -> float:
    """Seconds until the reply is due again."""
    return (replica.reply(case_id).due_at - replica.clock.now()).total_seconds()


# --- retries ---------------------------------------------------------------------------------------------------------


def test_retry_after_is_obeyed_to_the_second(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    far.faults = [RetryLater("slow down", after=7.0, code="429")]
    replica.step("helpdesk")
    assert _next_try(replica, case_id) == 7.0
    replica.clock.advance(6.9)
    replica.step("helpdesk")
    assert far.kinds().count("reply") == 1
    replica.clock.advance(0.1)
    replica.step("helpdesk")
    assert far.kinds().count("reply") == 2
    assert replica.case(case_id).state == "sent"


@pytest.mark.parametrize(("jitter", "factor"), [(0.0, 0.75), (0.5, 1.0), (1.0, 1.25)])
def test_pauses_double_to_a_minute_and_are_jittered(tmp_path: Path, jitter: float, factor: float) -> None:
    replica, far = fake_replica(tmp_path, jitter=jitter)
    case_id = replica.released()
    far.always = BUSY
    pauses = []
    for _ in range(9):
        replica.step("helpdesk")
        pauses.append(_next_try(replica, case_id))
        replica.clock.advance(max(pauses[-1], 30))  # the breaker lets one through every 30 s
    assert pauses == pytest.approx([factor * pause for pause in (1, 2, 4, 8, 16, 32, 60, 60, 60)])
    assert len({call.delivery for call in far.calls if call.kind == "reply"}) == 1, "the id never changes"
    retried = replica.events(case_id, "DeliveryRetried")
    assert [e.content.data["attempt"] for e in retried] == list(range(1, 10))
    replica.close()


def test_after_a_day_it_is_a_dead_letter_that_can_be_driven_again(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    replica, far = scene
    case_id = replica.released()
    far.always = BUSY
    first = replica.clock.now()
    for _ in range(FEWEST_TRIES):
        replica.step("helpdesk")
        replica.clock.advance(76)
    replica.clock.advance_to(first + timedelta(hours=23, minutes=58))
    replica.step("helpdesk")
    assert replica.reply(case_id).status == "pending"
    replica.clock.advance(121)
    replica.step("helpdesk")
    reply = replica.reply(case_id)
    assert (reply.status, replica.case(case_id).state) == ("dead", "failed")
    (failed,) = replica.events(case_id, "DeliveryFailed")
    assert "503" in failed.content.reason
    assert "re-drive" in failed.content.data["remedy"]

    monkeypatch.chdir(tmp_path)
    environment = {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'dispatch.db'}",
        "COUNTERSIGN_POLICY_DIR": str(Path(__file__).resolve().parents[1] / "policies"),
    }
    listed = CliRunner().invoke(app, ["deliveries", "list"], env=environment)
    assert listed.exit_code == 0
    assert reply.id in listed.output
    assert "dead" in listed.output
    assert DRAFT not in listed.output
    driven = CliRunner().invoke(app, ["deliveries", "redrive", reply.id], env=environment)
    assert driven.exit_code == 0, driven.output
    far.always = None
    replica.clock.advance(60)
    replica.run()
    assert replica.case(case_id).state == "sent"
    assert [call.text for call in far.calls if call.kind == "reply"] == [DRAFT] * (FEWEST_TRIES + 3)
    again = CliRunner().invoke(app, ["deliveries", "redrive", reply.id], env=environment)
    assert again.exit_code == 1
    assert "Nothing is stuck." in CliRunner().invoke(app, ["deliveries", "list"], env=environment).output


def test_a_refusal_for_good_is_not_tried_again(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    far.faults = [NO_TICKET]
    replica.run()
    replica.clock.advance(3_600)
    replica.run()
    assert far.kinds().count("reply") == 1
    assert "fields" not in far.kinds(), "nothing of a case overtakes a reply that failed"
    assert replica.case(case_id).state == "failed"
    (failed,) = replica.events(case_id, "DeliveryFailed")
    assert (failed.content.reason, failed.content.data["remedy"]) == (NO_TICKET.error, NO_TICKET.remedy)


# --- the breaker -----------------------------------------------------------------------------------------------------


def test_five_failures_in_a_row_close_a_destination_but_for_a_probe_every_30_seconds(scene: Scene) -> None:
    replica, far = scene
    cases = replica.all_released(*range(1, 8))
    tries = len(far.calls)
    far.always = BUSY
    replica.step("helpdesk")
    assert len(far.calls) - tries == len(cases), "they left together, before anybody knew"
    for probes in (0, 1, 2):
        replica.clock.advance(29)
        replica.step("helpdesk")
        assert len(far.calls) - tries == len(cases) + probes
        replica.clock.advance(1.1)
        replica.step("helpdesk")
        assert len(far.calls) - tries == len(cases) + probes + 1, "one probe"
    far.always = None
    replica.clock.advance(31)
    replica.step("helpdesk")
    replica.run(60)  # packets are updated one at a time
    assert {replica.case(c).state for c in cases} == {"sent"}
    assert all(d.status == "done" for c in cases for d in replica.deliveries(c))


def test_four_failures_and_a_success_leave_it_open(scene: Scene) -> None:
    replica, far = scene
    replica.released(1)
    far.faults = [BUSY] * 4
    for _ in range(5):
        replica.step("helpdesk")
        replica.clock.advance(20)
    second = replica.released(2)
    far.faults = [BUSY]
    replica.step("helpdesk")
    replica.clock.advance(2)
    replica.step("helpdesk")
    assert replica.case(second).state == "sent"


def test_being_asked_to_slow_down_is_no_failure(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    far.faults = [RetryLater("slow down", after=1.0, code="429")] * 8
    for _ in range(9):
        replica.step("helpdesk")
        replica.clock.advance(61)
    assert replica.case(case_id).state == "sent"
    assert far.kinds().count("reply") == 9


def test_one_destination_being_down_holds_up_no_other(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    far.always = BUSY
    for _ in range(6):
        replica.step("helpdesk")
        replica.clock.advance(70)
    for _ in range(5):
        replica.step("slack")
    shown = replica.deliveries(case_id, "PacketUpdate")
    assert shown
    assert {d.status for d in shown} == {"done"}


# --- lanes -----------------------------------------------------------------------------------------------------------


def test_reply_then_fields_then_crm_whatever_fails_in_between(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    at = len(far.calls)
    far.faults = [BUSY, BUSY, None, BUSY, None, BUSY, BUSY, None]
    for _ in range(12):
        replica.run(2)
        replica.clock.advance(31)
    assert far.kinds()[at:] == ["reply"] * 3 + ["fields"] * 2 + ["crm"] * 3
    assert {d.status for d in replica.deliveries(case_id)} == {"done"}


def test_a_case_that_waits_holds_up_no_other(scene: Scene) -> None:
    replica, far = scene
    first, second = replica.all_released(1, 2)
    far.faults = [RetryLater("slow down", after=600, code="429")]
    replica.run()
    assert sorted((replica.case(first).state, replica.case(second).state)) == ["sending", "sent"]


# --- never twice -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "state", "attempts"), [(Found.YES, "sent", 1), (Found.NO, "sent", 2), (Found.UNKNOWN, "indeterminate", 1)]
)
def test_a_lost_answer_is_looked_for_at_the_destination(scene: Scene, found: Found, state: str, attempts: int) -> None:
    replica, far = scene
    case_id = replica.released()
    far.faults, far.found = [LOST], found
    for _ in range(4):
        replica.step("helpdesk")
        replica.clock.advance(61)
    assert far.asked
    assert far.kinds().count("reply") == attempts
    assert replica.case(case_id).state == state


def test_while_nobody_can_look_nothing_is_repeated(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    far.faults, far.found = [LOST], BUSY
    for _ in range(6):
        replica.step("helpdesk")
        replica.clock.advance(100)
    assert len(far.asked) > 1
    assert far.kinds().count("reply") == 1
    assert replica.case(case_id).state == "sending"
    far.found = Found.YES
    replica.clock.advance(100)
    replica.step("helpdesk")
    assert far.kinds().count("reply") == 1
    assert replica.case(case_id).state == "sent"


def test_if_nobody_can_look_for_a_day_people_are_asked(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    far.faults, far.found = [LOST], BUSY
    for _ in range(FEWEST_TRIES + 1):
        replica.step("helpdesk")
        replica.clock.advance(86_400 / FEWEST_TRIES)
    replica.step("helpdesk")
    assert far.kinds().count("reply") == 1
    assert replica.case(case_id).state == "indeterminate"


def test_a_fault_of_our_own_in_mid_delivery_is_not_repeated_either(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    far.faults = [ZeroDivisionError()]
    replica.run()
    assert far.kinds().count("reply") == 1
    assert replica.case(case_id).state == "indeterminate"


def test_what_waited_too_long_for_its_turn_is_left_to_the_next_claim(scene: Scene) -> None:
    """Near the end of the lease another worker could begin before this one is done."""
    replica, far = scene
    case_id = replica.released()
    clock = replica.clock
    replica.dispatcher.point = lambda name: clock.advance(LEASE.total_seconds() - 5) if name == "after claim" else None
    replica.step("helpdesk")
    assert "reply" not in far.kinds()
    reply = replica.reply(case_id)
    assert (reply.status, reply.attempts, reply.maybe_sent) == ("pending", 0, False)
    replica.dispatcher.point = lambda _name: None
    replica.step("helpdesk")
    assert far.kinds().count("reply") == 1


def test_what_was_claimed_but_not_begun_when_it_stops_is_given_back(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    dispatcher = replica.dispatcher
    dispatcher.point = lambda name: dispatcher.claim_no_more() if name == "after claim" else None
    replica.step("helpdesk")
    reply = replica.reply(case_id)
    assert (far.kinds().count("reply"), reply.status, reply.maybe_sent) == (0, "pending", False)


# --- the second gate -------------------------------------------------------------------------------------------------


def test_a_policy_that_blocks_the_text_meanwhile_brings_the_case_back(scene: Scene) -> None:
    replica, far = scene
    case_id = replica.released()
    put_in_force(replica.engine, blocking("left our warehouse", "Promise nothing about the warehouse."))
    replica.run()
    case = replica.case(case_id)
    assert "reply" not in far.kinds()
    assert (case.state, case.approvals, case.verdict) == ("pending", (), None)
    (held,) = replica.events(case_id, "DeliveryHeld")
    assert "Promise nothing about the warehouse." in held.content.reason
    assert replica.reply(case_id).status == "cancelled"
    assert any(timer.kind == "expire" for timer in case.timers), "people are asked again, and reminded"


@pytest.mark.parametrize("column", ["effect", "request hash"])
def test_a_text_changed_in_the_outbox_does_not_leave(scene: Scene, tmp_path: Path, column: str) -> None:
    replica, far = scene
    case_id = replica.released()
    reply = replica.reply(case_id)
    assert isinstance(reply.effect, HelpdeskReply)
    before, after = (DRAFT, "We owe you a million.") if column == "effect" else (reply.effect.request_hash, "0" * 64)
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'dispatch.db'}", poolclass=sa.NullPool)
    with engine.begin() as connection:
        changed = sa.text("UPDATE outbox SET effect = replace(effect, :before, :after) WHERE id = :id")
        assert connection.execute(changed, {"before": before, "after": after, "id": reply.id}).rowcount == 1
    engine.dispose()
    assert replica.reply(case_id).effect != reply.effect

    replica.run()
    assert "reply" not in far.kinds()
    assert replica.case(case_id).state == "pending"
    (held,) = replica.events(case_id, "DeliveryHeld")
    assert "not the one that was approved" in held.content.reason


def test_no_far_end_is_ever_called_before_the_commit(tmp_path: Path) -> None:
    """Recorded before forwarded: what was not stored has not happened."""
    replica, far = fake_replica(tmp_path)
    case_id = replica.receive()
    replica.run()
    calls = len(far.calls)
    replica.point.at = "before commit"
    with pytest.raises(Crash):
        replica.approve(case_id)
    replica.clock.advance(60)
    replica.run()
    assert len(far.calls) == calls
    assert replica.case(case_id).state == "pending"
    replica.close()


def test_what_an_installation_does_not_have_counts_as_done(tmp_path: Path) -> None:
    replica, far = fake_replica(tmp_path)
    without_crm = Ports(slack=replica.dispatcher.courier.ports.slack, helpdesk=far)
    replica.dispatcher.courier.ports = without_crm
    case_id = replica.released()
    replica.run()
    assert replica.case(case_id).state == "sent"
    assert "crm" not in far.kinds()
    assert {d.status for d in replica.deliveries(case_id)} == {"done"}
    replica.close()
