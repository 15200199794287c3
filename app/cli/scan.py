"""`countersign scan`: owners try guardrails and intents on their own data (CO10)."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from app.cli.common import fail, read_settings
from app.core.case import Signal
from app.core.errors import PolicyError
from app.core.findings import Finding, Side
from app.core.guards import Rules, ScanContext, scan
from app.core.understanding import Understanding
from app.edges.names import Names, load_names
from app.edges.policy_files import load_policy
from app.edges.understanding import cache_folder, load_understanding

# Of the flags a rule may set, those that stand for themselves; the others are known by their type.
FLAGS = frozenset({"human_request", "chargeback"})


class Context(msgspec.Struct, frozen=True):
    transaction_verified: bool = False
    previous: str = ""
    customer: dict[str, Any] = {}
    message: str = ""


class Line(msgspec.Struct, frozen=True):
    id: str | int
    text: str
    context: Context = Context()

    @property
    def scan_context(self) -> ScanContext:
        known = {name: value for name, value in self.context.customer.items() if isinstance(value, str)}
        return ScanContext(
            transaction_verified=self.context.transaction_verified,
            previous=self.context.previous,
            customer=known,
            message=self.context.message,
        )


def scan_lines(
    side: Annotated[str, typer.Option(help="input (customers' words) or output (replies).")],
    policy_dir: Annotated[Path | None, typer.Option("--policy", help="Default: COUNTERSIGN_POLICY_DIR.")] = None,
) -> None:
    """Scan JSON lines {id, text, context?} from standard input: findings, flags and signals of each come out."""
    if side not in ("input", "output"):
        raise typer.BadParameter("input or output", param_hint="--side")
    directory = policy_dir or read_settings().countersign_policy_dir
    try:
        rules = load_policy(directory).rules
        understanding = load_understanding(directory, cache_folder())
        names = load_names(rules)
    except PolicyError as error:
        fail(*map(str, error.problems))
    decoder = msgspec.json.Decoder(Line)
    for number, raw in enumerate(sys.stdin.buffer, start=1):
        if not raw.strip():
            continue
        try:
            line = decoder.decode(raw)
        except msgspec.DecodeError as error:
            typer.echo(f"line {number}: {error}", err=True)
            raise typer.Exit(2) from None
        answer = scan_line(line, "input" if side == "input" else "output", rules, understanding, names)
        sys.stdout.buffer.write(msgspec.json.encode(answer) + b"\n")


def scan_line(
    line: Line, side: Side, rules: Rules, understanding: Understanding | None, names: Names | None = None
) -> dict[str, Any]:
    """What is written of one line; signals are null where nothing is taught to know them."""
    findings = scan(line.text, side, rules, line.scan_context)
    if names is not None:
        findings = (*findings, *names(line.text, side, findings))
    read = understanding.read(line.text, line.context.previous) if understanding else None
    return {
        "id": line.id,
        "findings": [_finding(f) for f in findings],
        "flags": sorted({f.type for f in findings} | {flag for f in findings for flag in FLAGS & set(f.flags)}),
        "signals": {
            **_signal("intent", read.intent if read else None),
            **_signal("sentiment", read.sentiment if read else None),
            **_signal("language", read.language if read else None),
        },
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule_id": finding.rule_id,
        "type": finding.type,
        "entity": finding.entity,
        "start": finding.start,
        "end": finding.end,
        "action": finding.action,
    }


def _signal(name: str, signal: Signal | None) -> dict[str, Any]:
    """Nothing known is null with a confidence of 0."""
    return {name: signal.label if signal else None, f"{name}_confidence": signal.confidence if signal else 0.0}
