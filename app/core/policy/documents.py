"""The policy documents, their hash, and how durations are written in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Any, Literal

import msgspec
import rfc8785
from msgspec import Meta

from app.core.errors import PolicyError, PolicyProblem

FileName = Literal["risk.yaml", "guardrails.yaml", "crm.yaml", "roles.yaml", "intents.yaml"]
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
_DURATION = re.compile(r"([0-9]{1,5})([smhd])")

DURATION_PATTERN = "^[0-9]{1,5}[smhd]$"
Duration = Annotated[str, Meta(pattern=DURATION_PATTERN, description="A number and s, m, h or d: 5s, 15m, 2h, 1d")]
Name = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]*$", max_length=80)]
Sentence = Annotated[str, Meta(min_length=1, max_length=1000)]
Link = Annotated[str, Meta(pattern="^(https://.*)?$", max_length=500)]


class PolicyDocuments(msgspec.Struct, frozen=True):
    """The parsed content of the files, nothing else: what the snapshot hash covers and the store keeps.

    `intents` is empty where there is no such file: signals that callers leave out then stay missing.
    """

    risk: dict[str, Any]
    guardrails: dict[str, Any]
    crm: dict[str, Any]
    roles: dict[str, Any]
    intents: dict[str, Any] = {}

    def by_file(self) -> Mapping[FileName, dict[str, Any]]:
        return {
            "risk.yaml": self.risk,
            "guardrails.yaml": self.guardrails,
            "crm.yaml": self.crm,
            "roles.yaml": self.roles,
            "intents.yaml": self.intents,
        }


def changed_files(old: PolicyDocuments, new: PolicyDocuments) -> tuple[FileName, ...]:
    """The files whose content differs."""
    before = old.by_file()
    return tuple(file for file, content in new.by_file().items() if content != before[file])


class FileStruct(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of everything a policy file may hold: an unknown key is an error."""


def snapshot_hash(documents: PolicyDocuments) -> str:
    """SHA-256, lower-case hex, of the canonical JSON of all documents. Raises PolicyError."""
    content = {
        "risk": documents.risk,
        "guardrails": documents.guardrails,
        "crm": documents.crm,
        "roles": documents.roles,
        "intents": documents.intents,
    }
    try:
        return sha256(rfc8785.dumps(content)).hexdigest()
    except (rfc8785.CanonicalizationError, TypeError, RecursionError) as error:
        problem = PolicyProblem(file="policy", key="", message=f"a value has no JSON form: {error}")
        raise PolicyError([problem]) from error


def duration(text: str) -> timedelta:
    """`15m`, `2h`, `24h`, `5s`, `2d`. Raises ValueError."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a duration such as 15m or 2h")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])
