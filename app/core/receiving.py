"""Cases, messages and drafts as they come in, and what takes a case back out (IN1, IN3, IN5)."""

from __future__ import annotations

from msgspec.structs import replace

from app.core.advice import consult
from app.core.asking import open_case
from app.core.assessing import scan_and_assess
from app.core.case import UNDECIDED_STATES, Case, History
from app.core.change import Change
from app.core.decisions import is_ai_text
from app.core.ending import end, reopen_for_people
from app.core.errors import Refused
from app.core.messages import ReceiveCase, ReportActionResult, SubmitDraft, Supersede, Withdraw
from app.core.money import read_amount
from app.core.scanning import scan_draft
from app.core.stages import check_room
from app.core.submitting import check_submission
from app.core.surfaces import refresh
from app.core.who import remember_submitter
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
        second_opinion=command.second_opinion,
        said=command.said,
        action=command.action,
        context=command.context,
        submitted_by=command.submitted_by,
        identities=remember_submitter(command.submitted_by, world.people),
        cc=command.cc,
        cc_told=command.cc_told,
        callback_url=command.callback_url,
        callback_key=command.callback_key,
        deadline=command.deadline,
        metadata=command.metadata,
        created_at=world.now,
        policy_snapshot=world.active.snapshot,
        supersedes=command.supersedes,
        history=History(sentiment_falling=command.sentiment_falling, repeated_intent=command.repeated_intent),
    )
    change = Change(case, world, command.by, command.click)
    check_submission(change, command)
    change.record("CaseReceived", ticket=case.ticket.id, supersedes=case.supersedes)
    scan_and_assess(change)
    if world.model:
        consult(change)
    else:
        open_case(change)
    return change


def submit_draft(change: Change, command: SubmitDraft) -> None:
    """A new draft from the caller: scanned and assessed again (upward only), approvals void."""
    case = change.case
    check_room(case)
    draft = replace(command.draft, version=(case.draft.version if case.draft else 0) + 1, author_id="")
    if is_ai_text(case, draft.text):
        draft = replace(draft, author="ai")
    if case.state != "received":
        reopen_for_people(change, "A new draft was submitted.")
    change.set(drafts=(*case.drafts, draft), asking="")
    change.record("DraftSubmitted", draft_version=draft.version, author=draft.author)
    scan_and_assess(change)
    open_case(change)


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
