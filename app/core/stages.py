"""Who may decide now, and when a stage is complete (DE4, DE5, DE10)."""

from __future__ import annotations

from app.core.case import Case, Stage
from app.core.errors import Refused
from app.core.people import People, Person
from app.core.policy import Policy


def roles_at(case: Case, index: int) -> tuple[str, ...]:
    """Roles that may act on a stage: its own and those an escalation let in."""
    stages = case.assessed.stages
    own = stages[index].roles if index < len(stages) else ()
    return tuple(dict.fromkeys((*own, *(role for at, role in case.gained if at == index))))


def submitter_key(case: Case, people: People) -> str:
    """The person who submitted the case, as `Person.key`; empty for an agent or nobody."""
    submitted = case.submitted_by
    if submitted is None:
        return ""
    if submitted.slack_user:
        return people.find(submitted.slack_user).key
    return submitted.email.casefold()


def on_the_other_side(case: Case, person: Person, people: People) -> str:
    """Why this person stands on the asking side of the case; empty when they don't."""
    if submitter_key(case, people) != person.key:
        return ""
    draft = case.draft
    if draft and draft.author == "human" and not draft.author_id:
        return "This reply is your own submission, so somebody else has to decide on it."
    action = case.action
    if action and (action.irreversible or action.amount is not None or action.amount_text):
        return "You asked for this action yourself, so somebody else has to decide on it."
    return ""


def open_roles(case: Case, index: int) -> tuple[str, ...]:
    """Roles whose approval the stage still lacks."""
    stages = case.assessed.stages
    if index >= len(stages):
        return ()
    stage = stages[index]
    given = [a for a in case.approvals if a.stage == stage.id]
    if len(given) >= needed(stage):
        return ()
    once_each = {a.role for a in given} if stage.mode in ("each", "all_of") else set()
    return tuple(role for role in roles_at(case, index) if role not in once_each)


def needed(stage: Stage) -> int:
    return {"any_of": 1, "quorum": max(stage.quorum, 1)}.get(stage.mode, len(stage.roles))


def complete(case: Case, index: int) -> bool:
    stage = case.assessed.stages[index]
    return sum(a.stage == stage.id for a in case.approvals) >= needed(stage)


def eligible(case: Case, people: People) -> tuple[Person, ...]:
    """People who can act on the current stage now, each once: the only ones a reminder may mention."""
    taken = {a.person for a in case.approvals}
    draft = case.draft
    author = people.find(draft.author_id).key if draft and draft.author_id else ""
    found = {
        person.key: person
        for role in open_roles(case, case.stage)
        for person in people.members(role)
        if person.key not in taken and person.key != author and not on_the_other_side(case, person, people)
    }
    return tuple(found.values())


def check_rights(case: Case, user: str, people: People, policy: Policy, *, any_step: bool = False) -> str:
    """The role in which `user` acts on the current stage (or on any so far); Refused with the reason otherwise."""
    person = people.find(user)
    if not person.may_decide:
        raise Refused("not_allowed", "Guests, bots and deactivated accounts cannot decide here.")
    held = people.roles_of(user)
    wanted = tuple(
        dict.fromkeys(r for i in range(case.stage + 1) for r in roles_at(case, i))
        if any_step
        else roles_at(case, case.stage)
    )
    matching = [role for role in wanted if role in held]
    if not matching:
        raise Refused("not_in_role", f"This step needs someone from {_names(wanted, policy)}; you are not in it.")
    still_open = open_roles(case, case.stage)
    return next((role for role in matching if role in still_open), matching[0])


def check_can_approve(case: Case, user: str, people: People) -> None:
    """Nobody on both sides, and nobody twice."""
    person = people.find(user)
    if conflict := on_the_other_side(case, person, people):
        raise Refused("own_submission", conflict)
    if any(a.person == person.key for a in case.approvals):
        raise Refused("already_signed", "You approved an earlier step; a second person has to sign off.")


def check_open_role(case: Case, role: str, policy: Policy) -> None:
    still_open = open_roles(case, case.stage)
    if role not in still_open:
        raise Refused("role_filled", f"Your role has signed already; {_names(still_open, policy)} is still missing.")


def check_not_author(case: Case, user: str, people: People) -> None:
    draft = case.draft
    if draft and draft.author_id and people.find(draft.author_id).key == people.find(user).key:
        raise Refused("own_text", "You wrote this text, so somebody else has to approve it.")


def _names(roles: tuple[str, ...], policy: Policy) -> str:
    handles = [f"@{spec.group}" if (spec := policy.roles.get(r)) and spec.group else r for r in roles]
    return " or ".join(handles) or "a role that has no members"
