"""What people decide: approve, edit, write, reject, sign off, decline, undo (DE1-DE5, SL4-SL7, SL15)."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from app.core.advice import ask_for_draft
from app.core.asking import open_case
from app.core.assessing import scan_and_assess
from app.core.case import Approval, Case, Draft, Note
from app.core.change import Change
from app.core.claiming import check_free
from app.core.effects import DirectMessage, HelpdeskNote
from app.core.ending import approve_finally, callback, end, reopen_for_people
from app.core.errors import Refused
from app.core.findings import Finding
from app.core.guards.normalise import as_it_looks
from app.core.messages import Approve, ByPerson, Decline, Edit, Reject, SignOff, Undo, WriteReply
from app.core.pausing import check_not_paused, is_paused
from app.core.scanning import blocked, scan_reply
from app.core.stages import (
    check_can_approve,
    check_not_author,
    check_open_role,
    check_rights,
    check_room,
    complete,
    open_roles,
    stands_for,
    submitter_account,
)
from app.core.surfaces import (
    close_signoffs,
    let_in_fallback,
    refresh,
    request_signoffs,
    show_rest_of_draft,
    tell,
)
from app.core.timing import arm

TEXT_LIMIT = 20_000
FEEDBACK_LIMIT = 3_000
LOOP = 2  # drafts rejected in a row: a person writes now (AI5)


def approve(change: Change, command: Approve) -> None:
    case = change.case
    role = _check(change, command)
    check_open_role(case, role, change.world.policy)
    draft = check_approvable(change, command.user)
    if case.assessed.must_edit and draft.author == "ai":
        raise Refused("must_edit", "This reply has to be edited by a person before it can go out.")
    _check_checklist(change, command.checklist)
    check_room(case)
    change.record("Approved", draft_version=draft.version, role=role, checklist=list(command.checklist))
    _sign(change, command.user, role, "approve")


def check_approvable(change: Change, user: str) -> Draft:
    """The text this person may approve as it stands; Refused with the reason otherwise."""
    case = change.case
    check_can_approve(case, user, change.world.people)
    check_not_author(case, user, change.world.people)
    draft = case.sendable_draft
    if draft is None:
        raise Refused("no_draft", "There is no text here that may be sent: write the reply instead.")
    check_not_paused(change, draft)
    _check_not_blocked(change)
    return draft


def edit(change: Change, command: Edit) -> None:
    case = change.case
    _check(change, command, any_step=True)
    if case.sendable_draft is None:
        raise Refused("no_draft", "There is no text here to edit: write the reply instead.")
    check_not_paused(change, case.sendable_draft)
    _check_text(change, command.text)
    _replace_text(change, command, "edit", before=case.sendable_draft.text)


def write(change: Change, command: WriteReply) -> None:
    _check(change, command, any_step=True)
    _check_text(change, command.text)
    _replace_text(change, command, "write", before="")


def reject(change: Change, command: Reject) -> None:
    case = change.case
    role = _check(change, command, any_step=True)
    draft = case.draft
    if command.then != "hand_back":
        if draft is None:
            raise Refused("no_draft", "There is no draft to reject: write the reply, or hand the case back.")
        if draft.version in case.rejected_versions:
            raise Refused("already_rejected", "This draft was rejected already.")
    text = command.text.strip()[:FEEDBACK_LIMIT]
    change.note(Note(user=command.user, text=text, at=change.now, kind="feedback"))
    change.record(
        "Rejected",
        reason=text,
        category=command.category,
        then=command.then,
        role=role,
        draft_version=draft.version if draft else 0,
    )
    if submitter := submitter_account(case, change.world.people):
        data = {"by": command.user, "category": command.category, "text": text, "then": command.then}
        change.send(DirectMessage(user=submitter, kind="feedback", data=data))
    if command.then == "hand_back":
        note = f"Reply rejected ({command.category}): {text}" if text else f"Reply rejected ({command.category})."
        change.send(HelpdeskNote(text=note))
        end(change, "rejected", "rejected", by=command.user, role=role, reason=text, category=command.category)
        return
    if draft:
        change.set(rejected_versions=(*case.rejected_versions, draft.version))
    reopen_for_people(change, "The draft was rejected.")
    callback(change, "case.updated", feedback={"category": command.category, "text": text, "then": command.then})
    known = change.world.history
    known = replace(known, rejected_drafts=known.rejected_drafts + 1)
    scan_and_assess(change, known)
    open_case(change)
    open_to_ai = change.case.assessed.ai_mode == "draft_reply" and not is_paused(change.case, change.world.pauses)
    may_draft = open_to_ai and known.rejected_drafts < LOOP
    if command.then == "redraft" and change.world.model and may_draft:
        ask_for_draft(change)


def sign_off(change: Change, command: SignOff) -> None:
    case = change.case
    request = case.packet(command.packet)
    role = _check(change, command, asked=request.role if request else "")
    check_can_approve(case, command.user, change.world.people)
    check_not_author(case, command.user, change.world.people)
    check_open_role(case, role, change.world.policy)
    check_not_paused(change, case.draft)
    _check_not_blocked(change)
    change.record("SignedOff", role=role, stage=case.stage)
    _sign(change, command.user, role, "sign_off")


def decline(change: Change, command: Decline) -> None:
    role = _check(change, command)
    reason = command.reason.strip()[:FEEDBACK_LIMIT]
    if not reason:
        raise Refused("reason_missing", "Say why you decline, so that the others know what to change.")
    change.note(Note(user=command.user, text=reason, at=change.now, kind="decline"))
    change.record("Declined", reason=reason, role=role, stage=change.case.stage)
    reopen_for_people(change, "The sign-off was declined.")
    arm(change)
    refresh(change)


def undo(change: Change, command: Undo) -> None:
    """Take one's own last approval back while the reply still waits for `send_delay`."""
    case = change.case
    last = case.approvals[-1] if case.approvals else None
    if last is None or last.user != command.user:
        raise Refused("not_yours", "Only the person who decided can undo it.")
    if command.seen != case.request_hash:
        raise Refused("draft_changed", "The reply changed since; nothing was undone.")
    stages = case.assessed.stages
    stage = next((i for i, s in enumerate(stages) if s.id == last.stage), 0)
    change.set(
        approvals=case.approvals[:-1],
        stage=stage,
        state="awaiting_signoff" if stage else "pending",
        verdict=None,
    )
    change.record("Undone", reason="Taken back within the send delay.")
    arm(change)
    if stage:
        request_signoffs(change)
    refresh(change)


