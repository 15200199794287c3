"""Stored cases through a changed policy: what would come out differently, and in sum (RI8)."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.case import Action, Case, History
from app.core.policy import Policy, PolicyDocuments, compile_policy
from app.core.policy.backtest import Result, as_received, backtest
from tests.core.policies import shipped, shipped_documents, with_risk, with_roles
from tests.make import a_case, a_customer, a_draft, a_message, a_ticket, signals

ENDED = compile_policy(with_risk(baseline_mode=False))


def with_rule(**changes: Any) -> Policy:
    rule = {"id": "mine", "when": "customer.vip", "reason": "Because.", "raises": {"tier": "high"}, **changes}
    return compile_policy(with_risk(rules=[*shipped_documents()[0].risk["rules"], rule]))


def cases(*, draft: float = 0.97) -> list[Case]:
    """Shipping for a standard account, shipping for a VIP, a refund."""
    drafts = (a_draft(confidence=draft),)
    return [
        a_case(id="c_plain001", ticket=a_ticket(id="T1"), drafts=drafts),
        a_case(id="c_vip00001", ticket=a_ticket(id="T2"), drafts=drafts, customer=a_customer(vip=True)),
        a_case(
            id="c_refund01",
            ticket=a_ticket(id="T3"),
            drafts=drafts,
            signals=signals("refund_request"),
            action=Action(type="refund", amount=Decimal("240"), currency="EUR"),
        ),
    ]


def test_the_same_policy_changes_nothing() -> None:
    result = backtest(cases(), shipped(), shipped())
    assert result.changes == ()
    assert (result.total.cases, result.total.changed, result.total.newly_automatic) == (3, 0, 0)
    assert result.total.load == {"billing-approvals": (1, 1), "support-review": (1, 1), "vip-approvals": (1, 1)}


def test_a_new_rule_is_named_beside_what_it_changes() -> None:
    result = backtest(cases(), shipped(), with_rule())
    (change,) = result.changes
    assert (change.case_id, change.ticket_id) == ("c_vip00001", "T2")
    assert (change.before.tier, change.after.tier) == ("medium", "high")
    assert (change.before.required, change.after.required) == ("edit", "sign_off")
    assert "+mine" in change.rules
    assert "tier medium → high" in str(change)
    assert (result.total.changed, result.total.stricter, result.total.looser) == (1, 1, 0)
    assert result.total.by_change["tier medium → high"] == 1
    assert result.total.by_rule["+mine"] == 1


def test_a_rule_that_asks_for_something_else_is_named_without_a_sign() -> None:
    rules = deepcopy(shipped_documents()[0].risk["rules"])
    next(r for r in rules if r["id"] == "account_vip")["raises"]["route"] = "support_lead"
    (change,) = backtest(cases(), shipped(), compile_policy(with_risk(rules=rules))).changes
    assert change.fields == ("route", "stages")
    assert change.rules == ("account_vip",)


def test_ending_baseline_mode_shows_what_would_go_alone_first() -> None:
    result = backtest(reversed(cases()), shipped(), ENDED)
    (change,) = result.changes
    assert change.goes_alone
    assert (change.case_id, change.after.required, change.after.stages) == ("c_plain001", "auto", ())
    assert change.rules == ("+auto", "-baseline")
    assert result.total.automatic == (0, 1)
    assert result.total.newly_automatic == 1
    assert result.total.share_automatic() == (0.0, pytest.approx(1 / 3))
    assert result.total.load["support-review"] == (1, 0)
    assert result.total.looser == 1


def test_texts_are_scanned_again_with_the_changed_guardrails() -> None:
    documents: PolicyDocuments = shipped_documents()[0]
    guardrails = deepcopy(documents.guardrails)
    word = {"id": "late-parcel", "owner": "legal", "type": "security", "action": {"input": "allowed"}}
    guardrails["rules"].append({**word, "reason": "Because.", "match": {"any": ["parcel"]}})
    (plain, *_) = cases()
    result = backtest([plain], shipped(), compile_policy(replace(documents, guardrails=guardrails)))
    (change,) = result.changes
    assert (change.after.tier, change.after.route) == ("high", "security-approvals")
    assert "+security_words" in change.rules


def test_the_stored_history_counts() -> None:
    (plain, *_) = cases()
    back = replace(plain, history=History(contacts_7d=3, unresolved_7d=2))
    rules = [r for r in shipped_documents()[0].risk["rules"] if r["id"] != "many_contacts"]
    result = backtest([plain, back], shipped(), compile_policy(with_risk(rules=rules)))
    assert [(c.case_id, c.before.route, c.after.route) for c in result.changes] == [
        (back.id, "support-escalations", "support-review")
    ]


def test_a_moved_channel_moves_the_load() -> None:
    moved = compile_policy(with_roles(support_agent={"channel": "front-desk"}))
    total = backtest(cases(), shipped(), moved).total
    assert (total.load["support-review"], total.load["front-desk"]) == ((1, 0), (0, 1))


def test_a_case_is_judged_as_it_came_in() -> None:
    decided = a_case(
        drafts=(a_draft(), a_draft("Changed by hand.", version=2, author="human")),
        action=Action(type="order", transaction_verified=True, reference="TX-1"),
    )
    before = as_received(decided)
    assert [draft.version for draft in before.drafts] == [1]
    assert before.action == Action(type="order")
    assert (before.state, before.assessment, before.findings) == ("received", None, ())
    written = as_received(a_case(drafts=(a_draft("Mine.", author="human"),)))
    assert written.drafts == ()
    asserted = as_received(a_case(action=Action(type="order", transaction_verified=True)))
    assert asserted.action == Action(type="order", transaction_verified=True)


def test_cases_are_taken_one_by_one_and_few_changes_are_kept() -> None:
    taken = 0

    def stream() -> Iterator[Case]:
        nonlocal taken
        vip = cases()[1]
        for number in range(30):
            taken += 1
            yield a_case(id=f"c_{number:08}", customer=vip.customer, messages=(a_message(),))

    result: Result = backtest(stream(), shipped(), with_rule(), keep=5)
    assert taken == result.total.cases == result.total.changed == 30
    assert [change.case_id for change in result.changes] == [f"c_{number:08}" for number in range(5)]


def test_no_case_is_no_division_by_zero() -> None:
    assert backtest([], shipped(), ENDED).total.share_automatic() == (0.0, 0.0)
