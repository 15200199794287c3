"""intents.yaml: what it may hold, and how its mistakes are named."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from app.core.errors import PolicyError
from app.core.understanding import OUT_OF_SCOPE, compile_understanding, json_schema, version_of
from tests.core.policies import shipped as shipped_policy
from tests.understanding.shipped import DIRECTORY, a_document, shipped, shipped_document

SPECIFIED = """
shipping_status order_status password_reset how_to opening_hours product_tips discount plan_change feature_limit
warranty bug_workaround place_order order_change order_cancellation address_change payment_issue refund_request
refund_status chargeback billing_dispute invoice_request cancellation account_closure account_change
ownership_change data_export bulk_communication legal_question regulatory security_incident
medical_advice financial_advice complaint contact_human out_of_scope
"""


def with_repair(*phrases: Any) -> dict[str, Any]:
    document = a_document()
    return document | {"intents": document["intents"] | {"repair": [*document["intents"]["repair"], *phrases]}}


def problems(document: Any) -> dict[str, str]:
    with pytest.raises(PolicyError) as error:
        compile_understanding(document)
    assert {problem.file for problem in error.value.problems} == {"intents.yaml"}
    return {problem.key: f"{problem.message} ({problem.hint})" for problem in error.value.problems}


@pytest.mark.parametrize(
    ("document", "key", "says"),
    [
        ({"format": 1}, "(whole file)", "'intents' is a required property"),
        (a_document(format=2), "format", "2"),
        (a_document(intent={}), "intent", "did you mean intents?"),
        (a_document(intents={"a": ["x"] * 5, "b": ["y"] * 5}), "intents", "out_of_scope"),
        (with_repair(True), "intents.repair[5]", "put it in quotes"),
        (with_repair(24), "intents.repair[5]", "put it in quotes"),
        (with_repair(""), "intents.repair[5]", ""),
        (with_repair("IT broke"), "intents.repair[5]", "stands twice, first in intents.repair[2]"),
        (with_repair("fix the {thin}"), "intents.repair[5]", "unknown word list {thin} (did you mean thing?)"),
        (a_document(words={"thing": []}), "words.thing", ""),
        (a_document(same=[["fix", "mend"], ["rent", "Fix"]]), "same[1][1]", "first in same[0][0]"),
        (a_document(same=[["fix"]]), "same[0]", ""),
        (a_document(tone={"please": 5}), "tone.please", "4"),
    ],
)
def test_a_mistake_names_its_key(document: Any, key: str, says: str) -> None:
    found = problems(document)
    assert key in found
    assert says in found[key]


def test_an_intent_of_few_phrases_is_refused() -> None:
    document = a_document()
    document["intents"]["rental"] = ["rent"]
    assert list(problems(document)) == ["intents.rental"]


def test_all_mistakes_are_told_at_once() -> None:
    document = with_repair("fix the {thin}", "it broke")
    assert list(problems(document)) == ["intents.repair[5]", "intents.repair[6]"]


def test_too_many_phrases_to_learn_are_refused() -> None:
    intents = a_document()["intents"] | {f"intent_{i}": [f"phrase {j}" for j in range(1500)] for i in range(3)}
    assert "4515 phrases" in problems(a_document(intents=intents))["intents"]


def test_what_has_no_json_form_is_refused() -> None:
    assert "no JSON form" in problems(a_document(words={"thing": {1, 2}}))["(whole file)"]


def test_the_published_schema_is_the_one_that_is_enforced() -> None:
    published = DIRECTORY / "schemas" / "intents.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema()


def test_the_shipped_file_has_every_intent_of_the_specification_and_risk_yaml_knows_them() -> None:
    assert sorted(shipped().intents) == sorted(SPECIFIED.split())
    assert set(shipped().intents) == set(shipped_policy().risk.intents)


def test_every_shipped_intent_has_forty_varied_phrases() -> None:
    for intent, phrases in shipped_document()["intents"].items():
        different = {re.sub(r"\W+", " ", phrase.casefold()) for phrase in phrases}
        assert len(different) >= 40, intent


def test_the_version_follows_the_content_and_not_the_order_of_keys() -> None:
    document = a_document()
    turned = dict(reversed(document.items()))
    assert compile_understanding(document).version == version_of(document) == version_of(turned)
    assert version_of(document) != version_of(with_repair("mend it"))
    assert OUT_OF_SCOPE in compile_understanding(document).intents
