"""A case and its events as the JSON that callers read (CO4). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, get_args

import msgspec

from app.core.case import Action, ApprovalOutcome, Case, Signal
from app.core.requesthash import decimal_text
from db.log import LoggedEvent

_OUTCOMES = frozenset(get_args(ApprovalOutcome))
_NOBODY_ASKED = frozenset({"auto", "notify"})


def case_json(case: Case) -> dict[str, Any]:
    """No message texts and nothing of the customer but the id: whoever submitted the case has them."""
    assessment, verdict = case.assessment, case.verdict
    return {
        "id": case.id,
        "state": case.state,
        "tier": assessment.tier if assessment else None,
        "band": assessment.band if assessment else None,
        "ai_mode": assessment.ai_mode if assessment else None,
        "route": {"role": assessment.route.role, "channel": assessment.route.channel} if assessment else None,
        "reasons": [_plain(reason) for reason in assessment.reasons] if assessment else [],
        "findings": [_plain(finding) for finding in case.findings],
        "approval": _approval(case),
        "draft": _draft(case),
        "requested_action": _action(case.action) if case.action else None,
        "signals": {
            "intent": _signal(case.intent),
            "sentiment": _signal(case.signals.sentiment),
            "language": _signal(case.signals.language),
        },
        "policy_snapshot": case.policy_snapshot,
        "supersedes": case.supersedes or None,
        "superseded_by": case.superseded_by or None,
        "ticket": {"id": case.ticket.id, "url": case.ticket.url, "channel": case.ticket.channel},
        "customer": {"id": case.customer.id},
        "verdict": {
            "outcome": verdict.outcome,
            "reason": verdict.reason,
            "category": verdict.category,
            "resolution_code": verdict.resolution_code,
            "next_action": verdict.next_action,
            "follow_up_due_at": _time(verdict.follow_up_due_at),
            "csat_requested": verdict.csat_requested,
            "at": _time(verdict.at),
        }
        if verdict
        else None,
        "escalations": [_plain(e) | {"at": _time(e.at)} for e in case.escalations],
        "deadline": _time(case.deadline),
        "created_at": _time(case.created_at),
        "metadata": dict(case.metadata),
    }


def case_bytes(case: Case) -> bytes:
    return msgspec.json.encode(case_json(case))


def event_json(event: LoggedEvent) -> dict[str, Any]:
    """One fact of the audit trail. `leaf_hash` is hex; `slack` says where a person clicked."""
    content = event.content
    click = content.click
    return {
        "seq": event.seq,
        "event_id": event.event_id,
        "type": event.type,
        "at": event.at,
        "actor": event.actor,
        "reason": content.reason,
        "request_hash": content.request_hash,
        "policy_snapshot": content.policy_snapshot,
        "slack": {"channel": click.channel, "ts": click.ts, "trigger": click.trigger},
        "data": content.data,
        "leaf_hash": event.leaf_hash.hex(),
    }


def audit_bytes(case_id: str, events: Iterable[LoggedEvent]) -> bytes:
    return msgspec.json.encode({"case_id": case_id, "events": [event_json(event) for event in events]})


def _approval(case: Case) -> dict[str, Any]:
    """`required` is true before an assessment: until policy says otherwise, a person decides."""
    assessment, verdict = case.assessment, case.verdict
    decided = verdict if verdict and verdict.outcome in _OUTCOMES else None
    return {
        "required": assessment is None or assessment.required not in _NOBODY_ASKED,
        "kind": assessment.required if assessment else None,
        "outcome": decided.outcome if decided else None,
        "by": (decided.by or None) if decided else None,
        "role": (decided.role or None) if decided else None,
        "at": _time(decided.at) if decided else None,
        "stages": [
            {"id": stage.id, "label": stage.label, "roles": list(stage.roles)}
            for stage in (assessment.stages if assessment else ())
        ],
        "approvals": [
            {
                "stage": a.stage,
                "by": a.user,
                "role": a.role,
                "kind": a.kind,
                "instead_of": a.instead_of or None,
                "request_hash": a.request_hash,
                "draft_version": a.draft_version,
                "at": _time(a.at),
            }
            for a in case.approvals
        ],
    }


def _draft(case: Case) -> dict[str, Any] | None:
    """`sendable` is false for text that policy withholds or a reviewer rejected, whatever happens to the case."""
    draft = case.draft
    if draft is None:
        return None
    sendable = case.assessment is not None and case.sendable_draft is not None
    return {
        "version": draft.version,
        "author": draft.author,
        "text": draft.text,
        "request_hash": case.request_hash,
        "sendable": sendable,
    }


def _action(action: Action) -> dict[str, Any]:
    return {
        "type": action.type,
        "amount": (action.amount_text or None) if action.amount is None else decimal_text(action.amount),
        "currency": action.currency or None,
        "irreversible": action.irreversible,
        "transaction_verified": action.transaction_verified,
        "scope": action.scope,
        "reference": action.reference or None,
    }


def _plain(value: msgspec.Struct) -> dict[str, Any]:
    """With every field, so that readers need not know our defaults."""
    found: dict[str, Any] = msgspec.to_builtins({f: getattr(value, f) for f in value.__struct_fields__})
    return found


def _signal(signal: Signal | None) -> dict[str, Any] | None:
    return {"label": signal.label, "confidence": signal.confidence, "source": signal.source} if signal else None


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
