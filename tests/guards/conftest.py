from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from app.core.findings import Finding, Side
from app.core.guards import Rules, ScanContext, compile_rules, scan

POLICY = Path(__file__).parents[2] / "policies" / "guardrails.yaml"
Found = Callable[..., dict[str, list[str]]]


@pytest.fixture(scope="session")
def rules() -> Rules:
    return compile_rules(yaml.safe_load(POLICY.read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def found(rules: Rules) -> Found:
    """`found(text, side, **context)`: what each rule found, by rule id."""

    def look(text: str, side: Side = "input", **context: object) -> dict[str, list[str]]:
        hits: dict[str, list[str]] = {}
        for finding in scan(text, side, rules, ScanContext(**context)):  # type: ignore[arg-type]
            hits.setdefault(finding.rule_id, []).append(text[finding.start : finding.end])
        return hits

    return look


@pytest.fixture(scope="session")
def findings(rules: Rules) -> Callable[..., tuple[Finding, ...]]:
    def look(text: str, side: Side = "input", **context: object) -> tuple[Finding, ...]:
        return scan(text, side, rules, ScanContext(**context))  # type: ignore[arg-type]

    return look
