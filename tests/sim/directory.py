"""Who is who while a run goes on, and who was at any time since: what the product asks, and what it is judged by."""

from __future__ import annotations

from datetime import datetime
from random import Random

from msgspec.structs import replace

from app.core.people import People, Person
from tests.make import people

AT_FIRST = people()
# A human being stays one, whatever happens to accounts and addresses.
HUMANS = {user: person.key for user, person in AT_FIRST.persons.items()}
# Those who decide most; the other roles have few cases.
BUSY = ("support_agent", "support_lead", "billing_approver", "specialist", "compliance_approver")
WHAT = ("leaves", "leaves", "joins", "deactivated", "guest", "new address", "new address", "back", "back", "all back")


def human(user: str) -> str:
    return HUMANS.get(user, user)


def held(people: People, user: str) -> frozenset[str]:
    """The roles in which this account may decide: its own, and those of the same person's other accounts."""
    person = people.persons.get(user)
    if person is None or person.is_bot or person.is_guest or person.deleted:
        return frozenset()
    accounts = {u for u, p in people.persons.items() if p.email and p.email.casefold() == person.email.casefold()}
    return frozenset(role for role, users in people.roles.items() if users & {user, *accounts})


def may_decide(people: People, one: str) -> bool:
    """Whether a human being has an account that counts at all."""
    mine = (person for user, person in people.persons.items() if human(user) == one)
    return any(not (p.is_bot or p.is_guest or p.deleted) for p in mine)


def free(people: People, roles: set[str], taken: set[str]) -> int:
    """How many human beings of these roles could decide who are not taken."""
    users = {user for role in roles for user in people.roles.get(role, frozenset())}
    return len({human(user) for user in users if held(people, user)} - taken)


class Directory:
    def __init__(self, at: datetime) -> None:
        self.now = AT_FIRST
        self.past: list[tuple[datetime, People]] = [(at, AT_FIRST)]

    def since(self, at: datetime) -> list[People]:
        """What held at `at`, and everything since."""
        before = [known for since, known in self.past if since <= at]
        return [*before[-1:], *(known for since, known in self.past if since > at)]

    def at(self, at: datetime) -> list[People]:
        """What held at that moment: several where it changed then."""
        return [
            *[known for since, known in self.past if since < at][-1:],
            *(k for since, k in self.past if since == at),
        ]

    def become(self, known: People, at: datetime) -> None:
        self.now = known
        self.past.append((at, known))

    def change(self, random: Random, at: datetime) -> str:
        """One thing happens to somebody; says what."""
        role = random.choice(BUSY)
        user = random.choice(sorted(AT_FIRST.roles[role]))
        what = random.choice(WHAT)
        person, members = self.now.persons[user], self.now.roles[role]
        known = self.now
        match what:
            case "leaves":
                known = replace(known, roles={**known.roles, role: members - {user}})
            case "joins":
                user = random.choice(sorted(HUMANS))
                known = replace(known, roles={**known.roles, role: members | {user}})
            case "deactivated":
                known = self._with(replace(person, deleted=True))
            case "guest":
                known = self._with(replace(person, is_guest=True))
            case "new address":
                known = self._with(*self._moved(user))
            case "back":
                known = self._with(AT_FIRST.persons[user])
                known = replace(known, roles={**known.roles, role: AT_FIRST.roles[role]})
            case _:
                known = AT_FIRST
        self.become(known, at)
        return f"{what}: {user}, {role}"

    def _with(self, *persons: Person) -> People:
        return replace(self.now, persons={**self.now.persons, **{p.user_id: p for p in persons}})

    def _moved(self, user: str) -> list[Person]:
        """All accounts of a human being at once: that two of them are one person is known by the address alone."""
        mine = [p for u, p in self.now.persons.items() if human(u) == human(user)]
        number = len(self.past)
        return [replace(p, email=f"{human(user).partition('@')[0]}.{number}@countersign.example") for p in mine]
