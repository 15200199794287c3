"""Mistakes planted in copies of the shipped policy: none loads, and each is named with file, line, key and advice."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import pytest
import yaml

from app.core.errors import PolicyError, PolicyProblem
from app.edges.policy_files import load_policy
from tests.core.policies import DIRECTORY


class Mistake(NamedTuple):
    """`old` stands once in the shipped file and becomes `new`; the problem is in the line of `at`."""

    name: str
    file: str
    old: str
    new: str
    key: str
    says: list[str]
    at: str

    @classmethod
    def read(cls, file: str, row: dict[str, Any]) -> Mistake:
        known: dict[str, Any] = {}
        if "when" in row:
            known = {"old": "when: customer.vip\n", "new": f"when: {row['when']}\n", "key": "rules[*].when"}
        elif "llamas" in row:
            known = {"old": "\nintents:\n", "new": f"\nintents:\n  llamas: {row['llamas']}\n", "at": "llamas: ["}
        elif "pattern" in row:
            end = f"    match:\n      phrases:\n        en: [{row['pattern']}]\n"
            known = {"old": RULES, "new": RULES + A_RULE + end, "key": "rules[0].match.phrases.en[0]", "at": "en: ["}
        elif "rule" in row:
            known = {"old": RULES, "new": RULES + A_RULE + row["rule"]}
        fields = {name: value for name, value in row.items() if name in cls._fields}
        known = {"file": file, **known, **fields}
        return cls(**{"at": known["new"].strip("\n").partition("\n")[0], **known})


RULES = "\nrules:\n"
A_RULE = "  - id: no-llamas\n    owner: legal\n    type: policy\n    action: {output: blocked}\n    reason: None.\n"
MISTAKES = [
    Mistake.read(path.name, row)
    for path in sorted((Path(__file__).parent / "mistakes").glob("*.yaml"))
    for row in yaml.safe_load(path.read_text())
]


def plant(mistake: Mistake, directory: Path) -> int:
    """Copy the shipped policy with the mistake in it; the line that should be named."""
    for file in DIRECTORY.glob("*.yaml"):
        shutil.copy(file, directory)
    path = directory / mistake.file
    text = path.read_text()
    assert not mistake.old or text.count(mistake.old) == 1, f"{mistake.old!r} does not stand once in {mistake.file}"
    start = text.index(mistake.old)
    after = text.replace(mistake.old, mistake.new) if mistake.old else mistake.new
    path.write_text(after)
    place = after.index(mistake.at, start if mistake.at in mistake.new else 0)
    return after.count("\n", 0, place) + 1


def problems(directory: Path) -> tuple[PolicyProblem, ...]:
    with pytest.raises(PolicyError) as error:
        load_policy(directory)
    return error.value.problems


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: f"{mistake.file}: {mistake.name}")
def test_a_mistake_is_named_with_file_line_key_and_advice(mistake: Mistake, tmp_path: Path) -> None:
    line = plant(mistake, tmp_path)
    found = problems(tmp_path)
    key = re.escape(mistake.key).replace(r"\[\*\]", r"\[[0-9]+\]")
    named = [p for p in found if p.file == mistake.file and p.line == line and re.fullmatch(key, p.key)]
    assert named, f"line {line}, {mistake.key} not among:\n" + "\n".join(map(str, found))
    told = f"{named[0].message} ({named[0].hint})"
    assert [word for word in mistake.says if word not in told] == [], told
    assert {p.file for p in found} == {mistake.file}
    assert len(found) <= 2, "one slip should not read like a dozen"


@pytest.mark.parametrize("file", ["risk.yaml", "guardrails.yaml", "crm.yaml", "roles.yaml"])
def test_a_missing_file_is_named(file: str, tmp_path: Path) -> None:
    shutil.copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    (tmp_path / file).unlink()
    (found,) = problems(tmp_path)
    assert (found.file, found.key) == (file, "(whole file)")
    assert "cannot be read: No such file" in found.message
    assert "COUNTERSIGN_POLICY_DIR" in found.hint


@pytest.mark.parametrize("file", ["risk.yaml", "intents.yaml"])
def test_a_file_that_is_not_utf8_is_named_with_its_line(file: str, tmp_path: Path) -> None:
    shutil.copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    lines = (DIRECTORY / file).read_bytes().splitlines(keepends=True)
    (tmp_path / file).write_bytes(b"".join([*lines[:7], "# Gr\u00fc\u00dfe\n".encode("latin-1"), *lines[7:]]))
    (found,) = problems(tmp_path)
    assert (found.file, found.line, found.message) == (file, 8, "is not UTF-8")


def test_a_huge_file_is_refused_unread(tmp_path: Path) -> None:
    shutil.copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    with (tmp_path / "crm.yaml").open("a") as stream:
        stream.write("# padding\n" * 500_000)
    (found,) = problems(tmp_path)
    assert "larger than 4 MiB" in found.message


def test_a_file_that_would_exhaust_the_stack_is_refused(tmp_path: Path) -> None:
    shutil.copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    (tmp_path / "crm.yaml").write_text("format: 1\nrename:\n  intent: " + "[" * 50_000)
    (found,) = problems(tmp_path)
    assert (found.line, found.message) == (3, "nested deeper than 32")


def test_too_many_people_asked_of_too_few(tmp_path: Path) -> None:
    """Two edits: a role of two listed people, and a step that wants three of it."""
    shutil.copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    roles, risk = tmp_path / "roles.yaml", tmp_path / "risk.yaml"
    roles.write_text(
        roles.read_text().replace("group: executive-approvers", "users: [dana@example.com, lee@example.com]")
    )
    text = risk.read_text().replace("    any_of: [executive_approver]", "    quorum: 3\n    of: [executive_approver]")
    risk.write_text(text)
    (found,) = problems(tmp_path)
    assert found.line == text[: text.index("quorum: 3\n")].count("\n") + 1
    assert found.message == "3 people, but executive_approver has only 2"


def test_all_files_are_told_of_at_once(tmp_path: Path) -> None:
    shutil.copytree(DIRECTORY, tmp_path, dirs_exist_ok=True)
    for file, old, new in (
        ("risk.yaml", "send_delay: 5s", "send_delay: soon"),
        ("crm.yaml", "preset: full\n\n", "preset: fulll\n\n"),
        ("roles.yaml", "kind: agent", "kind: agnt"),
    ):
        (tmp_path / file).write_text((tmp_path / file).read_text().replace(old, new))
    assert [p.file for p in problems(tmp_path)] == ["risk.yaml", "crm.yaml", "roles.yaml"]


def test_there_are_mistakes_in_every_file_and_no_two_of_one_name() -> None:
    assert {mistake.file for mistake in MISTAKES} == {path.name for path in DIRECTORY.glob("*.yaml")}
    assert len({(mistake.file, mistake.name) for mistake in MISTAKES}) == len(MISTAKES)


@pytest.mark.parametrize("path", sorted(DIRECTORY.glob("*.yaml")), ids=lambda path: path.name)
def test_each_file_names_the_schema_that_editors_check_it_with(path: Path) -> None:
    first, _, text = path.read_text().partition("\n")
    name = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)
    assert name is not None
    published = json.loads((DIRECTORY / name[1]).read_text())
    assert (DIRECTORY / name[1]).parent == DIRECTORY / "schemas"
    checker = jsonschema.Draft202012Validator(published)
    assert published["title"] == path.name
    assert list(checker.iter_errors(yaml.safe_load(text))) == []
    assert list(checker.iter_errors({"format": 1, "surprise": True}))