# --- steps they share --------------------------------------------------------------------------------------------


def _check(change: Change, command: ByPerson, *, any_step: bool = False, asked: str = "") -> str:
    """Rights first, then a claim (DE8), then the text they saw (DE1); returns the role they act in."""
    people, policy = change.world.people, change.world.policy
    role = check_rights(change.case, command.user, people, policy, any_step=any_step, asked=asked)
    check_free(change, command.user)
    if command.seen != change.case.request_hash:
        raise Refused("draft_changed", "This case changed since you opened it; look at the text as it is now.")
    change.instead_of = stands_for(change.case, command.user, role, change.world.people)
    return role


def _check_not_blocked(change: Change) -> None:
    if findings := change.case.blocking:
        raise Refused("blocked", f"A guardrail blocks this text, so it has to be edited first. {_why(findings)}")


def _check_checklist(change: Change, done: tuple[str, ...]) -> None:
    missing = [item for item in change.case.assessed.checklist if item not in done]
    if missing:
        raise Refused("checklist", f"Tick every item of the checklist: {'; '.join(missing)}.")


def check_reply(change: Change, text: str) -> None:
    """A person's text passes the same guardrails; the refusal names the reason so that it can stand at the field."""
    if not text.strip():
        raise Refused("empty_text", "Write the text that the customer will get.")
    if len(text) > TEXT_LIMIT:
        raise Refused("too_long", f"The text has {len(text):,} characters; the limit is {TEXT_LIMIT:,}.")
    found = blocked(scan_reply(change.case, text, change.world.policy.rules, "edit"))
    found += blocked(scan_reply(change.case, text, change.world.active.rules, "edit"))
    if found:
        raise Refused("guardrail", _why(found))


def _check_text(change: Change, text: str) -> None:
    check_reply(change, text)
    wanted = change.case.assessed
    own_words = wanted.must_edit or wanted.ai_mode == "summarize_only" or is_paused(change.case, change.world.pauses)
    if own_words and is_ai_text(change.case, text):
        raise Refused("unchanged", "Change the text: here the AI's own words may not go out.")


