"""Reading policy files: strict YAML, every message with file, line and key."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.core.errors import PolicyError, PolicyProblem
from app.edges.policy_files import load_policy, read_documents
from tests.core.policies import DIRECTORY

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Replace one file in a copy of the shipped policy."""
    for file in DIRECTORY.glob("*.yaml"):
        shutil.copy(file, tmp_path)

    def replace(file: str, text: str) -> Path:
        (tmp_path / file).write_text(text)
        return tmp_path

    return replace


def problem(directory: Path) -> PolicyProblem:
    with pytest.raises(PolicyError) as error:
        load_policy(directory)
    return error.value.problems[0]


def test_the_shipped_files_load_and_know_their_lines() -> None:
    documents, lines = read_documents(DIRECTORY)
    text = (DIRECTORY / "risk.yaml").read_text().splitlines()
    assert text[lines["risk.yaml", "send_delay"] - 1].startswith("send_delay:")
    assert text[lines["risk.yaml", "rules[1].id"] - 1].strip() == f"- id: {documents.risk['rules'][1]['id']}"
    assert load_policy(DIRECTORY).documents == documents


def test_a_mistake_is_shown_with_its_line(write: Write) -> None:
    text = (DIRECTORY / "risk.yaml").read_text().replace("when: customer.vip\n", "when: customer.vp\n")
    found = problem(write("risk.yaml", text))
    number = next(i for i, line in enumerate(text.splitlines(), 1) if "customer.vp" in line and "when:" in line)
    assert str(found).startswith(f"risk.yaml:{number}: rules[1].when: unknown name customer.vp")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("format: 1\npreset: full\npreset: minimal\n", 3, "stands twice, first in line 2"),
        ("format: 1\nfields:\n  intent: a\n  intent: b\n", 4, "fields.intent"),
        ("format: 1\n  preset: [\n", 2, ""),
        ("", 1, "empty"),
        ("- a\n- b\n", 1, "not a table"),
        ("a: &x 1\nb: *x\n", 2, "alias"),
        ("a: !!python/object/apply:os.system [ls]\n", 1, ""),
        ("format: .nan\n", 1, "finite"),
        ("preset: !!binary aGk=\n", 1, "bytes"),
        ("? [a, b]\n: 1\n", 1, "key must be text"),
    ],
)
def test_yaml_that_is_not_taken(write: Write, text: str, line: int, says: str) -> None:
    found = problem(write("crm.yaml", text))
    assert (found.file, found.line) == ("crm.yaml", line)
    assert says in str(found)


def test_dates_stay_text(write: Write) -> None:
    directory = write("crm.yaml", "format: 1\npreset: 2026-03-02\n")
    documents, _ = read_documents(directory)
    assert documents.crm["preset"] == "2026-03-02"


def test_a_missing_file_and_a_broken_one_are_both_reported(write: Write) -> None:
    directory = write("crm.yaml", "[")
    (directory / "roles.yaml").unlink()
    with pytest.raises(PolicyError) as error:
        load_policy(directory)
    assert [p.file for p in error.value.problems] == ["crm.yaml", "roles.yaml"]
    assert "cannot be read" in str(error.value)


def test_deep_nesting_is_refused(write: Write) -> None:
    assert "deep" in str(problem(write("crm.yaml", "a: " + "[" * 40 + "]" * 40)))


def test_what_is_not_utf8_is_refused(write: Write) -> None:
    directory = write("crm.yaml", "")
    (directory / "crm.yaml").write_bytes(b"preset: \xff\n")
    assert "UTF-8" in str(problem(directory))
