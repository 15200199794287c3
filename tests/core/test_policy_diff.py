"""What changed between two policies, by file and key."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from msgspec.structs import replace

from app.core.policy.diff import Difference, diff
from tests.core.policies import shipped_documents, with_risk, with_roles

OLD = shipped_documents()[0]


def risk() -> dict[str, Any]:
    return deepcopy(OLD.risk)


def changes(new: dict[str, Any]) -> list[str]:
    return [str(change) for change in diff(OLD, replace(OLD, risk=new))]


def test_the_same_policy_has_no_changes_however_numbers_are_written() -> None:
    new = risk()
    new["money_limits"][0]["above"][0]["amount"] = 50.0
    assert diff(OLD, replace(OLD, risk=new)) == ()


def test_a_changed_rule_shows_what_it_asked_for_and_what_it_asks_for() -> None:
    new = risk()
    new["rules"][1]["raises"]["tier"] = "high"
    new["rules"][0]["when"] = "customer.contract_value >= 40000"
    assert changes(new) == [
        "risk.yaml: rules.account_contract_value.when: customer.contract_value >= 50000 →"
        " customer.contract_value >= 40000",
        "risk.yaml: rules.account_vip.raises.tier: medium → high",
    ]


def test_rules_that_came_and_went_are_named_by_their_ids_and_order_alone_is_no_change() -> None:
    new = risk()
    gone = new["rules"].pop(3)
    new["rules"].insert(0, {"id": "mine", "when": "customer.vip", "reason": "x", "raises": {"tier": "high"}})
    new["rules"].reverse()
    found = diff(OLD, replace(OLD, risk=new))
    assert [(c.kind, c.key) for c in found] == [("removed", f"rules.{gone['id']}"), ("added", "rules.mine")]
    assert str(found[1]) == "risk.yaml: rules.mine: new: when: customer.vip, reason: x, raises: (tier: high)"


def test_thresholds_switches_and_tables() -> None:
    new = risk()
    new["baseline_mode"] = False
    new["thresholds"]["auto"]["auto_from"] = 0.9
    new["money_limits"][0]["above"][0]["amount"] = 60
    new["intents"]["gift_card"] = {"title": "a gift card", "tier": "low"}
    assert changes(new) == [
        "risk.yaml: baseline_mode: yes → no",
        "risk.yaml: thresholds.auto.auto_from: 0.95 → 0.9",
        "risk.yaml: intents.gift_card: new: title: a gift card, tier: low",
        "risk.yaml: money_limits.standard refund.above.EUR.amount: 50 → 60",
    ]


def test_where_order_means_something_it_is_a_change() -> None:
    new = risk()
    new["stages"].reverse()
    new["routes"]["precedence"].reverse()
    assert [change.split(":")[1:3] for change in changes(new)] == [
        [" routes.precedence", " another order"],
        [" stages", " another order"],
    ]


def test_of_a_ladder_only_the_rung_that_changed() -> None:
    new = risk()
    new["ladders"]["urgent"][0]["after"] = "10m"
    assert changes(new) == ["risk.yaml: ladders.urgent.backup.after: 15m → 10m"]


def test_of_a_list_of_words_only_those_that_came_and_went() -> None:
    guardrails = deepcopy(OLD.guardrails)
    guardrails["words"]["adverb"]["en"].append("presently")
    found = diff(OLD, replace(OLD, guardrails=guardrails))
    assert found == (Difference(file="guardrails.yaml", key="words.adverb.en", kind="added", new=["presently"]),)


def test_roles_and_a_file_that_was_not_there_before() -> None:
    new = replace(with_roles(support_agent={"channel": "front-desk"}), intents={"intents": {"gift_card": ["a gift"]}})
    found = [str(change) for change in diff(replace(OLD, intents={}), new)]
    assert found == [
        "roles.yaml: roles.support_agent.channel: support-review → front-desk",
        "intents.yaml: intents: new: gift_card: a gift",
    ]


def test_long_values_are_cut() -> None:
    text = "x" * 5_000
    (change,) = diff(OLD, with_risk(holding={**OLD.risk["holding"], "text": text}))
    assert change.new == text
    assert len(str(change)) < 500
