"""Cases as they are saved, found and read back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from app.core.case import History
from app.core.effects import Outcome
from db.errors import TicketTaken, Unstorable, VersionConflict
from db.queries import BadCursor
from db.store import Store
from tests.db.steps import add, change, crashing, nth_case, taken_back
from tests.make import (
    NOW,
    a_case,
    a_customer,
    a_high_case,
    a_message,
    a_packet,
    a_ticket,
)


def test_a_case_comes_back_as_it_was_saved(store: Store) -> None:
    text = 'Null \0, quote " and ’, backslash \\, emoji 🧾, RTL \u202e, <!channel> {0} %s'
    case = a_high_case(messages=(a_message(text),), metadata={"k\0": "v\0"})
    with store.writing() as unit:
        add(unit, case)
        assert unit.case(case.id) == case
    with store.reading() as reader:
        assert reader.case(case.id) == case
        assert reader.open_case_for_ticket(case.ticket.id) == case
        assert reader.case("cs_nobody") is None


def test_a_change_replaces_the_case(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case())
    with store.writing() as unit:
        after = change(unit, case, state="sent", timers=())
    with store.reading() as reader:
        assert reader.case(case.id) == after
        assert reader.open_case_for_ticket(case.ticket.id) is None


def test_an_old_version_cannot_be_saved_over_a_newer_one(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case())
        newer = change(unit, case, stage=1)
    with pytest.raises(VersionConflict, match="version 1"), store.writing() as unit:
        change(unit, case, stage=2)
    with store.reading() as reader:
        assert reader.case(case.id) == newer
        assert [e.type for e in reader.events(case.id)] == ["CaseReceived", "CaseReceived"]


def test_a_case_that_was_never_stored_cannot_be_changed(store: Store) -> None:
    with pytest.raises(VersionConflict), store.writing() as unit:
        change(unit, a_case(), stage=1)


def test_one_id_is_stored_once(store: Store) -> None:
    with store.writing() as unit:
        add(unit, a_case())
    with pytest.raises(VersionConflict, match="exists already"), store.writing() as unit:
        add(unit, a_case(ticket=a_ticket(id="another")))


def test_a_version_cannot_be_skipped(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case())
        with pytest.raises(ValueError, match="version 2 expected, got 3"):
            unit.save(case, Outcome(case=replace(case, version=3), events=()), NOW)


def test_a_ticket_has_one_open_case(store: Store) -> None:
    with store.writing() as unit:
        old = add(unit, a_case())
        fresh = a_case(id="cs_fresh001", supersedes=old.id)
        with pytest.raises(TicketTaken, match="48213"), unit.savepoint():
            add(unit, fresh)
        change(unit, old, state="superseded", superseded_by=fresh.id, timers=())
        add(unit, fresh)
        found = unit.open_case_for_ticket(old.ticket.id)
    assert found == fresh


def test_text_no_column_can_hold_is_refused_by_name(store: Store) -> None:
    with store.writing() as unit, pytest.raises(Unstorable, match=r"ticket\.id"):
        add(unit, a_case(ticket=a_ticket(id="4\0")))


def test_a_savepoint_undoes_only_itself(store: Store) -> None:
    with store.writing() as unit:
        first = add(unit, a_case())
        with taken_back(unit):
            change(unit, first, stage=1)
        with unit.savepoint():
            kept = change(unit, first, "Approved", state="approved")
    with store.reading() as reader:
        assert reader.case(first.id) == kept
        assert [(e.seq, e.type) for e in reader.events(first.id)] == [(1, "CaseReceived"), (2, "Approved")]
        assert reader.frontier().size == reader.event_count() == 2


def test_an_exception_in_a_savepoint_goes_on(store: Store) -> None:
    with store.writing() as unit, pytest.raises(ZeroDivisionError), unit.savepoint():
        print(1 / 0)


def test_a_failed_block_leaves_nothing(store: Store) -> None:
    with crashing(store) as unit:
        add(unit, a_case())
    with store.reading() as reader:
        assert reader.case(a_case().id) is None
        assert reader.frontier().size == reader.event_count() == 0
        assert reader.queue_counts(NOW) == {}


def test_a_reader_sees_one_moment(store: Store) -> None:
    with store.reading() as reader:
        assert reader.cases() == ([], None)
        with store.writing() as unit:
            add(unit, a_case())
        assert reader.cases() == ([], None)
    with store.reading() as reader:
        assert len(reader.cases()[0]) == 1


def test_pages_hold_every_case_once_newest_first(store: Store) -> None:
    with store.writing() as unit:
        cases = [add(unit, nth_case(n)) for n in range(7)]
    seen, cursor = [], None
    with store.reading() as reader:
        while True:
            page, cursor = reader.cases(limit=3, cursor=cursor)
            seen += page
            if cursor is None:
                break
    assert seen == cases[::-1]


def test_cases_are_filtered(store: Store) -> None:
    with store.writing() as unit:
        low = add(unit, a_case())
        high = add(unit, a_high_case(customer=a_customer(id="cust-7")))
        sent = change(unit, low, state="sent")
    with store.reading() as reader:
        assert reader.cases(state="sent") == ([sent], None)
        assert reader.cases(tier="high") == ([high], None)
        assert reader.cases(queue="billing-approvals") == ([high], None)
        assert reader.cases(ticket=low.ticket.id, customer=low.customer.id) == ([sent], None)
        assert reader.cases(tier="low", state="pending") == ([], None)


@pytest.mark.parametrize("cursor", ["x", "AAAA", "é", "bm90aGluZw", "AAAgAA"])
def test_a_made_up_cursor_is_refused(sqlite_url: str, cursor: str) -> None:
    store = Store(sqlite_url)
    with store.reading() as reader, pytest.raises(BadCursor, match="cursor"):
        reader.cases(cursor=cursor)
    store.close()


def test_history_counts_what_else_the_customer_wrote(store: Store) -> None:
    with store.writing() as unit:
        old = add(unit, a_case(id="cs_old00001", ticket=a_ticket(id="1"), created_at=NOW - timedelta(days=8)))
        sent = add(unit, a_case(id="cs_sent0001", ticket=a_ticket(id="2")))
        change(unit, sent, state="sent")
        add(unit, a_case(id="cs_open0001", ticket=a_ticket(id="3")))
        add(unit, a_case(id="cs_other001", ticket=a_ticket(id="4"), customer=a_customer(id="someone-else")))
        week = NOW - timedelta(days=7)
        assert unit.history(old.customer.id, "5", week) == History(contacts_7d=2, unresolved_7d=1)
        assert unit.history(old.customer.id, "3", week, but="cs_open0001") == History(contacts_7d=1)


def test_history_counts_rejections_in_a_row(store: Store) -> None:
    week = NOW - timedelta(days=7)
    with store.writing() as unit:
        case = add(unit, a_case(), "CaseReceived", "Rejected", "Edited", "Rejected")
        case = change(unit, case, "ViewOpened", "Rejected", state="rejected")
        add(unit, a_case(id="cs_fresh001"))
        assert unit.history("nobody", case.ticket.id, week).rejected_drafts == 2
        assert unit.history("nobody", "another", week).rejected_drafts == 0


def test_a_packet_message_leads_to_its_case(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, a_case(packets=(a_packet(ts=None),)))
        assert unit.case_by_packet("CSUPPORTREVIEW", "17.1") is None
        change(unit, case, packets=(a_packet(ts="17.1"), a_packet(key="p2", ts="17.2", channel="billing-approvals")))
    with store.reading() as reader:
        assert reader.case_by_packet("CSUPPORTREVIEW", "17.1") == case.id
        assert reader.case_by_packet("CBILLINGAPPROVALS", "17.2") == case.id
        assert reader.case_by_packet("CBILLINGAPPROVALS", "17.1") is None


def test_the_first_answer_under_a_key_is_kept(store: Store) -> None:
    with store.writing() as unit:
        assert unit.answer_for("agent:k1") is None
        unit.remember_answer("agent:k1", "digest", 202, b'{"id":"cs_1"}', NOW)
    with store.reading() as reader:
        answer = reader.answer_for("agent:k1")
    assert answer is not None
    assert (answer.digest, answer.status, answer.body) == ("digest", 202, b'{"id":"cs_1"}')


def test_a_snapshot_comes_back_byte_for_byte(store: Store) -> None:
    with store.writing() as unit:
        for _ in range(2):
            unit.save_snapshot("abc", b'{"risk":{}}')
        assert unit.load_snapshot("abc") == b'{"risk":{}}'
        assert unit.load_snapshot("nothing") is None
