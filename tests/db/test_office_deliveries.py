"""Deliveries that are about the whole workspace: rows without a case, stored with the office or not at all."""

from __future__ import annotations

import pytest

from app.core.effects import BoardPost, ChannelNotice, Event, Settlement
from app.core.office import Office, OfficeOutcome
from db.errors import VersionConflict
from db.store import Store
from tests.db.steps import add, claim, nth_case, send_office, settle
from tests.make import NOW, a_case

PAUSED = ChannelNotice(channel="support-escalations", kind="paused", data={"queue": "", "by": "ULEAD1"})
RESUMED = ChannelNotice(channel="support-escalations", kind="resumed")


def test_it_has_no_case_and_comes_back_whole(store: Store) -> None:
    with store.writing() as unit:
        send_office(unit, Office(), PAUSED)
    (delivery,) = claim(store)
    assert (delivery.id, delivery.case_id, delivery.effect) == ("office-1", "", PAUSED)
    assert (delivery.destination, delivery.lane, delivery.priority) == ("slack", "office:#support-escalations", 0)
    assert settle(store, "office-1")
    assert claim(store) == []


def test_a_channel_hears_of_the_end_after_the_beginning(store: Store) -> None:
    with store.writing() as unit:
        office = send_office(unit, Office(), PAUSED, BoardPost(board="b1"))
        send_office(unit, office, RESUMED)
    assert sorted(d.id for d in claim(store)) == ["office-1", "office-2"]
    settle(store, "office-1")
    assert [(d.id, d.effect) for d in claim(store)] == [("office-3", RESUMED)]


def test_it_is_not_among_the_deliveries_of_any_case(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, nth_case(1))
        send_office(unit, Office(), PAUSED)
        assert unit.deliveries(case_id=case.id) == []
        assert [d.id for d in unit.deliveries("pending")] == ["office-1"]


def test_a_dead_one_holds_nothing_up_and_can_be_redriven(store: Store) -> None:
    with store.writing() as unit:
        send_office(unit, Office(), PAUSED, RESUMED)
    claim(store)
    settle(store, "office-1", "dead", "channel_not_found")
    assert [d.id for d in claim(store)] == ["office-2"]
    settle(store, "office-2")
    with store.writing() as unit:
        assert unit.redrive("office-1")
    assert [d.id for d in claim(store)] == ["office-1"]


def test_an_event_and_what_it_settles_are_one_transaction(store: Store) -> None:
    with store.writing() as unit:
        office = send_office(unit, Office(), PAUSED)
    claim(store)
    receipt = OfficeOutcome(
        office=Office(version=office.version + 1, deliveries=1),
        events=(Event(type="DeliverySucceeded", actor="system:dispatch", data={"delivery": "office-1"}),),
        settled=(Settlement(delivery="office-1", status="done"),),
    )
    with store.writing() as unit:
        unit.save_office(office, receipt, NOW)
    with store.reading() as reader:
        delivery = reader.delivery("office-1")
        assert delivery is not None
        assert (delivery.status, delivery.settled_at) == ("done", NOW)
        assert reader.office() == receipt.office


def test_a_change_of_an_office_that_moved_on_leaves_nothing(store: Store) -> None:
    with store.writing() as unit:
        send_office(unit, Office(), PAUSED)
        case = add(unit, a_case())
    claim(store)
    with pytest.raises(VersionConflict), store.writing() as unit:
        send_office(unit, Office(version=5), RESUMED)
    assert claim(store) == []
    with store.reading() as reader:
        assert reader.office().version == 1
        assert [e.type for e in reader.events(case.id)] == ["CaseReceived"]
