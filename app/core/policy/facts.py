"""What a condition may read of a case, as plain values with every name always present."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from app.core.case import Case, Draft
from app.core.findings import Finding
from app.core.policy.conditions import VOCABULARY

MAX_TEXT = 20_000


def facts_of(
    case: Case,
    *,
    history: Mapping[str, object],
    intents: Iterable[str],
    money_types: Mapping[str, bool],
    templates: Iterable[str],
    notes_only: bool = False,
) -> dict[str, Any]:
    """Facts before any rule was read. `money_types` maps each known action type to whether it moves money."""
    findings = current_findings(case)
    return {
        "case": _case(case, findings, notes_only),
        "customer": _customer(case),
        "signals": _signals(case, frozenset(intents)),
        "action": _action(case, money_types),
        "history": _history(history),
        "draft": _draft(case.draft, findings, frozenset(templates)),
        "findings": [_finding(f) for f in findings],
    }


def fold(label: str) -> str:
    """Labels and types as their tables write them: `Refund Request` is `refund_request`."""
    return label.strip().casefold().replace("-", "_").replace(" ", "_")


def current_findings(case: Case) -> tuple[Finding, ...]:
    """Without those of drafts that have been replaced, and of CRM data, which are there to be masked."""
    version = case.draft.version if case.draft else 0
    return tuple(
        f for f in case.findings if not f.source.startswith(("draft:", "context:")) or f.source == f"draft:{version}"
    )


def rounded_up(amount: Decimal) -> float:
    """The amount without its sign as a float that is never less than it."""
    value = float(abs(amount))
    return math.nextafter(value, math.inf) if Decimal(value) < abs(amount) else value


def _case(case: Case, findings: Iterable[Finding], notes_only: bool) -> dict[str, Any]:
    texts = [m.text for m in case.messages if m.author == "customer"]
    return {
        "channel": case.ticket.channel,
        "text": "\n".join(texts)[-MAX_TEXT:].casefold(),
        "subject": case.ticket.subject[:MAX_TEXT].casefold(),
        "customer_messages": float(len(texts)),
        "attachments": float(sum(len(m.attachments) for m in case.messages)),
        "flags": _flags(f for f in findings if f.side == "input"),
        "submitted_by_person": bool(case.submitted_by and (case.submitted_by.slack_user or case.submitted_by.email)),
        "has_deadline": case.deadline is not None,
        "notes_only": notes_only,
    }


def _customer(case: Case) -> dict[str, Any]:
    customer = case.customer
    return {
        "segment": fold(customer.segment),
        "contract_value": rounded_up(customer.contract_value) if customer.contract_value is not None else 0.0,
        "currency": customer.currency.upper(),
        "regulated": customer.regulated,
        "industry": customer.industry.casefold(),
        "vip": customer.vip,
        "privileged_roles": [fold(role) for role in customer.privileged_roles],
        "active_escalation": customer.active_escalation,
    }


def _signals(case: Case, intents: frozenset[str]) -> dict[str, Any]:
    intent, sentiment, language = case.signals.intent, case.signals.sentiment, case.signals.language
    label = fold(intent.label) if intent else ""
    return {
        "intent": label,
        "intent_known": label in intents,
        "intent_confidence": float(intent.confidence) if intent and label else 0.0,
        "sentiment": fold(sentiment.label) if sentiment else "",
        "sentiment_confidence": float(sentiment.confidence) if sentiment else 0.0,
        "negative": float(sentiment.confidence) if sentiment and fold(sentiment.label) == "negative" else 0.0,
        "language": language.label.casefold() if language else "",
        "language_confidence": float(language.confidence) if language else 0.0,
        "language_spoken": True,
    }


def _action(case: Case, money_types: Mapping[str, bool]) -> dict[str, Any]:
    action = case.action
    if action is None:
        return dict(VOCABULARY["action"])
    kind = fold(action.type)
    unreadable = action.amount is None and bool(action.amount_text)
    if action.amount is not None and not action.amount.is_finite():
        unreadable = True
    amount = rounded_up(action.amount) if action.amount is not None and not unreadable else 0.0
    return {
        "exists": True,
        "type": kind,
        "known": kind in money_types,
        "money": money_types.get(kind, False) or action.amount is not None or unreadable,
        "amount": math.inf if unreadable else amount,
        "unreadable": unreadable,
        "currency": action.currency.upper(),
        "irreversible": action.irreversible,
        "verified": action.transaction_verified,
        "bulk": action.scope == "bulk",
    }


def _history(history: Mapping[str, object]) -> dict[str, Any]:
    """Facts nobody gave are taken as nothing known; of an unexpected type they are refused."""
    found: dict[str, Any] = {}
    for name, default in VOCABULARY["history"].items():
        value = history.get(name, default)
        if not isinstance(value, bool if isinstance(default, bool) else int | float):
            raise TypeError(f"history.{name}: {type(default).__name__} expected")
        found[name] = value if isinstance(default, bool) else float(value)
    return found


def _draft(draft: Draft | None, findings: Iterable[Finding], templates: frozenset[str]) -> dict[str, Any]:
    flags = _flags((f for f in findings if f.side == "output"), blocked=True)
    if draft is None:
        return {**VOCABULARY["draft"], "flags": flags}
    return {
        "exists": bool(draft.text.strip()),
        "author": draft.author,
        "version": float(draft.version),
        "confidence": float(draft.confidence) if draft.confidence is not None else 0.0,
        "text": draft.text[:MAX_TEXT].casefold(),
        "macros": float(sum(macro in templates for macro in draft.suggested_macros)),
        "attachments": float(draft.attachments),
        "flags": flags,
    }


def _flags(findings: Iterable[Finding], *, blocked: bool = False) -> list[str]:
    flags: dict[str, None] = {}
    for finding in findings:
        flags |= dict.fromkeys((finding.type, *finding.flags))
        if finding.type == "pii" and finding.sensitive:
            flags["sensitive_pii"] = None
        if blocked and finding.action == "blocked":
            flags["blocked"] = None
    return list(flags)


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "rule_id": finding.rule_id,
        "type": finding.type,
        "action": finding.action,
        "entity": finding.entity or "",
        "sensitive": finding.sensitive,
        "flags": list(finding.flags),
        "side": finding.side,
        "source": finding.source,
        "owner": finding.owner,
    }
