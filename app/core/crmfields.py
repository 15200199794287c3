"""A case as the CRM's and the helpdesk's fields (CR1-CR4, DL6): text only, every kept field always there."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from app.core.case import Case, Signal
from app.core.findings import most_severe
from app.core.policy.model import Policy

# How a decision counts in the CRM. Nobody decided about any other outcome.
_DECIDED: Mapping[str, str] = {"approved": "approved", "edited": "edited", "rejected": "rejected"}


def crm_properties(case: Case, policy: Policy) -> dict[str, str]:
    """The fields policy keeps, under the CRM's names. `approval_outcome` is empty until somebody decided."""
    values = {
        **_identity(case),
        **_understanding(case),
        **_assistance(case),
        **_approval(case, policy),
        **_guardrails(case, policy),
        **_escalation(case, policy),
        **_ending(case),
    }
    return {policy.crm.rename.get(name, name): values[name] for name in policy.crm.kept}


def helpdesk_fields(case: Case, policy: Policy) -> tuple[dict[str, str], tuple[str, ...]]:
    """Fields and tags for the helpdesk's ticket; a tag only where there is something to say."""
    fields = {
        "risk_tier": case.assessment.tier if case.assessment else "",
        "approval_outcome": approval_outcome(case),
        "routed_queue": routed_queue(case, policy),
        "countersign_case_id": case.id,
    }
    tags = (
        f"risk_{fields['risk_tier']}" if fields["risk_tier"] else "",
        f"approval_{fields['approval_outcome']}" if fields["approval_outcome"] else "",
        f"queue_{fields['routed_queue'].replace('-', '_')}" if fields["routed_queue"] else "",
        f"countersign_{case.id}",
    )
    return fields, tuple(tag for tag in tags if tag)


def approval_outcome(case: Case) -> str:
    """approved (AI text as it was), edited (a person changed or wrote it), rejected; empty when nobody decided."""
    if case.verdict is None:
        return ""
    outcome = _DECIDED.get(case.verdict.outcome, "")
    if outcome == "approved" and case.draft is not None and case.draft.author == "human":
        return "edited"
    return outcome


def routed_queue(case: Case, policy: Policy) -> str:
    """The channel of the last role the case went to."""
    if case.escalations and (role := policy.roles.get(case.escalations[-1].to_role)):
        return role.channel
    return case.assessment.route.channel if case.assessment else ""


def _identity(case: Case) -> dict[str, str]:
    return {
        "helpdesk_ticket_id": case.ticket.id,
        "crm_ticket_id": case.customer.crm_ticket_id,
        "customer_id": case.customer.id,
        "channel": case.ticket.channel,
    }


def _understanding(case: Case) -> dict[str, str]:
    found: dict[str, str] = {}
    signals: tuple[tuple[str, Signal | None], ...] = (
        ("intent", case.intent),
        ("sentiment", case.signals.sentiment),
        ("language", case.signals.language),
    )
    for name, signal in signals:
        found[name] = signal.label if signal else ""
        found[f"{name}_confidence"] = _number(signal.confidence) if signal else ""
    found["risk_tier"] = case.assessment.tier if case.assessment else ""
    found["confidence_band"] = case.assessment.band if case.assessment else ""
    return found


def _assistance(case: Case) -> dict[str, str]:
    by_ai = [draft for draft in case.drafts if draft.author == "ai"]
    last = by_ai[-1] if by_ai else None
    went_out = case.state == "sent" and case.draft is not None and case.draft.author == "ai"
    return {
        "ai_used": _flag(bool(by_ai) or any(draft.summary for draft in case.drafts)),
        "ai_mode": case.assessment.ai_mode if case.assessment else "",
        "ai_draft_sent": _flag(went_out),
        "ai_trace_id": last.ai_trace_id if last else "",
        "model_name": last.model_name if last else "",
        "prompt_template_version": last.prompt_template_version if last else "",
    }


def _approval(case: Case, policy: Policy) -> dict[str, str]:
    outcome = approval_outcome(case)
    verdict = case.verdict
    role = policy.roles.get(verdict.role) if verdict and outcome else None
    return {
        "approval_required": _flag(bool(case.assessment and case.assessment.required not in ("auto", "notify"))),
        "approval_outcome": outcome,
        "approver_role": role.kind if role else "",
        "approval_timestamp": _time(verdict.at) if verdict and outcome else "",
    }


def _guardrails(case: Case, policy: Policy) -> dict[str, str]:
    return {
        "guardrail_triggered": _flag(bool(case.findings)),
        "guardrail_types": ";".join(sorted({finding.type for finding in case.findings})),
        "guardrail_action": most_severe(case.findings) or "",
        "guardrail_policy_version": policy.rules.version,
    }


def _escalation(case: Case, policy: Policy) -> dict[str, str]:
    """The last escalation, else the one assessment made."""
    reason, trigger = "", ""
    if case.escalations:
        reason, trigger = case.escalations[-1].reason, case.escalations[-1].trigger_type
    elif case.assessment and case.assessment.escalation_trigger:
        reason, trigger = case.assessment.escalation_reason, case.assessment.escalation_trigger
    return {
        "escalated": _flag(bool(trigger)),
        "escalation_reason": reason,
        "escalation_trigger_type": trigger,
        "routed_queue": routed_queue(case, policy),
    }


def _ending(case: Case) -> dict[str, str]:
    verdict = case.verdict
    return {
        "resolution_code": verdict.resolution_code if verdict else "",
        "next_action": verdict.next_action if verdict else "",
        "follow_up_due_at": _time(verdict.follow_up_due_at) if verdict and verdict.follow_up_due_at else "",
        "csat_requested": _flag(bool(verdict and verdict.csat_requested)),
    }


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _number(value: float) -> str:
    return f"{value:.4f}".rstrip("0").rstrip(".")


def _time(value: datetime) -> str:
    """ISO 8601 in UTC with milliseconds, as HubSpot and Salesforce both read it."""
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
