"""Who acts for whom, and whom a customer belongs to: kept beside the product, from what it was told (DE6, DE7)."""

from __future__ import annotations

from datetime import datetime
from random import Random

import msgspec

from app.core.people import People
from tests.sim.book import Violation
from tests.sim.directory import AT_FIRST, Directory, held, human

LOOKED_UP = "account_owner"  # a role of some policies: whoever looks after the customer
EVERYBODY = frozenset(AT_FIRST.roles) - {"support_ops_owner", "policy_owner", "crm_owner", "automation_owner"}
EXECUTIVE = frozenset({"executive_approver"})
# By role those whose people could hold it too, as docs/roles.md says of the shipped ones.
COULD_HOLD = {
    "support_agent": EVERYBODY,
    "support_lead": EXECUTIVE | {"billing_approver"},
    "specialist": EVERYBODY - {"support_agent"},
    "billing_approver": EXECUTIVE | {"support_lead"},
    "legal_approver": EXECUTIVE | {"compliance_approver"},
    "security_responder": EXECUTIVE | {"senior_engineer"},
    "vip_manager": EXECUTIVE,
    "compliance_approver": EXECUTIVE | {"legal_approver"},
    "senior_engineer": EXECUTIVE | {"security_responder"},
    "executive_approver": EXECUTIVE,
}
OWNED_BY = {
    "cust-48213": ("UVIP1",),
    "cust-48377": ("UAGENT1", "uspec2@countersign.example"),  # the first of them often asked for it
    "cust-48590": (),
    "cust-48611": ("nobody@elsewhere.example",),
    "cust-48702": ("uspec1@countersign.example",),
    "cust-48840": ("UVIP1", "UENG1"),
}


class Lent(msgspec.Struct, kw_only=True):
    """A delegation that was accepted. `until` moves forward when somebody ends it."""

    of: str
    to: str
    roles: frozenset[str]
    since: datetime
    until: datetime
    begun: bool = False  # the open cases were handed over
    over: bool = False
    notices: list[str] = []  # who was told of it, as often as they were


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """What one account may act as at a moment: in its own right, and in whose place by role."""

    own: frozenset[str]
    lent: tuple[tuple[str, str], ...]  # role, human being

    @property
    def roles(self) -> frozenset[str]:
        return self.own | {role for role, _ in self.lent}


class Lending:
    def __init__(self, directory: Directory) -> None:
        self.directory = directory
        self.all: list[Lent] = []

    def note(self, of: str, to: str, since: datetime, until: datetime) -> Lent:
        """The roles of the one that the other could hold."""
        people = self.directory.now
        theirs = held(people, to)
        roles = frozenset(r for r in held(people, of) & set(COULD_HOLD) if theirs & (COULD_HOLD[r] | {r}))
        lent = Lent(of=of, to=to, roles=roles, since=since, until=until, notices=[to])
        self.all.append(lent)
        return lent

    def begins(self, lent: Lent) -> None:
        lent.begun = True
        lent.notices.append(lent.to)

    def ends(self, lent: Lent, at: datetime) -> None:
        """By the clock or by hand: what had not begun ends in silence, but for who heard of it."""
        if lent.since <= at:
            lent.notices += [lent.of, lent.to]
        lent.until = min(lent.until, at)
        lent.over = True

    def check(self, lent: Lent) -> None:
        """One level, to somebody else, who could hold such a role (DE7)."""
        of, to = human(lent.of), human(lent.to)
        name = f"{lent.of} delegated to {lent.to}"
        if of == to or not lent.roles:
            raise Violation(f"{name}, who cannot act in their place.")
        for other in self.all:
            if other is lent or other.until <= lent.since or lent.until <= other.since:
                continue
            if human(other.of) in (of, to) or human(other.to) == of:
                raise Violation(f"{name} while {other.of} delegates to {other.to}: it would be passed on.")

    def now(self, at: datetime) -> list[Lent]:
        return [lent for lent in self.all if lent.since <= at < lent.until]

    def acting(self, people: People, user: str, at: datetime) -> Acting:
        own = held(people, user)
        person = people.persons.get(user)
        if person is None or person.is_bot or person.is_guest or person.deleted:
            return Acting(own=own, lent=())
        mine = [lent for lent in self.now(at) if human(lent.to) == human(user)]
        lent = ((role, human(one.of)) for one in mine for role in one.roles & held(people, one.of))
        return Acting(own=own, lent=tuple(sorted(set(lent))))

    def deputies(self, role: str) -> list[str]:
        """Who acts, or once acted, in this role for somebody."""
        return sorted({lent.to for lent in self.all if role in lent.roles})


def a_pair(random: Random, people: People, role: str = "") -> tuple[str, str]:
    """Who delegates, and to whom: mostly somebody who could, and has no such role themselves."""
    if role not in COULD_HOLD:
        role = random.choice(("billing_approver", "billing_approver", "support_agent", "support_agent", *COULD_HOLD))
    members = sorted(people.roles[role]) or sorted(AT_FIRST.roles[role])
    able = sorted({user for other in COULD_HOLD[role] for user in people.roles[other]} - set(members))
    draw = random.random()
    others = able if able and draw < 0.75 else members if draw < 0.9 else sorted(AT_FIRST.persons)
    return random.choice(members), random.choice(others)


def owners_of(customer: str) -> frozenset[str]:
    """The human beings behind the names: an address is the one somebody has at first."""
    return frozenset(human(name) for name in OWNED_BY.get(customer, ()))
