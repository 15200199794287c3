"""What the shipped policy says of a case: as installed, after baseline mode, and with the unsafe exemption on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from msgspec.structs import replace

from app.core.assessment import Assessment
from app.core.case import Case, Signal, Signals
from app.core.findings import Finding
from app.core.policy import Policy, assess, compile_policy
from app.core.scanning import scan_draft, scan_messages
from tests.core.policies import shipped, with_risk
from tests.make import NOW, a_case, a_draft, signals

STANDARD_DRAFT = a_draft(confidence=0.97)


@cache
def live() -> Policy:
    """Baseline mode ended, nothing else changed."""
    return compile_policy(with_risk(baseline_mode=False))


@cache
def exempting() -> Policy:
    """Baseline mode ended and unsafe_small_refund_auto on."""
    return compile_policy(with_risk(baseline_mode=False, unsafe_small_refund_auto=True))


def ask(policy: Policy | None = None, history: Mapping[str, object] | None = None, **changes: Any) -> Assessment:
    """Where a parcel is, asked by a standard account, with a sure draft: unless `changes` say otherwise."""
    case = a_case(**{"assessment": None, "drafts": (STANDARD_DRAFT,), **changes})
    return assess(case, policy or shipped(), history or {}, NOW)


def ask_scanned(policy: Policy | None = None, **changes: Any) -> Assessment:
    """As `ask`, with what the shipped guardrails find in the messages and in the draft."""
    return ask(policy, **{**changes, "findings": findings_of(**changes)})


def findings_of(**changes: Any) -> tuple[Finding, ...]:
    case: Case = a_case(**{"assessment": None, "drafts": (STANDARD_DRAFT,), **changes})
    found = scan_messages(case, shipped().rules)
    return found + scan_draft(case, case.draft, shipped().rules) if case.draft else found


def found(type: str, side: str = "input", **changes: Any) -> Finding:
    """A finding in the customer's first message or in the draft."""
    source = "message:0" if side == "input" else "draft:1"
    known = {"rule_id": f"a-{type}", "rule_version": "v", "type": type, "action": "allowed", "start": 0, "end": 3}
    return Finding(**{**known, "side": side, "source": source, **changes})


def said_by(source: str, intent: str, **confidences: float) -> Signals:
    """The intent as computed by `source`; mood and language as a caller gives them."""
    known = signals(intent, **confidences)
    assert known.intent is not None
    return replace(known, intent=replace(known.intent, source=source))


def in_language(label: str | None, confidence: float = 0.99) -> Signals:
    return replace(signals(), language=Signal(label=label, confidence=confidence) if label else None)


def rule_ids(assessment: Assessment) -> set[str]:
    return {reason.rule_id for reason in assessment.reasons}


def without_a_person(assessment: Assessment) -> bool:
    return assessment.required in ("auto", "notify")
