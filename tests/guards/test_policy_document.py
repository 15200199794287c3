"""The policy as data: what compiles, what is refused with which key, what its version is."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from app.core.errors import PolicyError
from app.core.guards import ScanContext, compile_rules, json_schema, scan
from tests.guards.conftest import POLICY


def a_rule(**changes: Any) -> dict[str, Any]:
    rule = {
        "id": "no-llamas",
        "owner": "legal",
        "type": "policy",
        "action": {"output": "blocked"},
        "reason": "We do not talk about llamas.",
        "match": {"phrases": {"en": ["llamas?"]}},
    }
    return rule | changes


def a_document(*rules: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"format": 1, "rules": list(rules) or [a_rule()]} | changes


def problems(document: Any) -> dict[str, str]:
    with pytest.raises(PolicyError) as caught:
        compile_rules(document)
    assert {p.file for p in caught.value.problems} == {"guardrails.yaml"}
    return {p.key: p.message for p in caught.value.problems}


def test_adding_a_rule_needs_no_code() -> None:
    rules = compile_rules(a_document(a_rule(), a_rule(id="no-emus", match={"any": ["emus"]})))
    assert [(f.rule_id, f.start, f.end) for f in scan("Emus and a llama.", "output", rules)] == [
        ("no-emus", 0, 4),
        ("no-llamas", 11, 16),
    ]
    assert scan("A llama.", "input", rules) == ()


def test_version_is_the_content() -> None:
    first, again = compile_rules(a_document()), compile_rules(copy.deepcopy(a_document()))
    assert first.version == again.version
    assert len(first.version) == 64
    assert compile_rules(a_document(a_rule(reason="Other words."))).version != first.version


def test_changing_the_document_later_changes_no_rules() -> None:
    document = a_document()
    rules = compile_rules(document)
    document["rules"][0]["match"]["phrases"]["en"] = ["emus?"]
    assert len(scan("a llama", "output", rules)) == 1


def test_all_problems_are_named_at_once() -> None:
    found = problems(
        a_document(
            a_rule(match={"any": ["(open", "fine", "x*", ".*", "end\\"]}),
            a_rule(match={"phrases": {"de": ["{animals} hier", "{beasts}"]}}),
            a_rule(id="c", match={}),
            a_rule(id="d", match={"validator": "phone", "any": ["\\d+"]}),
            a_rule(id="e", context={"phrases": {"en": ["ok", "[z"]}}),
            a_rule(id="f", exceptions={"sentence": {"fr": ["a{2,1}"]}, "text": {"en": ["\\bword"]}}),
            a_rule(id="g", type="pii", action={"input": "masked"}),
            a_rule(id="h", entity="EMAIL"),
            a_rule(id="i", match={"validator": "national_id", "regions": ["ZZ"], "any": ["\\d+"]}),
            words={"animals": {"en": ["llama"]}},
            do_not_answer=[{"id": "t", "title": "T", "owner": "legal", "reason": "R", "phrases": {"en": ["a)b"]}}],
            templates=[{"id": "x", "title": "X", "text": "1"}, {"id": "x", "title": "X", "text": "2"}],
        )
    )
    assert set(found) == {
        "rules[0].match.any[0]",
        "rules[0].match.any[2]",
        "rules[0].match.any[3]",
        "rules[0].match.any[4]",
        "rules[1].id",
        "rules[1].match.phrases.de[0]",
        "rules[1].match.phrases.de[1]",
        "rules[2].match",
        "rules[3].match.regions",
        "rules[4].context.phrases.en[1]",
        "rules[5].exceptions.sentence.fr[0]",
        "rules[5].exceptions.text.en[0]",
        "rules[6].entity",
        "rules[7].entity",
        "rules[8].match.regions",
        "do_not_answer[0].phrases.en[0]",
        "templates[1].id",
    }
    assert "language 'de'" in found["rules[1].match.phrases.de[0]"]
    assert "animals" in found["rules[1].match.phrases.de[1]"]


@pytest.mark.parametrize(
    ("document", "key"),
    [
        ({"format": 1}, "(whole file)"),
        (a_document(format=2), "format"),
        (a_document(a_rule(owner="sales")), "rules[0].owner"),
        (a_document(a_rule(action={"sideways": "blocked"})), "rules[0].action.sideways"),
        (a_document(a_rule(action={"output": "deleted"})), "rules[0].action.output"),
        (a_document(a_rule(match={"any": [7]})), "rules[0].match.any[0]"),
        (a_document(a_rule(match={"phrases": {"English": ["x"]}})), "rules[0].match.phrases.English"),
        (a_document(a_rule(match={"validator": "magic", "any": ["x"]})), "rules[0].match.validator"),
        (a_document(a_rule(id="Not An Id")), "rules[0].id"),
        (a_document(a_rule(colour="red")), "rules[0].colour"),
        (a_document(links={"allowed_hosts": ["https://x.com/"]}), "links.allowed_hosts[0]"),
        ([], "(whole file)"),
    ],
)
def test_wrong_shapes_name_their_key(document: Any, key: str) -> None:
    assert key in problems(document)


def test_published_schema_is_the_one_that_is_enforced() -> None:
    published = POLICY.parent / "schemas" / "guardrails.schema.json"
    assert json.loads(published.read_text(encoding="utf-8")) == json_schema()


def test_pattern_language() -> None:
    def hits(pattern: str, text: str) -> list[str]:
        rules = compile_rules(a_document(a_rule(match={"any": [pattern]}), words={"pet": {"en": ["cats?", "dog"]}}))
        return [text[f.start : f.end] for f in scan(text, "output", rules)]

    assert hits("we have … refunded", "We have, as you asked, refunded it") == ["We have, as you asked, refunded"]
    assert hits("we have … refunded", "We have it. They refunded it") == []
    assert hits("we have … refunded", "We have paid $3.50 and refunded it") == ["We have paid $3.50 and refunded"]
    assert hits("{pet}", "Cats, dog, category") == ["Cats", "dog"]
    assert hits("can't", "cant can't can’t can t") == ["cant", "can't", "can’t", "can t"]
    assert hits("id (?P<value>\\d{2})", "id 12, id 345") == ["12"]
    assert hits("straße", "Strasse STRASSE Straße") == ["Strasse", "STRASSE", "Straße"]
    assert hits("退款", "请给我退款吧") == ["退款"]


def test_unless_is_data() -> None:
    rules = compile_rules(a_document(a_rule(unless="transaction_verified")))
    assert scan("llama", "output", rules)
    assert scan("llama", "output", rules, ScanContext(transaction_verified=True)) == ()


def test_label_right_before_a_match_and_the_question_it_answers_are_exceptions() -> None:
    exceptions = {"label": {"en": ["toy"]}, "previous": {"en": ["which zoo"]}}
    rules = compile_rules(a_document(a_rule(exceptions=exceptions)))
    assert scan("toy: llama", "output", rules) == ()
    assert len(scan("a toy for the llama", "output", rules)) == 1
    assert scan("a llama", "output", rules, ScanContext(previous="Which zoo?")) == ()
    assert len(scan("a llama", "output", rules, ScanContext(previous="Which one?"))) == 1


def test_question_mark_belongs_to_the_sentence_it_ends() -> None:
    rules = compile_rules(a_document(a_rule(exceptions={"sentence": {"en": ["is … llama ?\\?"]}})))
    assert scan("Is that a llama? Yes.", "output", rules) == ()
    assert len(scan("Is it? That llama.", "output", rules)) == 1
    assert len(scan("That is a llama. Is it?", "output", rules)) == 1


def test_prefilter_that_gives_up_hides_nothing() -> None:
    class Exhausted:
        def Match(self, data: bytes) -> None:  # noqa: N802 - the name re2.Set gives it
            return None

    index = compile_rules(a_document(a_rule(), a_rule(id="no-emus", match={"any": ["emus"]}))).index["output"]
    assert [rule.rule.id for rule, _ in index.candidates(b"an emu farm, emus")] == ["no-emus"]
    tried = index._replace(prefilter=Exhausted()).candidates(b"anything")
    assert [rule.rule.id for rule, _ in tried] == ["no-llamas", "no-emus"]


def test_unquoted_yaml_words_get_a_hint() -> None:
    with pytest.raises(PolicyError, match="quotes"):
        compile_rules(a_document(a_rule(match={"phrases": {"es": [False]}})))
