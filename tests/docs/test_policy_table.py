"""Where each requirement lives: the table in docs/policy.md leads to rules, keys and tests that are there."""

from __future__ import annotations

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from tests.core.policies import DIRECTORY
from tests.docs.pages import ROOT, section

REQUIREMENTS = ("RI2", "RI3", "RI4", "RI5", "RI6", "RI10", "RI11", "GU1", "GU2", "CR1", "CR2", "CR3", "CR4")
# What entries of a list are called by.
NAMES = ("id", "segment", "value", "outcome")


class Row(NamedTuple):
    item: str
    places: tuple[tuple[str, str], ...]  # file, rule or key
    tests: tuple[str, ...]


def rows() -> list[Row]:
    table = section(ROOT / "docs" / "policy.md", "## Where each requirement lives")
    found = []
    for line in table.splitlines():
        if line.startswith("| ") and not line.startswith("| Requirement"):
            item, files, keys, tests = (cell.strip() for cell in line.strip("|").split(" | "))
            parts = zip(files.split("<br>"), keys.split("<br>"), strict=True)
            places = tuple((file.strip(), key) for file, cell in parts for key in re.findall(r"`([^`]+)`", cell))
            found.append(Row(item, places, tuple(re.findall(r"`([^`]+)`", tests))))
    return found


@cache
def document(file: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((DIRECTORY / file).read_text())
    return content


def rule_ids(file: str) -> list[str]:
    sections = ("rules", "handling", "escalation") if file == "risk.yaml" else ("rules",)
    return [rule["id"] for name in sections for rule in document(file).get(name, [])]


def stands_in(file: str, key: str) -> bool:
    if key in rule_ids(file):
        return True
    place: Any = document(file)
    for part in key.split("."):
        if isinstance(place, list):
            place = {entry[name]: entry for entry in place for name in NAMES if name in entry}
        if not isinstance(place, dict) or part not in place:
            return False
        place = place[part]
    return True


@cache
def names_in(module: str) -> set[str]:
    tree = ast.parse((ROOT / "tests" / "shipped" / f"{module}.py").read_text())
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}


@pytest.mark.parametrize("row", rows(), ids=lambda row: row.item)
def test_every_rule_key_and_test_of_a_row_is_there(row: Row) -> None:
    assert row.places
    assert row.tests
    assert [place for place in row.places if not stands_in(*place)] == []
    for test in row.tests:
        module, _, name = test.partition("::")
        assert name.startswith(("test_", "Test"))
        assert name in names_in(module), test


def test_every_requirement_has_its_rows_and_no_item_has_two() -> None:
    items = [row.item for row in rows()]
    assert set(dict.fromkeys(item.split()[0] for item in items)) == set(REQUIREMENTS)
    assert [item for item, times in Counter(items).items() if times > 1] == []


def test_no_rule_of_risk_yaml_is_missing() -> None:
    told = {key for row in rows() for file, key in row.places if file == "risk.yaml"}
    assert [rule for rule in rule_ids("risk.yaml") if rule not in told] == []


def test_no_names_in_the_shipped_policy_are_missing() -> None:
    told = {test.partition("::")[0] for row in rows() for test in row.tests}
    assert {path.stem for path in Path(ROOT, "tests", "shipped").glob("test_*.py")} == told


def test_a_wrong_name_would_be_noticed() -> None:
    assert stands_in("risk.yaml", "stages.executive.any_of")
    assert not stands_in("risk.yaml", "account_vp")
    assert not stands_in("risk.yaml", "intents.discounts")
    assert not stands_in("guardrails.yaml", "account_vip")
