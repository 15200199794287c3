"""Ladders, holding message and expiry as resolved for one case (TI1, TI2)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app.core.assessment import Assessment
from app.core.case import Action, Case
from app.core.errors import PolicyError
from app.core.policy import assess, compile_policy
from tests.core.policies import shipped, shipped_documents, with_risk
from tests.make import NOW, a_case, a_ticket, signals


def assessed(**changes: object) -> Assessment:
    return assess(a_case(assessment=None, **changes), shipped(), {}, NOW)


def rungs(assessment: Assessment) -> list[tuple[str, float, str, str]]:
    return [(rung.id, rung.after / 60, rung.do, rung.role) for rung in assessment.rungs]


def with_ladder(*steps: dict[str, object]) -> Assessment:
    ladders = shipped_documents()[0].risk["ladders"]
    policy = compile_policy(with_risk(ladders={**ladders, "standard": list(steps)}))
    return assess(a_case(assessment=None, deadline=NOW + timedelta(hours=10)), policy, {}, NOW)


def test_standard_reminds_then_asks_the_supervisor_then_holds() -> None:
    assert rungs(assessed()) == [
        ("reminder", 120, "remind", "support_agent"),
        ("supervisor", 240, "escalate", "support_lead"),
        ("holding", 720, "holding", "support_agent"),
    ]


def test_urgent_asks_backup_then_manager_and_holds_once() -> None:
    result = assessed(signals=signals("refund_request"))
    assert rungs(result) == [
        ("backup", 15, "escalate", "support_lead"),
        ("manager", 30, "escalate", "executive_approver"),
        ("holding", 30, "holding", "billing_approver"),
    ]
    assert [rung.direct_message for rung in result.rungs] == [True, True, False]


def test_legal_and_security_stay_with_their_own_people() -> None:
    roles = shipped().roles
    for intent, domain in (("legal_question", "legal"), ("security_incident", "security"), ("chargeback", "billing")):
        for rung in assessed(signals=signals(intent)).rungs:
            assert rung.do == "holding" or domain in roles[rung.role].domains


LEAD = {"id": "lead", "after": "1h", "do": "escalate", "to": "support_lead"}


def test_a_role_of_another_domain_is_only_told() -> None:
    risk = shipped_documents()[0].risk
    tame = {"title": "a legal question", "tier": "medium", "route": "legal_approver"}
    changed = {
        "ladders": {**risk["ladders"], "standard": [LEAD]},
        "intents": {**risk["intents"], "legal_question": tame},
    }
    case: Case = a_case(assessment=None, signals=signals("legal_question"))
    first = assess(case, compile_policy(with_risk(**changed)), {}, NOW).rungs[0]
    assert (first.do, first.role) == ("status", "support_lead")


def test_an_urgent_rung_must_lead_to_who_may_decide_on_legal_and_security() -> None:
    ladders = shipped_documents()[0].risk["ladders"]
    with pytest.raises(PolicyError, match="support_lead may not decide on legal, security"):
        compile_policy(with_risk(ladders={**ladders, "urgent": [LEAD]}))
    told = compile_policy(with_risk(ladders={**ladders, "urgent": [{**LEAD, "do": "status"}]}))
    assert told.risk.ladders["urgent"][0].do == "status"


def test_escalating_to_the_same_role_is_a_reminder() -> None:
    result = assessed(signals=signals("contact_human"))
    assert ("supervisor", 240, "remind", "support_lead") in rungs(result)


def test_rungs_may_be_a_part_of_the_deadline() -> None:
    result = with_ladder({"id": "half", "after": "50%", "do": "remind"})
    assert ("half", 300, "remind", "support_agent") in rungs(result)
    assert result.expire_after == 36_000


def test_without_a_deadline_the_policys_time_counts() -> None:
    assert assessed().expire_after == 86_400


def test_a_deadline_in_the_past_is_now() -> None:
    assert assessed(deadline=NOW - timedelta(hours=1)).expire_after == 0


def test_holding_messages_only_where_they_may_be_sent() -> None:
    phone = assessed(ticket=a_ticket(channel="phone"))
    assert not phone.holding_allowed
    assert all(rung.do != "holding" for rung in phone.rungs)
    assert assessed(ticket=a_ticket(channel="chat")).holding_allowed


def test_irreversible_actions_confirm_instead_of_waiting() -> None:
    result = assessed(action=Action(type="order_change", irreversible=True))
    assert (result.confirm, result.send_delay) == (True, 0)
