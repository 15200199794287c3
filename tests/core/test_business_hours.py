"""What waits for people counts their business hours; customers, deadlines and urgent cases never wait (TI1-TI3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from msgspec.structs import replace

from app.core.calendar import ALWAYS
from app.core.case import Case
from app.core.errors import PolicyError
from app.core.machine import decide
from app.core.messages import Edit, FireTimer, Undo
from app.core.policy import Policy, compile_policy
from app.core.policy.explain import explain
from app.core.policy.review import review
from app.core.world import World
from blocks.packet import packet_message
from db.cases import overdue_at
from tests.blocks.reading import AROUND, words_of
from tests.core.policies import shipped, shipped_documents, with_roles
from tests.docs.pages import ROOT, section
from tests.make import a_case
from tests.scenes import a_world, received

OFFICE: dict[str, Any] = {
    "zone": "Europe/Berlin",
    "days": dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), "09:00-17:00"),
    "holidays": "DE-BE",
}


def with_hours(hours: dict[str, Any] = OFFICE, **risk: Any) -> Policy:
    """The shipped policy with business hours for the agents and billing; a case may wait a week."""
    documents = with_roles(support_agent={"hours": hours}, billing_approver={"hours": hours})
    return compile_policy(replace(documents, risk={**documents.risk, "expire_after": "7d", **risk}))


POLICY = with_hours()
# Few topics, so that a review takes no time.
RISK = shipped_documents()[0].risk
FEW = {
    "intents": {name: RISK["intents"][name] for name in ("shipping_status", "complaint", "cancellation")},
    "actions": {name: RISK["actions"][name] for name in ("faq_answer", "refund", "data_export")},
}


def in_berlin(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/Berlin")).astimezone(UTC)


FRIDAY = in_berlin("2026-03-06T16:50")


def due(case: Case) -> dict[str, datetime]:
    return {timer.key: timer.due_at for timer in case.timers}


def shown(case: Case) -> str:
    return words_of(packet_message(case, case.packets[0], AROUND))


def came(at: datetime, scene: str = "shipping", policy: Policy = POLICY, **changes: Any) -> Case:
    return received(scene, world=a_world(at, policy), **changes)


# --- when rungs are due ------------------------------------------------------------------------------------------


def test_a_case_of_friday_evening_reminds_on_monday() -> None:
    assert due(came(FRIDAY)) == {
        "rung:reminder": in_berlin("2026-03-09T10:50"),
        "rung:supervisor": in_berlin("2026-03-09T12:50"),
        "rung:holding": FRIDAY + timedelta(hours=12),
        "expire": FRIDAY + timedelta(days=7),
    }


def test_after_a_holiday_on_monday_it_reminds_on_tuesday() -> None:
    assert due(came(in_berlin("2026-05-22T16:50")))["rung:reminder"] == in_berlin("2026-05-26T10:50")
    closed = with_hours({**OFFICE, "closed": ["2026-03-09"]})
    assert due(came(FRIDAY, policy=closed))["rung:reminder"] == in_berlin("2026-03-10T10:50")


def test_an_urgent_case_waits_for_nobody() -> None:
    case = came(FRIDAY, "refund")
    assert case.assessed.route.role == "billing_approver"
    assert due(case)["rung:backup"] == FRIDAY + timedelta(minutes=15)
    assert due(case)["rung:manager"] == FRIDAY + timedelta(minutes=30)


def test_a_share_of_the_deadline_goes_by_the_clock() -> None:
    ladders = {**RISK["ladders"], "standard": [{"id": "half", "after": "50%", "do": "remind"}]}
    case = came(FRIDAY, policy=with_hours(ladders=ladders), deadline=FRIDAY + timedelta(hours=10))
    assert due(case)["rung:half"] == FRIDAY + timedelta(hours=5)


def test_the_deadline_itself_goes_by_the_clock() -> None:
    sunday = FRIDAY + timedelta(days=2)
    case = came(FRIDAY, deadline=sunday)
    assert due(case)["expire"] == sunday
    expired = decide(case, FireTimer(case_id=case.id, key="expire"), a_world(sunday, POLICY)).case
    assert expired.state == "expired"


def test_what_counts_are_the_hours_of_the_role_it_went_to() -> None:
    elsewhere = compile_policy(with_roles(support_lead={"hours": OFFICE}))
    assert due(came(FRIDAY, policy=elsewhere))["rung:supervisor"] == FRIDAY + timedelta(hours=4)


def test_shipped_queues_are_always_open() -> None:
    assert {role.calendar for role in shipped().roles.values()} == {ALWAYS}
    assert not any(rung.open_hours for rung in came(FRIDAY, policy=shipped()).assessed.rungs)


# --- a ladder that was climbed in part ---------------------------------------------------------------------------


def edited_and_undone(case: Case, world: World) -> Case:
    text = "Thank you for asking. A colleague writes to you about your parcel today."
    edited = decide(case, Edit(case_id=case.id, user="UAGENT1", seen=case.request_hash, text=text), world).case
    assert [timer.kind for timer in edited.timers] == ["send"]
    return decide(edited, Undo(case_id=case.id, user="UAGENT1", seen=edited.request_hash), world).case


def test_after_an_edit_what_fired_stays_fired_and_the_rest_stays_where_it_was() -> None:
    case = came(FRIDAY)
    world = a_world(in_berlin("2026-03-09T10:50"), POLICY)
    for key in ("rung:holding", "rung:reminder"):
        case = decide(case, FireTimer(case_id=case.id, key=key), world).case
    undone = edited_and_undone(case, world)
    assert undone.fired == ("rung:holding", "rung:reminder")
    assert due(undone) == {"rung:supervisor": in_berlin("2026-03-09T12:50"), "expire": FRIDAY + timedelta(days=7)}


def test_an_open_case_keeps_the_hours_it_came_in_under() -> None:
    case = came(FRIDAY)
    world = a_world(FRIDAY + timedelta(minutes=5), POLICY, active=shipped())
    assert due(edited_and_undone(case, world)) == due(case)


# --- what people and the queue are told --------------------------------------------------------------------------


def test_it_is_overdue_when_its_first_rung_is_due() -> None:
    no_holding = came(FRIDAY, ticket=replace(a_case().ticket, channel="phone"))
    assert overdue_at(no_holding) == in_berlin("2026-03-09T10:50")
    assert overdue_at(came(FRIDAY)) == FRIDAY + timedelta(hours=12)


def test_a_packet_names_the_next_rung_that_will_come() -> None:
    case = came(FRIDAY, ticket=replace(a_case().ticket, channel="phone"))
    assert f"reminder <!date^{int(in_berlin('2026-03-09T10:50').timestamp())}^" in shown(case)
    # It ends on Sunday, so nobody will be reminded on Monday.
    short = came(FRIDAY, ticket=replace(a_case().ticket, channel="phone"), deadline=FRIDAY + timedelta(days=2))
    assert "Due" in shown(short)
    assert "reminder" not in shown(short)


def test_explaining_a_case_names_the_business_hours() -> None:
    ladder = explain(came(FRIDAY), POLICY).ladder
    assert ladder[0] == "after 2 h of business hours: whoever can decide is reminded"
    assert "after 12 h: the customer gets the holding message, once" in ladder


def test_an_escalation_says_what_was_waited_for() -> None:
    case = came(FRIDAY)
    monday = a_world(in_berlin("2026-03-09T12:50"), POLICY)
    outcome = decide(case, FireTimer(case_id=case.id, key="rung:supervisor"), monday)
    told = [event.reason for event in outcome.events if event.type == "Escalated"]
    assert told == ["No decision after 4 h of business hours."]


# --- what is wrong with hours ------------------------------------------------------------------------------------

WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"zone": "Europe/Belrin"}, "hours.zone", "unknown time zone Europe/Belrin (did you mean Europe/Berlin?)"),
    ({"zone": "../../etc/passwd"}, "hours.zone", "unknown time zone"),
    ({"zone": "localtime"}, "hours.zone", "unknown time zone"),
    ({"days": {}}, "hours.days", "no open time at all"),
    ({"days": {"mon": []}}, "hours.days", "no open time at all"),
    ({"days": {"mon": "17:00-09:00"}}, "hours.days.mon", "17:00-09:00 ends before it starts"),
    ({"days": {"mon": "09:00-09:00"}}, "hours.days.mon", "ends before it starts"),
    ({"days": {"tue": ["13:00-18:00", "09:00-13:30"]}}, "hours.days.tue", "09:00-13:30 and 13:00-18:00 overlap"),
    ({"days": {"tue": "9-17"}}, "hours.days.tue", "From and to on a 24-hour clock: 09:00-17:30"),
    ({"days": {"tue": ["09:00-24:30"]}}, "hours.days.tue[0]", "From and to on a 24-hour clock"),
    ({"days": {"monday": "09:00-17:00"}}, "hours.days.monday", "unknown key monday (did you mean mon?)"),
    ({"holidays": "XX"}, "hours.holidays", "no holidays are known for XX"),
    ({"holidays": "DE-BX"}, "hours.holidays", "DE has no part BX"),
    ({"holidays": "Germany"}, "hours.holidays", "DE or DE-BE"),
    ({"closed": ["2026-02-30"]}, "hours.closed[0]", "there is no 2026-02-30"),
    ({"closed": ["24.12.2026"]}, "hours.closed[0]", "A day: 2026-12-24"),
]


@pytest.mark.parametrize(("change", "key", "says"), WRONG, ids=[str(w[0]) for w in WRONG])
def test_a_mistake_in_the_hours_is_named(change: dict[str, Any], key: str, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        with_hours({**OFFICE, **change})
    told = {p.key: f"{p.message} ({p.hint})" for p in caught.value.problems}
    assert set(told) == {f"roles.{role}.{key}" for role in ("support_agent", "billing_approver")}
    assert says in told[f"roles.support_agent.{key}"]


def test_the_example_for_owners_loads() -> None:
    text = section(ROOT / "docs" / "policy.md", "## Business hours")
    example = text.partition("```yaml\n")[2].partition("```")[0]
    hours = yaml.load(example, yaml.BaseLoader)["support_agent"]["hours"]  # dates stay text, as they do in policy files
    calendar = with_hours(hours).roles["support_agent"].calendar
    assert calendar.week[1] == ((9 * 60, 12 * 60), (13 * 60, 18 * 60))
    assert calendar.longest_closed() == timedelta(hours=76)


def test_a_review_warns_where_cases_expire_before_anybody_is_back() -> None:
    def warned(policy: Policy) -> list[str]:
        return [r.message for r in review(policy) if r.key == "roles.support_agent.hours"]

    (text,) = warned(with_hours(**FEW, expire_after="24h"))
    assert "closed for 64 h in a row" in text
    assert warned(with_hours(**FEW)) == []
