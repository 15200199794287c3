"""Digests in the tables: how crowded a channel is, which digest has room, and one delivery for many changes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from app.core.assessment import Route
from app.core.case import Case
from app.core.digest import LINES, Digest, DigestOutcome, DigestShown, decide_digest
from app.core.effects import DigestShow, PacketPost, ThreadReply
from db.outbox import Delivery
from db.store import Store, UnitOfWork
from tests.db.steps import add, change, nth_case, send
from tests.make import NOW, a_high_assessment, a_packet, an_assessment

REVIEW = "support-review"
KEY = "dg_first"
ALL = (REVIEW, "billing-approvals", "elsewhere")


def folded(number: int, key: str = KEY, **changes: Any) -> Case:
    packet = a_packet(ts=None, channel_id="", shown="", digest=key, folded=True)
    return nth_case(number, packets=(packet,), **changes)


def shows(unit: UnitOfWork) -> list[Delivery]:
    found = [d for d in unit.deliveries() if isinstance(d.effect, DigestShow)]
    return sorted(found, key=lambda d: d.number)


def taken(unit: UnitOfWork, key: str = KEY, **changes: Any) -> DigestOutcome:
    """Slack took the digest."""
    digest = unit.digest(key)
    assert digest is not None
    known = {"channel_id": "C1", "ts": "17.000001", "shown": "d1", "over": False}
    receipt = DigestShown(digest=key, delivery=f"{key}-{digest.deliveries}", **{**known, **changes})
    outcome = decide_digest(digest, receipt, NOW)
    unit.save_digest(outcome, NOW)
    return outcome


def test_low_cases_that_wait_and_came_since_then_are_counted_by_channel(store: Store) -> None:
    high = a_high_assessment(route=Route(role="support_agent", channel=REVIEW))
    with store.writing() as unit:
        for number in range(6):
            add(unit, nth_case(number))
        add(unit, nth_case(7, assessment=high, packets=()))
        change(unit, add(unit, nth_case(8)), state="sent")
        found = unit.crowds(ALL, NOW + timedelta(minutes=2))
    assert {c: crowd.low for c, crowd in found.items()} == {REVIEW: 4, "billing-approvals": 0, "elsewhere": 0}


def test_what_slack_does_not_show_yet_counts_however_long_ago_it_came(store: Store) -> None:
    with store.writing() as unit:
        for number in range(3):
            case = add(unit, nth_case(number))
            send(unit, case, PacketPost(packet="p1"))
        unit._connection.exec_driver_sql(f"UPDATE outbox SET pace = '{REVIEW}'")
        late = NOW + timedelta(hours=1)
        assert unit.crowds(ALL, late)[REVIEW].low == 3
        assert unit.oldest_unposted(ALL) == {REVIEW: NOW}
        unit.claim("w", late, timedelta(seconds=60), 9, ("slack",))
        assert unit.crowds(ALL, late)[REVIEW].low == 2


def test_a_reply_in_a_thread_is_no_packet_that_waits(store: Store) -> None:
    with store.writing() as unit:
        send(unit, add(unit, nth_case(1)), ThreadReply(packet="p1", kind="reminder"))
        unit._connection.exec_driver_sql(f"UPDATE outbox SET pace = '{REVIEW}'")
        assert unit.oldest_unposted(ALL) == {}


def test_a_digest_takes_twenty_lines_and_only_while_it_is_new_or_not_posted(store: Store) -> None:
    with store.writing() as unit:
        add(unit, folded(1))
        assert unit.crowds(ALL, NOW)[REVIEW].digest == KEY
        assert unit.crowds(ALL, NOW + timedelta(days=1))[REVIEW].digest == KEY
        taken(unit)
        made_at = unit.digest(KEY).made_at  # type: ignore[union-attr]
        assert unit.crowds(ALL, made_at)[REVIEW].digest == KEY
        assert unit.crowds(ALL, made_at + timedelta(seconds=1))[REVIEW].digest == ""
        for number in range(2, LINES + 1):
            add(unit, folded(number))
        assert unit.crowds(ALL, NOW)[REVIEW].digest == ""
        assert [c.id for c in unit.listed_cases(unit.live_digests()[0])] == [folded(n).id for n in range(1, LINES + 1)]


def test_many_changes_are_one_delivery_until_it_is_taken_in_hand(store: Store) -> None:
    with store.writing() as unit:
        cases = [add(unit, folded(number)) for number in range(1, 6)]
        assert [(d.id, d.status, d.lane) for d in shows(unit)] == [(f"{KEY}-1", "pending", f"digest:{KEY}")]
        unit.claim("w", NOW, timedelta(seconds=60), 9, ("slack",))
        for case in cases:
            change(unit, case, state="sent")
        assert [(d.id, d.status) for d in shows(unit)] == [(f"{KEY}-1", "claimed"), (f"{KEY}-2", "pending")]
        taken_first = Digest(key=KEY, channel=REVIEW, made_at=NOW)
        assert taken_first.lane == shows(unit)[1].lane


def test_what_a_line_does_not_show_sends_nothing(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, folded(1))
        taken(unit)
        case = change(unit, case, metadata={"a": "b"})
        assert [d.status for d in shows(unit)] == ["done"]
        change(unit, case, state="sent")
        assert [d.status for d in shows(unit)] == ["done", "pending"]


def test_an_opened_packet_stays_on_its_digest(store: Store) -> None:
    with store.writing() as unit:
        case = add(unit, folded(1))
        taken(unit)
        change(unit, case, packets=(a_packet(digest=KEY),))
        assert shows(unit)[-1].status == "pending"
        assert unit.digest(KEY).cases == (case.id,)  # type: ignore[union-attr]


def test_a_digest_of_nothing_open_is_not_looked_for(store: Store) -> None:
    with store.writing() as unit:
        add(unit, folded(1))
        assert len(unit.live_digests()) == 1
        taken(unit, over=True)
        assert unit.live_digests() == []
        assert unit.crowds(ALL, NOW)[REVIEW].digest == ""


def test_a_case_that_was_never_folded_has_no_digest(store: Store) -> None:
    with store.writing() as unit:
        add(unit, nth_case(1, assessment=an_assessment()))
        assert shows(unit) == []
        assert unit.digest(KEY) is None