def _why(findings: tuple[Finding, ...]) -> str:
    reasons = dict.fromkeys(f.reason.rstrip(" .") or f"Rule {f.rule_id} blocks this" for f in findings)
    return "".join(f"{reason}. " for reason in reasons).rstrip()


def _replace_text(change: Change, command: Edit | WriteReply, kind: Literal["edit", "write"], *, before: str) -> None:
    """A new draft version: earlier approvals are void, and it counts as this person's own approval where they may."""
    case = change.case
    people = change.world.people
    check_on_this_side(change, command.user)
    check_room(case)
    draft = Draft(
        version=(case.draft.version if case.draft else 0) + 1,
        author="human",
        author_id=command.user,
        text=command.text,
    )
    reason = "The text was edited." if kind == "edit" else "A new reply was written."
    reopen_for_people(change, reason)
    findings = scan_reply(change.case, draft.text, change.world.policy.rules, f"draft:{draft.version}")
    change.set(drafts=(*case.drafts, draft), findings=(*case.findings, *findings))
    held = people.roles_of(command.user)
    at_first = open_roles(change.case, 0)
    lent = (r for r in at_first if stands_for(change.case, command.user, r, people))
    role = next((r for r in at_first if r in held), "") or next(lent, "")
    if role:  # it counts at the first step, whatever role opened the form to them
        change.instead_of = stands_for(change.case, command.user, role, people)
    change.record(
        "Edited" if kind == "edit" else "ReplyWritten",
        draft_version=draft.version,
        before=before,
        after=draft.text,
        checklist=list(command.checklist),
    )
    arm(change)
    if not role:
        show_rest_of_draft(change)
        refresh(change)
        return
    _check_checklist(change, command.checklist)
    _sign(change, command.user, role, kind)
    if not change.case.verdict:
        show_rest_of_draft(change)


def check_on_this_side(change: Change, user: str) -> None:
    """Editing is approving: who asked for the reply cannot do it by way of an edit."""
    case = change.case
    check_can_approve(replace(case, approvals=()), user, change.world.people)


def _sign(change: Change, user: str, role: str, kind: Literal["approve", "edit", "write", "sign_off"]) -> None:
    """Count one person's approval and go on: next person, next stage, or out."""
    case = change.case
    stage = case.current_stage
    draft = case.draft
    if stage is None or draft is None:
        raise Refused("no_stage", "Policy names nobody who could approve this; an owner has to mend it.")
    people = change.world.people
    instead_of = stands_for(case, user, role, people)
    approval = Approval(
        stage=stage.id,
        user=user,
        person=people.find(user).key,
        role=role,
        kind=kind,
        request_hash=case.request_hash,
        draft_version=draft.version,
        at=change.now,
        channel_id=change.click.channel,
        ts=change.click.ts,
        instead_of=instead_of,
        instead_of_person=people.find(instead_of).key if instead_of else "",
    )
    change.set(approvals=(*case.approvals, approval))
    if not complete(change.case, case.stage):
        change.set(state="awaiting_signoff" if case.stage else "pending")
        close_signoffs(change, keep=open_roles(change.case, case.stage))
        let_in_fallback(change)  # whoever signed just now may have been the last for the other roles too
        if case.stage:
            request_signoffs(change)
        refresh(change)
        return
    change.set(stage=case.stage + 1)
    close_signoffs(change)
    if change.case.current_stage is None:
        approve_finally(change, by=user, role=role)
        return
    change.set(state="awaiting_signoff")
    tell(change, "decided", (), by=user, kind=kind, stage=stage.id, instead_of=instead_of)
    let_in_fallback(change)
    request_signoffs(change)
    refresh(change)


def is_ai_text(case: Case, text: str) -> bool:
    """Whether an AI's draft of this case says the same, whoever hands it in now."""
    words = _folded(text)
    return bool(words) and any(draft.author == "ai" and _folded(draft.text) == words for draft in case.drafts)


def _folded(text: str) -> str:
    """For must-edit: case, spaces and punctuation do not count as an edit (SL6), nor do letters that look the same."""
    return "".join(c for c in as_it_looks(text) if c.isalnum())
