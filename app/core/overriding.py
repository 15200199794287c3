"""Lifting a guardrail: two people of the role the policy names, each with a written reason (GU3)."""

from __future__ import annotations

from app.core.case import OVERRIDERS, Note, Override
from app.core.change import Change
from app.core.errors import Refused
from app.core.findings import Finding
from app.core.messages import OverrideGuardrail
from app.core.stages import check_not_author, on_the_other_side, role_names
from app.core.surfaces import refresh

REASON_LIMIT = 3_000


def override(change: Change, command: OverrideGuardrail) -> None:
    """Counts for exactly the text that was seen; it approves nothing, so the stages still have to be passed."""
    case = change.case
    if command.seen != case.request_hash:
        raise Refused("draft_changed", "This case changed since you opened it; look at the text as it is now.")
    findings = check(change, command.user)
    reason = command.reason.strip()[:REASON_LIMIT]
    if not reason:
        raise Refused("reason_missing", "Say why the guardrail is wrong about this text.")
    rules = tuple(dict.fromkeys((f.rule_id, f.rule_version) for f in findings))
    word = Override(
        user=command.user,
        person=change.world.people.find(command.user).key,
        rules=rules,
        reason=reason,
        request_hash=case.request_hash,
        at=change.now,
    )
    change.set(overrides=(*case.overrides, word))
    change.note(Note(user=command.user, text=reason, at=change.now, kind="override"))
    change.record(
        "GuardrailOverridden",
        reason=reason,
        rules=[rule for rule, _ in rules],
        lifted=sorted(rule for rule, _ in change.case.lifted),
        people_needed=OVERRIDERS,
    )
    refresh(change)


def check(change: Change, user: str) -> tuple[Finding, ...]:
    """The findings this person may lift; Refused with the reason where there are none."""
    case, people = change.case, change.world.people
    person = people.find(user)
    if not person.may_decide:
        raise Refused("not_allowed", "Guests, bots and deactivated accounts cannot decide here.")
    if not case.blocking:
        raise Refused("not_blocked", "No guardrail blocks this text, so there is nothing to override.")
    if case.sendable_draft is None:
        raise Refused("no_draft", "There is no text here that may be sent: write the reply instead.")
    hard = tuple(f for f in case.blocking if not f.overridable_by)
    if hard:
        ids = ", ".join(dict.fromkeys(f.rule_id for f in hard))
        raise Refused("not_overridable", f"Nobody may override {ids}: edit the text, or write the reply.")
    held = people.roles_of(user)
    mine = tuple(f for f in case.blocking if f.overridable_by in held)
    if not mine:
        wanted = tuple(dict.fromkeys(f.overridable_by for f in case.blocking if f.overridable_by))
        names = role_names(wanted, change.world.policy)
        raise Refused("not_in_role", f"Overriding this guardrail takes someone from {names}; you are not in it.")
    if conflict := on_the_other_side(case, person, people):
        raise Refused("own_submission", conflict)
    check_not_author(case, user, people)
    known = (o for o in case.overrides if o.request_hash == case.request_hash)
    if any(person.keys & {o.person, *people.find(o.user).keys} for o in known):
        raise Refused("already_signed", "You gave your word already; a second person has to give theirs.")
    return mine
