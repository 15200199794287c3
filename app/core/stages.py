"""Who may decide now, and when a stage is complete (DE4, DE5, DE10)."""

from __future__ import annotations

from collections.abc import Iterable

from app.core.assessment import Stage
from app.core.case import Case
from app.core.errors import Refused
from app.core.people import People, Person
from app.core.policy import Policy
from app.core.who import submitter_keys

EACH = ("each", "all_of")

ROUNDS = 100  # versions of a text, and Slack messages about it: beyond them a case can only end


def roles_at(case: Case, index: int) -> tuple[str, ...]:
    """Roles that may act on a stage: its own and those that were let in."""
    stages = case.assessed.stages
    own = stages[index].roles if index < len(stages) else ()
    return tuple(dict.fromkeys((*own, *(role for at, role, _ in case.gained if at == index))))


def submitter_account(case: Case, people: People) -> str:
    """The Slack user id under which the submitter can be told; empty when they have none."""
    submitted = case.submitted_by
    if submitted is None or submitted.slack_user:
        return submitted.slack_user if submitted else ""
    keys = submitter_keys(case, people)
    return next((p.user_id for p in people.persons.values() if p.keys & keys and p.may_decide), "")


def on_the_other_side(case: Case, person: Person, people: People) -> str:
    """Why this person stands on the asking side of the case; empty when they don't."""
    if not person.keys & submitter_keys(case, people):
        return ""
    if any(draft.author == "human" and not draft.author_id for draft in case.drafts):
        return "This reply is your own submission, so somebody else has to decide on it."
    action = case.action
    if action is None:
        return ""
    # what moves money without naming an amount is above low tier by its type
    if action.irreversible or action.amount is not None or action.amount_text or case.assessed.tier != "low":
        return "You asked for this action yourself, so somebody else has to decide on it."
    return ""


def missing_roles(case: Case, index: int) -> tuple[str, ...]:
    """Roles of an each-stage nobody answered for yet; who was let in answers for the role they stand in for."""
    stage = case.assessed.stages[index]
    missing = list(stage.roles)
    for given in case.approvals:
        stood_in = (r for r in missing if (index, given.role, r) in case.gained)
        role = given.role if given.role in missing else next(stood_in, None)
        if given.stage == stage.id and role is not None:
            missing.remove(role)
    return tuple(missing)


def open_roles(case: Case, index: int) -> tuple[str, ...]:
    """Roles whose approval the stage still lacks."""
    stages = case.assessed.stages
    if index >= len(stages) or complete(case, index):
        return ()
    roles = roles_at(case, index)
    if stages[index].mode not in EACH:
        return roles
    missing = missing_roles(case, index)
    return tuple(r for r in roles if r in missing or any((index, r, m) in case.gained for m in missing))


def needed(stage: Stage) -> int:
    return {"any_of": 1, "quorum": max(stage.quorum, 1)}.get(stage.mode, len(stage.roles))


def complete(case: Case, index: int) -> bool:
    stage = case.assessed.stages[index]
    if stage.mode in EACH:
        return not missing_roles(case, index)
    return sum(a.stage == stage.id for a in case.approvals) >= needed(stage)


def able(case: Case, role: str, people: People) -> tuple[Person, ...]:
    """Who could approve the text as it is in this role, members and their deputies: on neither side of the case yet."""
    members = {person.key: person for person in people.members(role) if not involved(case, person, people)}
    deputies = {
        acts.key: acts
        for acts, absent in people.deputies_in(role)
        if not involved(case, acts, people) and not involved(case, absent, people)
    }
    return tuple({**deputies, **members}.values())


def involved(case: Case, person: Person, people: People) -> bool:
    """Whether this person wrote the text, approved it already, or asked for it."""
    sides = wrote(case, person, people) or signed(case, person, people)
    return sides or bool(on_the_other_side(case, person, people))


def eligible(case: Case, people: People) -> tuple[Person, ...]:
    """Who is asked to act on the current stage now, each once.

    Who delegated may still act, but their deputy is asked.
    """
    return _asked_in(case, open_roles(case, case.stage), people)


def _asked_in(case: Case, roles: Iterable[str], people: People) -> tuple[Person, ...]:
    found: dict[str, Person] = {}
    for role in roles:
        here = {person.key: person for person in able(case, role, people)}
        away = {absent.key for acts, absent in people.deputies_in(role) if acts.key in here}
        found |= {key: person for key, person in here.items() if key not in away}
    return tuple(found.values())


def pingable(case: Case, people: People, policy: Policy) -> tuple[Person, ...]:
    """Of the eligible ones those whom a role of this step lets us ping: `notify` is apart from the right to decide."""
    loud = [role for role in open_roles(case, case.stage) if policy.roles[role].notify]
    return _asked_in(case, loud, people)


def signed(case: Case, person: Person, people: People) -> bool:
    """Whether this person approved already, or a deputy in their place; a new e-mail makes nobody another person."""
    return any(
        person.keys & {a.person, *people.find(a.user).keys}
        or (a.instead_of and person.keys & {a.instead_of_person, *people.find(a.instead_of).keys})
        for a in case.approvals
    )


def wrote(case: Case, person: Person, people: People) -> bool:
    """Whether the current text is this person's own."""
    draft = case.draft
    return bool(draft and draft.author_id and people.find(draft.author_id).keys & person.keys)


