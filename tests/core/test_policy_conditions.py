"""Conditions: mistakes are found when a policy loads, and what cannot be evaluated counts as true."""

from __future__ import annotations

import pytest

from app.core.policy.conditions import TIER, ConditionError, compile_condition, fill, sample_facts, scope_of
from app.core.policy.facts import facts_of
from tests.make import a_case


@pytest.mark.parametrize(
    ("source", "says", "hint"),
    [
        ("customer.vp", "unknown name customer.vp", "vip"),
        ("custmer.vip", "unknown name custmer", "customer"),
        ("customer.vip || customer.vp", "unknown name customer.vp", "vip"),
        ("findings.exists(f, f.typ == 'pii')", "unknown name f.typ", "type"),
        ("case.tier == 'low'", "unknown name case.tier", "known only later"),
        ("1 +", "not a CEL expression", "customer.vip"),
        ("customer", "group of facts", "customer.segment"),
        ("customer['vip']", "group of facts", "customer.segment"),
        ("case.text", "not true or false", "compare"),
        ("case.text.lower() == 'x'", "unknown function lower()", "known"),
        ("case.text.matches('(')", "not a pattern", "RE2"),
        ("customer.vip && customer.contract_value > 'x'", "not of one kind", "customer.contract_value is a number"),
        ("case.text > 1", "not of one kind", "case.text is text"),
        ("customer.vip && action.amount * 2 > 100.0", "not of one kind", "write 2.0"),
        ("customer.vip && action.amount.matches('x')", "not of one kind", "action.amount is a number"),
        ("size(customer.contract_value) > 1", "not of one kind", "customer.contract_value is a number"),
        ("findings[0].type == 'pii'", "cannot be evaluated", ""),
    ],
)
def test_a_mistake_is_named_with_a_hint(source: str, says: str, hint: str) -> None:
    with pytest.raises(ConditionError, match=says.replace("(", r"\(").replace(")", r"\)")) as error:
        compile_condition(source)
    assert hint in error.value.hint


def test_what_fails_on_a_value_alone_counts_as_true_where_it_happens() -> None:
    condition = compile_condition("customer.vip && int(customer.segment) > 3")
    facts = sample_facts()
    assert condition.holds(scope_of(facts)) is False
    facts["customer"] |= {"vip": True, "segment": "seven"}
    assert condition.holds(scope_of(facts)) is None


def test_later_facts_are_known_where_they_are_allowed() -> None:
    assert compile_condition("case.tier == 'low' && customer.vip", TIER).reads == ("case.tier", "customer.vip")


def test_a_name_inside_a_text_is_no_fact() -> None:
    assert compile_condition("case.subject == 'customer.vp'").reads == ("case.subject",)


def test_patterns_find_words_in_texts() -> None:
    condition = compile_condition(r"""case.text.matches(r"\brefund\b") || draft.text.matches('a\\d+')""")
    facts = sample_facts()
    assert condition.holds(scope_of(facts)) is False
    facts["case"]["text"] = "my refund please"
    assert condition.holds(scope_of(facts)) is True
    facts["case"]["text"], facts["draft"]["text"] = "refunds", "a17"
    assert condition.holds(scope_of(facts)) is True


def test_every_name_is_there_in_the_facts_of_a_bare_case() -> None:
    bare = a_case(drafts=(), action=None, assessment=None)
    facts = facts_of(bare, history={}, intents=[], money_types={}, templates=[])
    sample = sample_facts()
    assert {root: set(facts[root]) for root in sample if root != "findings"} == {
        root: set(fields) for root, fields in sample.items() if root != "findings"
    }


def test_a_history_of_the_wrong_type_is_refused() -> None:
    with pytest.raises(TypeError, match=r"history\.repeated_intent"):
        facts_of(a_case(), history={"repeated_intent": 1}, intents=[], money_types={}, templates=[])


def test_facts_are_spelled_for_people() -> None:
    facts = sample_facts()
    facts["action"] |= {"amount": 1240.5, "currency": "EUR", "irreversible": True}
    facts["customer"]["privileged_roles"] = ["tier_0", "global_admin"]
    text = "{action.amount} {action.currency}, {action.irreversible}, {customer.privileged_roles}, {case.subject}"
    assert fill(text, facts) == "1,240.5 EUR, yes, tier_0, global_admin, none"
    facts["action"]["amount"] = float("inf")
    assert fill("{action.amount}", facts) == "unreadable"
