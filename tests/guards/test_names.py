"""Names found by a model: only when the policy asks, and as findings of the rule for names."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import yaml

from app.core.errors import PolicyError
from app.core.guards import Rules, compile_rules, scan
from app.edges.names import load_names
from tests.guards.conftest import POLICY

TEXT = "Hello, Dana Scully here. Fox Mulder wrote to fox@mail.example.org in Springfield."


def shipped(**changes: Any) -> dict[str, Any]:
    return yaml.safe_load(POLICY.read_text(encoding="utf-8")) | changes


def naming(model: str) -> Rules:
    return compile_rules(shipped(names={"model": model}))


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory: pytest.TempPathFactory) -> Path:
    spacy = pytest.importorskip("spacy")
    nlp = spacy.blank("en")
    ruler = nlp.add_pipe("entity_ruler")
    ruler.add_patterns(
        [
            {"label": "PERSON", "pattern": "Dana Scully"},
            {"label": "PER", "pattern": [{"LOWER": "fox"}, {"LOWER": "mulder"}]},
            {"label": "GPE", "pattern": "Springfield"},
        ]
    )
    place = tmp_path_factory.mktemp("models") / "names"
    nlp.to_disk(place)
    return place


def test_shipped_policy_asks_for_none() -> None:
    assert load_names(compile_rules(shipped())) is None


def test_people_are_found_as_the_rule_for_names_says(pipeline: Path) -> None:
    rules = naming(str(pipeline))
    names = load_names(rules)
    assert names is not None
    found = names(TEXT, "input")
    assert [TEXT[f.start : f.end] for f in found] == ["Dana Scully", "Fox Mulder"]
    assert {(f.rule_id, f.entity, f.type, f.action, f.sensitive) for f in found} == {
        ("pii-person", "PERSON", "pii", "masked", False)
    }
    assert {f.rule_version for f in found} == {rules.version}
    assert names(TEXT, "output") == ()
    assert names(" ", "input") == ()


def test_what_is_known_already_is_not_found_again(pipeline: Path) -> None:
    rules = naming(str(pipeline))
    names = load_names(rules)
    assert names is not None
    text = "My name is Dana Scully."
    known = scan(text, "input", rules)
    assert [f.rule_id for f in known] == ["pii-person"]
    assert names(text, "input", known) == ()
    assert len(names(text, "input")) == 1


def test_what_is_not_installed_is_said_with_what_to_do() -> None:
    with pytest.raises(PolicyError) as caught:
        load_names(naming("no_such_model"))
    (problem,) = caught.value.problems
    assert (problem.file, problem.key) == ("guardrails.yaml", "names.model")
    missing = "no_such_model" if importlib.util.find_spec("spacy") else "spaCy is not installed"
    assert missing in problem.message
    assert problem.hint


def test_names_need_the_rule_that_says_what_to_do_with_them() -> None:
    document = shipped(names={"model": "any"})
    document["rules"] = [r for r in document["rules"] if r["id"] != "pii-person"]
    with pytest.raises(PolicyError, match="pii-person"):
        compile_rules(document)