def unstaffed(case: Case, index: int, people: People) -> tuple[str, ...]:
    """Roles without whose approval the stage cannot end, and in which there is nobody who could give it."""
    stage = case.assessed.stages[index]
    if stage.mode in EACH:
        let_in = {r: [role for at, role, m in case.gained if (at, m) == (index, r)] for r in stage.roles}
        wanted = missing_roles(case, index)
        return tuple(r for r in wanted if not any(able(case, role, people) for role in (r, *let_in[r])))
    there = {person.key for role in roles_at(case, index) for person in able(case, role, people)}
    given = sum(a.stage == stage.id for a in case.approvals)
    return () if len(there) >= needed(stage) - given else stage.roles


def check_room(case: Case) -> None:
    if len(case.drafts) >= ROUNDS or len(case.packets) >= ROUNDS:
        raise Refused("too_many_rounds", "This case went round too often: hand it back, or let it expire.")


def check_can_go_round(case: Case) -> None:
    """As `check_room`, for what opens a case anew and may escalate it each time."""
    check_room(case)
    if len(case.escalations) >= ROUNDS:
        raise Refused("too_many_rounds", "This case went round too often: answer the ticket in the helpdesk.")


def check_rights(
    case: Case, user: str, people: People, policy: Policy, *, any_step: bool = False, asked: str = ""
) -> str:
    """The role in which `user` acts on the current stage (or on any so far); Refused with the reason otherwise.

    `asked` is the role to prefer where they could act in several; then come their own, then those lent to them.
    """
    person = people.find(user)
    if not person.may_decide:
        raise Refused("not_allowed", "Guests, bots and deactivated accounts cannot decide here.")
    wanted = tuple(
        dict.fromkeys(r for i in range(case.stage + 1) for r in roles_at(case, i))
        if any_step
        else roles_at(case, case.stage)
    )
    held = people.roles_of(user)
    own = [role for role in wanted if role in held]
    matching = [*own, *_lent(case, person, wanted, people, alone=not own)]
    if not matching:
        raise Refused("not_in_role", f"This step needs someone from {role_names(wanted, policy)}; you are not in it.")
    if asked in matching:
        return asked
    still_open = open_roles(case, case.stage)
    return next((role for role in matching if role in still_open), matching[0])


def check_sees_pii(user: str, people: People, policy: Policy) -> None:
    """Personal data is shown to the roles that roles.yaml says may see it, as it says today."""
    wanted = tuple(name for name, spec in policy.roles.items() if spec.sees_pii)
    if not people.roles_of(user) & set(wanted):
        raise Refused("no_pii", f"Only {role_names(wanted, policy)} may see what is masked here.")


def check_holds(wanted: Iterable[str], user: str, people: People, policy: Policy, doing: str) -> str:
    """The first of these roles that `user` holds; Refused otherwise. `doing` begins the sentence."""
    if not people.find(user).may_decide:
        raise Refused("not_allowed", "Guests, bots and deactivated accounts cannot decide here.")
    roles = tuple(dict.fromkeys(wanted))
    held = people.roles_of(user)
    role = next((role for role in roles if role in held), "")
    if not role:
        raise Refused("not_in_role", f"{doing} takes someone from {role_names(roles, policy)}; you are not in it.")
    return role


def _lent(case: Case, person: Person, wanted: tuple[str, ...], people: People, *, alone: bool) -> list[str]:
    """Roles in which they act for somebody else who has no part in the case; Refused if these `alone` would count."""
    lent = [(role, absent) for role in wanted for acts, absent in people.deputies_in(role) if acts.keys & person.keys]
    free = [role for role, absent in lent if not involved(case, absent, people)]
    if alone and lent and not free:
        absent = lent[0][1]
        raise Refused(
            "delegator_involved",
            f"You act for {absent.name or absent.user_id}, who has a part in this case already: "
            "somebody else has to decide on it.",
        )
    return free


def stands_for(case: Case, user: str, role: str, people: People) -> str:
    """User id of whom `user` acts for in this role; empty in their own right."""
    if role in people.roles_of(user):
        return ""
    keys = people.find(user).keys
    lent = (absent for acts, absent in people.deputies_in(role) if acts.keys & keys)
    return next((absent.user_id for absent in lent if not involved(case, absent, people)), "")


def acting_roles(user: str, people: People) -> frozenset[str]:
    """One's own roles and those in which one acts for somebody now."""
    keys = people.find(user).keys
    lent = (role for deputy in people.deputies if people.find(deputy.to).keys & keys for role in deputy.roles)
    return people.roles_of(user) | {
        role for role in lent if any(acts.keys & keys for acts, _ in people.deputies_in(role))
    }


def check_can_approve(case: Case, user: str, people: People) -> None:
    """Nobody on both sides, and nobody twice."""
    person = people.find(user)
    if conflict := on_the_other_side(case, person, people):
        raise Refused("own_submission", conflict)
    if signed(case, person, people):
        raise Refused("already_signed", "You approved an earlier step; a second person has to sign off.")


def check_open_role(case: Case, role: str, policy: Policy) -> None:
    still_open = open_roles(case, case.stage)
    if role not in still_open:
        raise Refused(
            "role_filled", f"Your role has signed already; {role_names(still_open, policy)} is still missing."
        )


def check_not_author(case: Case, user: str, people: People) -> None:
    if wrote(case, people.find(user), people):
        raise Refused("own_text", "You wrote this text, so somebody else has to approve it.")


def role_names(roles: tuple[str, ...], policy: Policy) -> str:
    specs = [(role, policy.roles.get(role)) for role in roles]
    handles = [(f"@{spec.group}" if spec.group else spec.title) if spec else role for role, spec in specs]
    return " or ".join(handles) or "a role that has no members"
