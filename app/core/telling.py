"""Who is told of a case without deciding on it: people in cc at start and end (DE7), and who submitted it."""

from __future__ import annotations

from app.core.case import Case
from app.core.change import Change
from app.core.effects import DirectKind, DirectMessage
from app.core.people import People, Person
from app.core.stages import submitter_account

MOST_TOLD = 10  # of cc


def tell_start(change: Change) -> None:
    """To everybody in cc who was not told yet, by this case or by the one it replaces."""
    case = change.case
    if not case.cc:
        return
    found, missed = cc_accounts(case, change.world.people)
    fresh = tuple(user for user in found if user not in case.cc_told)
    if not fresh and case.cc_told:
        return
    change.set(cc_told=(*case.cc_told, *fresh))
    _direct(change, fresh, "cc_opened")
    _record(change, "start", fresh, missed)


def tell_end(change: Change, by: str = "") -> None:
    """Once the case has its final state; `by` is the actor who ended it. What a successor goes on with has no end."""
    case, people = change.case, change.world.people
    if case.cc and case.state != "superseded":
        found, missed = cc_accounts(case, people)
        _direct(change, found, "cc_closed")
        _record(change, "end", found, missed)
    submitter = people.persons.get(submitter_account(case, people))
    if submitter is None or submitter.is_bot or submitter.deleted or _is(by, submitter, people):
        return
    if case.state != "rejected":  # they have the reviewer's feedback already
        _direct(change, (submitter.user_id,), "submitter_decided")


def _is(actor: str, person: Person, people: People) -> bool:
    return bool(actor) and people.find(actor.removeprefix("slack:")).key == person.key


def cc_accounts(case: Case, people: People) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Whom the cc reaches, each person once, and which of its entries (`cc[2]`) reach nobody or one too many."""
    known = {p.email.casefold(): p for p in people.persons.values() if p.email and p.may_decide}
    found: dict[str, str] = {}
    missed = []
    for place, entry in enumerate(case.cc):
        named = entry.strip().removeprefix("<").removeprefix("@").removesuffix(">")
        person = people.persons.get(named) or known.get(named.casefold())
        fits = person is not None and person.may_decide and (person.key in found or len(found) < MOST_TOLD)
        if person is not None and fits:
            found.setdefault(person.key, person.user_id)
        else:
            missed.append(f"cc[{place}]")
    return tuple(found.values()), tuple(missed)


def _direct(change: Change, users: tuple[str, ...], kind: DirectKind) -> None:
    for user in users:
        change.send(DirectMessage(user=user, kind=kind, data={"state": change.case.state}))


def _record(change: Change, what: str, people: tuple[str, ...], missed: tuple[str, ...]) -> None:
    unreached = f"; {', '.join(missed)} reach nobody we may tell" if missed else ""
    reason = f"{len(people)} in cc were told of the {what}{unreached}."
    change.record("CcTold", reason=reason, what=what, people=list(people), not_told=list(missed))
