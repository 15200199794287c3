"""The shipped policy and changed copies of it, for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from app.core.policy import Policy, PolicyDocuments, compile_policy
from app.edges.policy_files import Lines, read_documents

DIRECTORY = Path(__file__).parents[2] / "policies"


@cache
def shipped_documents() -> tuple[PolicyDocuments, Lines]:
    return read_documents(DIRECTORY)


@cache
def shipped() -> Policy:
    documents, lines = shipped_documents()
    return compile_policy(documents, lines=lines)


def with_risk(**changes: Any) -> PolicyDocuments:
    """The shipped documents with some top-level keys of risk.yaml replaced."""
    documents, _ = shipped_documents()
    return replace(documents, risk={**documents.risk, **changes})


def with_roles(**changes: dict[str, Any] | None) -> PolicyDocuments:
    """The shipped documents with keys of some roles changed; None removes the role."""
    documents, _ = shipped_documents()
    roles = {n: {**r, **(changes.get(n) or {})} for n, r in documents.roles["roles"].items() if changes.get(n, r)}
    return replace(documents, roles={**documents.roles, "roles": roles})


def with_crm(**changes: Any) -> PolicyDocuments:
    documents, _ = shipped_documents()
    return replace(documents, crm={**documents.crm, **changes})


# A role that is looked up for each case, and steps that it or the queue's role takes.
OWNER = {"group": None, "resolver": "account_owner"}
_STEPS = {
    "first": {"id": "first", "label": "First", "any_of": ["$route"]},
    "owner": {"id": "owner", "label": "Account owner", "any_of": ["vip_manager"]},
}


@cache
def owner_signs_off(*steps: str, notify: bool = True) -> Policy:
    """The customer's account owner takes the last step, or those of `steps`; specialists are their backup."""
    roles = with_roles(vip_manager={**OWNER, "notify": notify, "backup": "specialist"}).roles
    stages = [_STEPS[step] for step in steps or ("first", "owner")]
    return compile_policy(replace(with_risk(stages=stages), roles=roles))
