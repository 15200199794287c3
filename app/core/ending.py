"""From a decision to a sent reply, and every other way a case ends. What leaves is written in the same change."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, get_args

from app.core.case import ApprovalOutcome, State, Timer, Verdict
from app.core.change import Change
from app.core.crmfields import crm_properties, helpdesk_fields
from app.core.effects import Callback, CrmPatch, DirectMessage, HelpdeskFields, HelpdeskReply, Settlement
from app.core.surfaces import close_signoffs, refresh, tell
from app.core.telling import tell_end


def judge(change: Change, outcome: str, *, by: str, role: str, reason: str = "", category: str = "") -> None:
    """Write the verdict with what policy says follows from it (RI11)."""
    ending = change.world.policy.ending(change.case, outcome, category)
    change.set(
        verdict=Verdict(
            outcome=outcome,  # type: ignore[arg-type]
            by=by,
            role=role,
            at=change.now,
            reason=reason,
            category=category,
            resolution_code=ending.resolution_code,
            next_action=ending.next_action,
            follow_up_due_at=change.now + ending.follow_up if ending.follow_up else None,
            csat_requested=ending.csat_requested,
        )
    )


def approve_finally(change: Change, *, by: str, role: str, outcome: ApprovalOutcome | None = None) -> None:
    """All stages are done: the text goes out, after `send_delay` where a mis-tap may still be taken back (SL15)."""
    draft = change.case.sendable_draft
    if draft is None:
        raise AssertionError("approved without a text to send")
    judge(change, outcome or ("approved" if draft.author == "ai" else "edited"), by=by, role=role)
    assessment = change.case.assessed
    change.set(state="approved", timers=())
    if by and assessment.send_delay > 0 and not assessment.confirm:
        due = change.now + timedelta(seconds=assessment.send_delay)
        change.set(timers=(Timer(key=f"send:{draft.version}:{change.case.version}", kind="send", due_at=due),))
        refresh(change)
    else:
        release(change)


def release(change: Change) -> None:
    """Put exactly the approved text into the outbox. Only now can nobody take the decision back."""
    draft = change.case.sendable_draft
    if draft is None:
        raise AssertionError("released without a text to send")
    change.set(state="sending", timers=())
    callback(change, "case.decided")
    effect = HelpdeskReply(text=draft.text, kind="reply", request_hash=change.case.request_hash)
    delivery = change.send(effect)
    change.set(pending_reply=delivery)
    change.record("ReplyReleased", delivery=delivery, draft_version=draft.version)
    refresh(change)


def sent(change: Change, *, remote_id: str = "") -> None:
    """The customer has the reply. Fields follow it, then the CRM (DL3)."""
    case = change.case
    change.set(state="sent", pending_reply="", indeterminate="")
    change.record("ReplySent", delivery=case.pending_reply, remote_id=remote_id)
    tell(change, "delivered")
    report(change)
    if case.assessed.tier == "high":
        for user in dict.fromkeys(a.user for a in case.approvals):
            change.send(DirectMessage(user=user, kind="receipt", data={"request_hash": case.request_hash}))
    tell_end(change)
    refresh(change)


def end(change: Change, state: State, outcome: str, *, by: str, role: str, reason: str, category: str = "") -> None:
    """Close the case without (further) reply: timers go, packets say so, helpdesk and CRM are told."""
    case = change.case
    if case.state in ("failed", "indeterminate") and case.pending_reply:
        # a reply that is dead or in doubt would hold back everything behind it
        change.settle(Settlement(delivery=case.pending_reply, status="cancelled", error=f"case {state}"))
    change.set(state=state, timers=(), approvals=() if state == "superseded" else case.approvals, indeterminate="")
    close_signoffs(change)
    judge(change, outcome, by=by, role=role, reason=reason, category=category)
    report(change)
    if outcome in get_args(ApprovalOutcome):
        callback(change, "case.decided")
    tell_end(change, by)
    refresh(change)


def report(change: Change) -> None:
    """Helpdesk fields, then the CRM patch of this outcome."""
    fields, tags = helpdesk_fields(change.case, change.world.policy)
    change.send(HelpdeskFields(fields=fields, tags=tags))
    patch_crm(change, final=True)


def patch_crm(change: Change, *, final: bool) -> None:
    properties = crm_properties(change.case, change.world.policy)
    change.send(CrmPatch(ticket=change.case.customer.crm_ticket_id, properties=properties, final=final))


def callback(change: Change, kind: str, **more: Any) -> None:
    """Tell whoever posted the case; the approved action goes with its hash, since they carry it out (IN8)."""
    case = change.case
    if not case.callback_url:
        return
    verdict = case.verdict
    action = case.action
    data = {
        "case_id": case.id,
        "ticket_id": case.ticket.id,
        "state": case.state,
        "outcome": verdict.outcome if verdict else None,
        "by": verdict.by if verdict else None,
        "reason": verdict.reason if verdict else None,
        "request_hash": case.request_hash,
        "action": {
            "type": action.type,
            "amount": None if action.amount is None else f"{action.amount:f}",
            "currency": action.currency,
        }
        if action
        else None,
        "supersedes": case.supersedes or None,
        "superseded_by": case.superseded_by or None,
        **more,
    }
    change.send(Callback(url=case.callback_url, key=case.callback_key, type=kind, data=data))  # type: ignore[arg-type]


def reopen_for_people(change: Change, reason: str) -> None:
    """Back to pending with all approvals void; sign-off requests close because their hash stands no more.

    `pending_reply` stays: what was held back can still turn out to have arrived.
    """
    voided = change.case.approvals
    change.set(state="pending", stage=0, approvals=(), verdict=None)
    close_signoffs(change)
    if voided:
        change.record("ApprovalsVoided", reason=reason, people=[a.user for a in voided])
        tell(change, "voided", reason=reason)
