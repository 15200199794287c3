"""The page on roles: what it shows is what the product takes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
import yaml
from msgspec.structs import fields, replace

from app.core.policy import compile_policy
from app.core.policy.rolesfile import Resolver, Role
from app.ports.resolvers import Question
from app.ports.resolvers.file import FileResolver
from app.settings import Settings
from tests.core.policies import shipped_documents
from tests.docs.pages import ROOT, fenced, first_column, section

PAGE = ROOT / "docs" / "roles.md"


def test_every_key_of_a_role_and_every_resolver_is_explained() -> None:
    keys = {key for row in first_column(section(PAGE, "## What a role says")) for key in [row]}
    assert keys == {field.name for field in fields(Role)}
    dynamic = section(PAGE, "## Roles that depend on the case")
    assert set(get_args(Resolver)) <= set(first_column(dynamic))


def test_the_example_of_roles_loads() -> None:
    documents, _ = shipped_documents()
    shown = yaml.safe_load(fenced(PAGE, "yaml")[0])
    roles = {**documents.roles["roles"], **shown["roles"]}
    found = compile_policy(replace(documents, roles={**documents.roles, "roles": roles})).roles
    assert found["account_owner"].resolver == "account_owner"
    assert found["finance_audit"].notify is False


@pytest.mark.parametrize(
    ("kind", "asked", "found"),
    [
        ("account_owner", {"customer_id": "CUST-881"}, ("nora@acme.example",)),
        ("manager_of_initiator", {"initiator_email": "maya@acme.example"}, ("priya@acme.example",)),
        ("on_call", {}, ("U0LENA",)),
    ],
)
def test_the_example_of_a_file_answers(
    tmp_path: Path, kind: Resolver, asked: dict[str, str], found: tuple[str, ...]
) -> None:
    path = tmp_path / "people.yaml"
    path.write_text(fenced(PAGE, "yaml")[1])
    question = Question(at=datetime(2026, 3, 2, 8, 0, tzinfo=UTC), **asked)
    assert FileResolver(path).resolve(kind, question) == found


def test_the_field_of_the_profile_is_the_default() -> None:
    assert f"`{Settings.model_fields['countersign_manager_field'].default}` as shipped" in PAGE.read_text()
