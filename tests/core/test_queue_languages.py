"""OP8: a language that the queue does not read, or that nobody is sure of, goes to a person, medium at least."""

from __future__ import annotations

import pytest

from app.core.policy import compile_policy
from tests.core.policies import with_roles
from tests.shipped.asking import ask, in_language, live, rule_ids, without_a_person


@pytest.mark.parametrize("label", ["de", "pt-BR", "zh", "eng"])
def test_a_language_the_queue_does_not_read(label: str) -> None:
    result = ask(live(), signals=in_language(label))
    assert not without_a_person(result)
    assert result.tier == "medium"
    assert "language_other" in rule_ids(result)
    assert label.casefold() in next(r.text for r in result.reasons if r.rule_id == "language_other")


@pytest.mark.parametrize("label", ["en", "EN", "en-GB"])
def test_one_it_reads_needs_nobody_for_that(label: str) -> None:
    result = ask(live(), signals=in_language(label))
    assert without_a_person(result)
    assert (result.tier, rule_ids(result)) == ("low", {"auto"})


@pytest.mark.parametrize(("confidence", "sure"), [(0.70, True), (0.6999, False), (0.0, False)])
def test_below_070_nobody_is_sure(confidence: float, sure: bool) -> None:
    result = ask(live(), signals=in_language("en", confidence))
    assert without_a_person(result) is sure
    assert ("language_unsure" in rule_ids(result)) is not sure
    assert (result.tier == "low") is sure


def test_without_any_language_neither() -> None:
    result = ask(live(), signals=in_language(None))
    assert not without_a_person(result)
    assert result.tier == "medium"


def test_it_is_the_languages_of_the_queue_it_goes_to_that_count() -> None:
    policy = compile_policy(with_roles(support_agent={"languages": ["en", "de"]}))
    assert "language_other" not in rule_ids(ask(policy, signals=in_language("de-AT")))
    assert "language_other" in rule_ids(ask(policy, signals=in_language("fr")))
