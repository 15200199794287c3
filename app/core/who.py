"""Who is who in one case: the workspace's people, seen with what the case knows about them besides.

Whoever asks who holds a role of a case, or whether two accounts are one person, asks `people_for`.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec.structs import replace

from app.core.case import Case, Submitter
from app.core.people import People, Person

Identities = tuple[tuple[str, ...], ...]


def people_for(case: Case, people: People) -> People:
    """The directory with this case's dynamic roles in it (DE6), and with everybody known by their earlier addresses.

    A directory in which nobody holds any role is one that could not be read for too long: then nobody does here either.
    """
    roles = {r.role: frozenset(u for u in r.users if u in people.persons) for r in case.resolved if people.roles}
    persons: dict[str, Person] = {}
    for key, *accounts in case.identities:
        for account in accounts:
            person = persons.get(account) or people.persons.get(account)
            if person is not None and key not in person.keys:
                persons[account] = replace(person, known_as=(*person.known_as, key))
    if roles:
        people = replace(people, roles={**people.roles, **roles})
    return replace(people, persons={**people.persons, **persons}) if persons else people


def remember(known: Identities, people: People, keys: Iterable[str]) -> Identities:
    """`known` with who these keys are today: an address that is given up later still leads to them."""
    found = ((key, *(u for u, p in people.persons.items() if key in p.keys and u != key)) for key in sorted(keys))
    return tuple(dict.fromkeys((*known, *(entry for entry in found if len(entry) > 1))))


def remember_submitter(submitted: Submitter | None, people: People) -> Identities:
    return remember((), people, stated_keys(submitted, people))


def stated_keys(submitted: Submitter | None, people: People) -> frozenset[str]:
    """By each name the submitter gave; none for an agent."""
    if submitted is None:
        return frozenset()
    by_account = people.find(submitted.slack_user).keys if submitted.slack_user else frozenset()
    return by_account | ({submitted.email.strip().casefold()} - {""})


def submitter_keys(case: Case, people: People) -> frozenset[str]:
    """Every key of the person who submitted the case: as they named themselves, and what their accounts say now."""
    stated = stated_keys(case.submitted_by, people)
    accounts = (account for key, *accounts in case.identities if key in stated for account in accounts)
    return stated.union(*(people.find(account).keys for account in accounts))


def accounts_of(named: Iterable[str], people: People) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(Slack accounts, names nobody has): an id is one account, an e-mail every account that has it today."""
    accounts: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for name in named:
        address = name.strip().casefold()
        found = [name] if name in people.persons else [u for u, p in people.persons.items() if p.key == address]
        accounts.update(dict.fromkeys(found))
        if not found:
            unknown[masked(name)] = None
    return tuple(accounts), tuple(unknown)


def masked(name: str) -> str:
    """A Slack id as it is; of an e-mail the first letter and the domain."""
    local, at, domain = name.strip().rpartition("@")
    return f"{local[:1]}…@{domain}" if at else name[:40]
