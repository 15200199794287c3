"""What a guardrail scan says. A finding never carries the matched text, only where it stands."""

from __future__ import annotations

from typing import Literal

import msgspec

Side = Literal["input", "output"]
FindingType = Literal[
    "pii",
    "refunds",
    "legal",
    "prompt_attack",
    "threat",
    "security",
    "medical",
    "financial",
    "unsafe",
    "policy",
]
FindingAction = Literal["allowed", "masked", "blocked"]
Entity = Literal[
    "CREDIT_CARD",
    "IBAN",
    "US_SSN",
    "NATIONAL_ID",
    "EMAIL",
    "PHONE",
    "IP_ADDRESS",
    "DATE_OF_BIRTH",
    "ADDRESS",
    "BANK_ACCOUNT",
    "PERSON",
]
# Worst last, so that the most severe of several is their maximum by this order.
ACTION_ORDER: tuple[FindingAction, ...] = ("allowed", "masked", "blocked")


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One guardrail hit. `start`/`end` are character offsets in the scanned text as it was given.

    `source` says which text was scanned: `message:<index>`, `draft:<version>`, `summary`, `macro:<id>` and so on;
    it is empty as `scan` returns it and set by whoever knows.
    """

    rule_id: str
    rule_version: str
    type: FindingType
    action: FindingAction
    start: int
    end: int
    entity: Entity | None = None
    sensitive: bool = False
    flags: tuple[str, ...] = ()
    owner: str = ""
    reason: str = ""
    guidance: str = ""
    overridable_by: str | None = None
    side: Side = "input"
    source: str = ""


def most_severe(findings: tuple[Finding, ...]) -> FindingAction | None:
    """The action of the worst finding, None when there is none."""
    return max((f.action for f in findings), key=ACTION_ORDER.index, default=None)
