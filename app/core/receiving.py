"""Cases, messages and drafts as they come in, and what takes a case back out (IN1, IN3, IN5)."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from app.core.asking import ask_people, somebody_can
from app.core.case import AI_MODES, TIERS, UNDECIDED_STATES, Assessment, Case
from app.core.change import Change
from app.core.decisions import is_ai_text
from app.core.ending import approve_finally, callback, end, patch_crm, reopen_for_people
from app.core.errors import Refused
from app.core.messages import ReceiveCase, ReportActionResult, SubmitDraft, Supersede, Withdraw
from app.core.money import read_amount
from app.core.policy import assess
from app.core.scanning import scan_draft, scan_messages
from app.core.stages import check_room
from app.core.surfaces import let_in_fallback, open_packets, refresh, show_rest_of_draft, show_to
from app.core.timing import arm
from app.core.world import World


def receive(command: ReceiveCase, world: World) -> Change:
    """Assess the case under the policy in force and ask the right people, or let it go where nobody has to look."""
    draft = replace(command.draft, version=1, author_id="") if command.draft else None
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
    ask_people(change)
    return change


def submit_draft(change: Change, command: SubmitDraft) -> None:
    """A new draft from the caller: scanned and assessed again (upward only), approvals void."""
    case = change.case
    check_room(case)
    draft = replace(command.draft, version=(case.draft.version if case.draft else 0) + 1, author_id="")
    if is_ai_text(case, draft.text):
        draft = replace(draft, author="ai")
    reopen_for_people(change, "A new draft was submitted.")
    change.set(drafts=(*case.drafts, draft))
    change.record("DraftSubmitted", draft_version=draft.version, author=draft.author)
    _scan_and_assess(change)
    show_to(change, change.case.assessed.route.role, can_decide=True)
    let_in_fallback(change)
    change.set(state="pending" if somebody_can(change) else "blocked")
    arm(change)
    show_rest_of_draft(change)
    refresh(change)


def supersede(change: Change, command: Supersede) -> None:
    change.set(superseded_by=command.successor)
    if change.case.approvals:
        change.record("ApprovalsVoided", reason=command.reason, people=[a.user for a in change.case.approvals])
    change.record("CaseSuperseded", reason=command.reason, successor=command.successor)
    end(change, "superseded", "superseded", by=command.by, role="", reason=command.reason)


def withdraw(change: Change, command: Withdraw) -> None:
    if change.case.state in ("sending", "indeterminate") and not command.answered_elsewhere:
        raise Refused("already_decided", "The reply is on its way, so it cannot be taken back any more.")
    category = "answered_elsewhere" if command.answered_elsewhere else "withdrawn"
    reason = command.reason or (
        "The customer was answered elsewhere." if command.answered_elsewhere else "Withdrawn by who submitted it."
    )
    change.record("CaseWithdrawn", reason=reason, category=category)
    end(change, "withdrawn", "withdrawn", by=command.by, role="", reason=reason, category=category)


def report_action_result(change: Change, command: ReportActionResult) -> None:
    """A verified transaction lets a draft claim it, for that amount only; a failed or other one changes nothing."""
    case = change.case
    action = case.action
    if action is None:
        raise Refused("no_action", "This case has no requested action to report on.")
    amount, _ = read_amount(command.amount)
    same = amount is not None and amount == action.amount
    if not command.amount:
        same = action.amount is None and not action.amount_text
    verified = command.status == "succeeded" and same
    if verified:
        change.set(action=replace(action, transaction_verified=True, reference=command.reference))
    change.record("ActionResultReported", status=command.status, amount=command.amount, matches=same, verified=verified)
    if case.state in UNDECIDED_STATES and case.draft:
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
    if before is not None:
        after = _never_lower(before, after)
        same = {i: after.stages.index(s) for i, s in enumerate(before.stages) if s in after.stages}
        change.set(gained=tuple((same[i], role, instead) for i, role, instead in case.gained if i in same))
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


def _never_lower(before: Assessment, after: Assessment) -> Assessment:
    """Nobody talks a case down by rewording the reply: its tier stays, and people who were asked stay asked."""
    if TIERS.index(after.tier) >= TIERS.index(before.tier) and after.required not in ("auto", "notify"):
        return after
    return replace(before, ai_mode=max(before.ai_mode, after.ai_mode, key=AI_MODES.index))
