"""Who is who: Slack people, one person behind several accounts, and the members of roles."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec


class Person(msgspec.Struct, frozen=True, kw_only=True):
    user_id: str
    name: str = ""
    email: str = ""
    zone: str = ""  # IANA time zone, as they set it in Slack
    is_bot: bool = False
    is_guest: bool = False
    is_foreign: bool = False  # of another workspace: a guest here
    deleted: bool = False
    enterprise_id: str = ""  # in an Enterprise Grid: the same person's id in the whole organization
    known_as: tuple[str, ...] = ()  # keys this person had earlier in a case's life; only in that case's view of people

    @property
    def account(self) -> str:
        return self.enterprise_id or self.user_id

    @property
    def key(self) -> str:
        """Several accounts with one e-mail are one person."""
        return self.email.casefold() or self.account

    @property
    def keys(self) -> frozenset[str]:
        """Whoever shares one of these is the same person, whatever happened to addresses since."""
        return frozenset((self.key, self.account, *self.known_as))

    @property
    def may_decide(self) -> bool:
        return not (self.is_bot or self.is_guest or self.deleted)


class Deputy(msgspec.Struct, frozen=True, kw_only=True):
    """`to` acts for `of` in these roles at this moment (DE7); both are Slack user ids."""

    of: str
    to: str
    roles: frozenset[str]


class People(msgspec.Struct, frozen=True, kw_only=True):
    """A snapshot of the directory. `roles` maps a role to user ids, `channels` a channel name to its Slack id."""

    persons: Mapping[str, Person] = {}
    roles: Mapping[str, frozenset[str]] = {}
    deputies: tuple[Deputy, ...] = ()  # delegations that hold now; one level, never passed on
    channels: Mapping[str, str] = {}
    groups: Mapping[str, str] = {}  # role -> user group id, for showing, never for rights
    workspace_url: str = ""  # where permalinks begin

    def find(self, user_id: str) -> Person:
        """A person nobody knows is somebody without any right, not an error."""
        return self.persons.get(user_id) or Person(user_id=user_id)

    def roles_of(self, user_id: str) -> frozenset[str]:
        """Roles of this account and of the same person's other accounts; none for who may not decide."""
        person = self.find(user_id)
        if not person.may_decide:
            return frozenset()

        def same(other: Person) -> bool:
            return other.key == person.key or other.account == person.account

        return frozenset(role for role, users in self.roles.items() if any(same(self.find(u)) for u in users))

    def members(self, role: str) -> tuple[Person, ...]:
        """Those of the role who may decide, ordered by name, each person once."""
        found = {p.key: p for u in self.roles.get(role, frozenset()) if (p := self.find(u)).may_decide}
        return tuple(sorted(found.values(), key=lambda p: (p.name, p.user_id)))

    def deputies_in(self, role: str) -> tuple[tuple[Person, Person], ...]:
        """(who acts, for whom) in a role, of those known who may decide; only for who holds the role themselves."""
        found = []
        for deputy in self.deputies:
            acts, absent = self.find(deputy.to), self.find(deputy.of)
            known = deputy.to in self.persons and acts.may_decide
            if role in deputy.roles and known and role in self.roles_of(deputy.of):
                found.append((acts, absent))
        return tuple(found)
