"""Cases, messages and drafts as they come in, and what takes a case back out (IN1, IN3, IN5)."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from app.core.case import Case
from app.core.change import Change
from app.core.ending import approve_finally, callback, closed_signoffs, end, patch_crm, reopen_for_people
from app.core.errors import Refused
from app.core.messages import ReceiveCase, ReportActionResult, SubmitDraft, Supersede, Withdraw
from app.core.money import read_amount
from app.core.policy import assess
from app.core.scanning import scan_draft, scan_messages
from app.core.stages import roles_at
from app.core.surfaces import open_packets, refresh, show_rest_of_draft, show_to, tell
from app.core.timing import arm
from app.core.world import World


def receive(command: ReceiveCase, world: World) -> Change:
    """Assess the case under the policy in force and ask the right people, or let it go where nobody has to look."""
    draft = replace(command.draft, version=1) if command.draft else None
    case = Case(
        id=command.case_id,
        ticket=command.ticket,
        customer=command.customer,
        messages=command.messages,
        drafts=(draft,) if draft else (),
        signals=command.signals,
        action=command.action,
        context=command.context,
        submitted_by=command.submitted_by,
        cc=command.cc,
        callback_url=command.callback_url,
        callback_key=command.callback_key,
        deadline=command.deadline,
        metadata=command.metadata,
        created_at=world.now,
        policy_snapshot=world.active.snapshot,
        supersedes=command.supersedes,
    )
    change = Change(case, world, command.by)
    change.record("CaseReceived", ticket=case.ticket.id, supersedes=case.supersedes)
    _scan_and_assess(change)
    patch_crm(change, final=False)
    callback(change, "case.assessed")
    required = change.case.assessed.required
    if required in ("auto", "notify") and change.case.sendable_draft and not change.case.blocking:
        change.set(state="pending")
        if required == "notify":
            open_packets(change)
        approve_finally(change, by="", role="", outcome="auto" if required == "auto" else "notified")
        return change
    _ask_people(change)
    return change


def submit_draft(change: Change, command: SubmitDraft) -> None:
    """A new draft from the caller: scanned and assessed again (upward only), approvals void."""
    case = change.case
    draft = replace(command.draft, version=(case.draft.version if case.draft else 0) + 1, author_id="")
    reopen_for_people(change, "A new draft was submitted.")
    change.set(drafts=(*case.drafts, draft))
    change.record("DraftSubmitted", draft_version=draft.version, author=draft.author)
    _scan_and_assess(change)
    change.set(state="pending" if _somebody_can(change) else "blocked")
    arm(change)
    show_to(change, change.case.assessed.route.role, can_decide=True)
    show_rest_of_draft(change)
    refresh(change)


def supersede(change: Change, command: Supersede) -> None:
    change.set(superseded_by=command.successor, packets=closed_signoffs(change.case.packets))
    if change.case.approvals:
        change.record("ApprovalsVoided", reason=command.reason, people=[a.user for a in change.case.approvals])
    change.record("CaseSuperseded", reason=command.reason, successor=command.successor)
    end(change, "superseded", "superseded", by=command.by, role="", reason=command.reason)


def withdraw(change: Change, command: Withdraw) -> None:
    category = "answered_elsewhere" if command.answered_elsewhere else "withdrawn"
    reason = command.reason or (
        "The customer was answered elsewhere." if command.answered_elsewhere else "Withdrawn by who submitted it."
    )
    change.set(packets=closed_signoffs(change.case.packets))
    change.record("CaseWithdrawn", reason=reason, category=category)
    end(change, "withdrawn", "withdrawn", by=command.by, role="", reason=reason, category=category)


def report_action_result(change: Change, command: ReportActionResult) -> None:
    """A verified transaction lets a draft claim it, for that amount only; a failed or other one changes nothing."""
    case = change.case
    action = case.action
    if action is None:
        raise Refused("no_action", "This case has no requested action to report on.")
    amount, _ = read_amount(command.amount)
    same = amount == action.amount if command.amount else action.amount is None
    verified = command.status == "succeeded" and same
    change.set(
        action=replace(
            action, transaction_verified=verified or action.transaction_verified, reference=command.reference
        )
    )
    change.record("ActionResultReported", status=command.status, amount=command.amount, matches=same, verified=verified)
    if case.state in ("pending", "awaiting_signoff") and case.draft:
        rescanned = scan_draft(change.case, case.draft, change.world.policy.rules)
        kept = tuple(f for f in case.findings if f.source.startswith("message:"))
        change.set(findings=kept + rescanned)
    refresh(change)


def _scan_and_assess(change: Change) -> None:
    case, world = change.case, change.world
    policy = world.policy
    findings = scan_messages(case, policy.rules)
    if case.draft:
        findings += scan_draft(case, case.draft, policy.rules)
    change.set(findings=findings)
    change.record(
        "TextScanned",
        guardrail_version=policy.rules.version,
        findings=[{"rule": f.rule_id, "type": f.type, "action": f.action, "where": f.source} for f in findings],
    )
    before = case.assessment
    facts = msgspec.structs.asdict(world.history)
    after = assess(change.case, policy, facts, world.now)
    if before is not None and _rank(after.tier) < _rank(before.tier):
        after = before
    change.set(assessment=after)
    change.record(
        "CaseAssessed",
        reason="; ".join(r.text for r in after.reasons),
        tier=after.tier,
        band=after.band,
        ai_mode=after.ai_mode,
        required=after.required,
        route=after.route.role,
        rules=[r.rule_id for r in after.reasons],
    )


def _rank(tier: str) -> int:
    return ("low", "medium", "high").index(tier)


def _ask_people(change: Change) -> None:
    """Post the packets and arm the ladder. A role nobody holds goes to the fallback role, never past a person (DE4)."""
    change.set(state="pending", opened_at=change.now)
    fallback = change.world.policy.fallback_role
    members = change.world.people.members
    stages = change.case.assessed.stages
    empty = [s for s in stages if not any(members(role) for role in s.roles)]
    if empty and members(fallback):
        change.set(gained=tuple((stages.index(s), fallback) for s in empty))
    open_packets(change)
    if empty:
        names = ", ".join(role for s in empty for role in s.roles)
        reason = f"Nobody is in {names}, so {fallback} was asked."
        show_to(change, fallback, can_decide=True)
        tell(change, "escalated", role=fallback, reason=reason)
        change.record("Escalated", reason=reason, to_role=fallback)
    change.set(state="pending" if _somebody_can(change) else "blocked")
    arm(change)


def _somebody_can(change: Change) -> bool:
    case = change.case
    return any(change.world.people.members(role) for role in roles_at(case, 0))
