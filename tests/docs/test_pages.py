"""What the pages claim, held against the code: commands, states, events, metrics, settings, facts, examples."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
import typer
from pydantic import ValidationError
from typer.testing import CliRunner

from app.cli import app as command_line
from app.core.case import STATES
from app.core.effects import Callback, EventType
from app.core.policy.conditions import FINDING, VOCABULARY
from app.edges.answers import CaseOut
from app.edges.intake_models import ActionResult, NewCase
from app.edges.keys import SCOPES, ApiKeys
from app.ports.callbacks import derive_callback_secret
from app.settings import Settings
from blocks.queue import HELP
from tests.docs.pages import PAGES, ROOT, fenced, first_column, section

DOCS = ROOT / "docs"


# --- the command line --------------------------------------------------------------------------------------------


def command_paths() -> set[str]:
    found: set[str] = set()

    def walk(command: object, path: str) -> None:
        children = getattr(command, "commands", None)
        if children is None:
            found.add(path)
            return
        for name, child in children.items():
            walk(child, f"{path} {name}".strip())

    walk(typer.main.get_command(command_line), "")
    return found


def mentioned_commands(page: Path) -> set[str]:
    """`countersign a b --flag ARG` in backticks or at the start of a line, as its words."""
    return set(re.findall(r"(?:`|^)countersign ([a-z][^`\n]*)", page.read_text(), re.MULTILINE))


def test_operators_are_told_of_every_command_and_of_no_other() -> None:
    table = section(DOCS / "operators.md", "## Running")
    words = [re.sub(r" (--\S+|[A-Z]+)", "", name.removeprefix("countersign ")) for name in first_column(table)]
    assert set(words) == command_paths()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_a_page_names_exist_with_their_options(page: Path) -> None:
    for line in mentioned_commands(page):
        words = line.split(" > ")[0].split()
        path = max((p for p in command_paths() if words[: len(p.split())] == p.split()), key=len, default="")
        assert path, f"{page.name}: there is no `countersign {line}`"
        told = CliRunner().invoke(command_line, [*path.split(), "--help"], env={"COLUMNS": "200"}).output
        for option in (word for word in words if word.startswith("--")):
            assert option in told, f"{page.name}: `countersign {path}` has no {option}"


def test_approvers_are_told_of_every_slash_command() -> None:
    text = (DOCS / "approvers.md").read_text()
    for command, _ in HELP:
        assert f"`{command}`" in text or f"**{command}**" in text


# --- names -------------------------------------------------------------------------------------------------------


def test_every_state_is_explained() -> None:
    assert tuple(first_column(section(DOCS / "integrators.md", "## States"))) == STATES


def test_every_scope_is_explained() -> None:
    table = (DOCS / "integrators.md").read_text().partition("## Posting a case")[0]
    assert tuple(first_column(table)) == SCOPES
    assert ApiKeys.parse("a:b").find("b").scopes == {"submit", "read"}  # type: ignore[union-attr]


def test_every_field_of_the_answer_is_explained() -> None:
    text = section(DOCS / "integrators.md", "## Posting a case")
    answer = text.partition("It is answered 202")[2].partition("\n\nWhat you claim")[0]
    assert set(first_column(answer)) == set(CaseOut.model_fields)


def test_callback_types_are_named() -> None:
    text = section(DOCS / "integrators.md", "## Following a case")
    assert set(re.findall(r"`(case\.\w+)`", text)) == set(get_args(get_type_hints(Callback)["type"]))


def test_auditors_are_told_of_every_event_that_is_recorded() -> None:
    code = "".join(f.read_text() for f in (ROOT / "app").rglob("*.py") if f.name != "messages.py")
    recorded = {kind for kind in get_args(EventType) if f'"{kind}"' in code}
    assert set(first_column(section(DOCS / "auditors.md", "## What is recorded"))) == recorded


def test_operators_are_told_of_every_metric() -> None:
    code = (ROOT / "app" / "edges" / "metrics.py").read_text()
    made = set(re.findall(r'Gauge\w*\(\s*"(countersign_\w+)"', code))
    made |= {f"{name}_total" for name in re.findall(r'Counter\(\s*"(countersign_\w+)"', code)}
    assert set(first_column(section(DOCS / "operators.md", "## Health"))) - {"/livez", "/readyz", "/metrics"} == made


def test_settings_that_pages_name_exist() -> None:
    known = {name.upper() for name in Settings.model_fields}
    for page in PAGES:
        for name in re.findall(r"`((?:COUNTERSIGN|SLACK|DATABASE)_[A-Z_]+)", page.read_text()):
            assert name.removesuffix("_FILE") in known, f"{page.name} names {name}"


def test_policy_owners_are_told_of_every_fact() -> None:
    text = section(DOCS / "policy.md", "## Conditions")
    assert first_column(text) == [f"{root}.{name}" for root, names in VOCABULARY.items() for name in names]
    each = text.partition("Each has ")[2].partition("\n\n")[0]
    assert re.findall(r"`(\w+)`", each) == list(FINDING)


# --- examples ----------------------------------------------------------------------------------------------------


def test_the_examples_are_cases_that_intake_takes() -> None:
    bodies = [json.loads(body, parse_float=Decimal) for body in fenced(DOCS / "integrators.md", "json")]
    assert bodies
    for body in bodies:
        assert NewCase.model_validate(body).draft is not None


def test_the_example_of_an_action_result_is_taken_and_another_status_is_not() -> None:
    shown = re.search(r"`(\{\"status\".*?\})`", (DOCS / "integrators.md").read_text())
    assert shown is not None
    result = json.loads(shown[1])
    assert ActionResult.model_validate(result).status == "succeeded"
    with pytest.raises(ValidationError):
        ActionResult.model_validate({**result, "status": "done"})


def test_the_callback_secret_is_derived_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    (shown,) = fenced(DOCS / "integrators.md", "python")
    exec(compile(shown, "integrators.md", "exec"), {})
    assert capsys.readouterr().out.strip() == derive_callback_secret("your API key's secret")
