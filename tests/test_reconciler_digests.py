"""A digest that Slack lost or shows wrongly is put right, and hides no case where it cannot be (SL2, SL12)."""

from __future__ import annotations

import pytest

from app.auditor import Auditor
from app.core.digest import POSTS, Digest
from app.core.errors import Refused
from app.core.messages import RepairPacket
from app.sandbox.model import Message
from tests.test_reconciler import Scene
from tests.test_reconciler import scene as reconciled

__all__ = ["reconciled"]


@pytest.fixture
def scene(reconciled: Scene) -> Scene:
    """Twelve cases: nine packets and a digest of three."""
    for number in range(1, 13):
        reconciled.replica.receive(number)
    reconciled.catch_up()
    return reconciled


def digest(scene: Scene) -> Digest:
    with scene.replica.store.reading() as reader:
        (found,) = reader.live_digests()
    return found


def message(scene: Scene) -> Message:
    found = scene.sandbox.workspace.find(digest(scene).channel_id, digest(scene).ts or "")
    assert found is not None
    return found


def test_where_all_is_well_nothing_is_repaired_and_folded_packets_are_not_missed(scene: Scene) -> None:
    assert [len(digest(scene).cases), len(scene.sandbox.workspace.everything(digest(scene).channel_id))] == [3, 10]
    assert scene.round(scene.reconciler()) == 0
    Auditor(scene.replica.engine).look()
    assert scene.replica.engine.office().alarms == ()


def test_a_deleted_digest_is_posted_again_once_by_any_number_of_replicas(scene: Scene) -> None:
    beside = scene.replica.beside()
    two = (scene.reconciler(), scene.reconciler(beside))
    first = message(scene)
    scene.sandbox.workspace.delete(first)
    assert sorted(scene.round(one) for one in two) == [0, 1]
    scene.catch_up()
    assert (message(scene).ts != first.ts, digest(scene).gone) == (True, (first.ts,))
    assert [scene.round(one) for one in two] == [0, 0]
    beside.close()


def test_a_digest_that_was_changed_behind_our_back_shows_the_truth_again(scene: Scene) -> None:
    case_id = digest(scene).cases[0]
    scene.replica.approve(case_id)
    scene.catch_up()
    shown = message(scene)
    assert "✔ Approved" in str(shown.blocks)
    scene.sandbox.workspace.edit(shown, shown.versions[0], shows_edited=False)
    assert "✔ Approved" not in str(message(scene).blocks)
    assert scene.round(scene.reconciler()) == 1
    scene.replica.clock.advance(4)
    scene.catch_up()
    assert "✔ Approved" in str(message(scene).blocks)
    assert scene.round(scene.reconciler()) == 0


def test_whoever_deletes_it_again_and_again_gets_packets(scene: Scene) -> None:
    cases = digest(scene).cases
    for _ in range(POSTS + 1):
        scene.sandbox.workspace.delete(message(scene))
        assert scene.round(scene.reconciler()) >= 1
        scene.catch_up()
        if scene.replica.case(cases[0]).packets[0].ts:
            break
    assert all(scene.replica.case(c).packets[0].ts for c in cases)
    with scene.replica.store.reading() as reader:
        assert reader.live_digests() == []
    assert scene.round(scene.reconciler()) == 0


def test_an_archived_channel_takes_no_case_with_it(scene: Scene) -> None:
    cases = digest(scene).cases
    was = digest(scene).channel_id
    scene.sandbox.workspace.archive(scene.sandbox.workspace.channel_named("support-review"))
    assert scene.round(scene.reconciler()) == 10
    scene.catch_up()
    for case_id in cases:
        packet = scene.replica.case(case_id).packets[0]
        assert (packet.channel, packet.folded, packet.channel_id == was) == ("support-escalations", False, False)
        assert packet.ts
    with scene.replica.store.reading() as reader:
        assert reader.deliveries("dead") == []


def test_a_folded_packet_is_posted_once_where_its_digest_is_lost(scene: Scene) -> None:
    case_id = digest(scene).cases[0]
    lost = RepairPacket(case_id=case_id, by="system:dispatch", packet="p1", ts="", found="missing")
    scene.replica.engine.handle(lost)
    with pytest.raises(Refused):
        scene.replica.engine.handle(lost)
    scene.catch_up()
    assert scene.packet(case_id)
