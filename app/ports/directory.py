"""Who is who in the workspace: people, members of user groups, channels. Read from Slack, kept for a bounded time.

`snapshot` never waits for the network. What Slack answered last is used for at most `max_age`; after that nobody has
any role until Slack can be read again.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping

import msgspec
from slack_sdk import WebClient

from app.core.people import People, Person
from app.ports.directory_problems import channel_problem, member_problem
from app.ports.directory_read import (
    Channel,
    Groups,
    Roster,
    read_channels,
    read_groups,
    read_people,
    read_person,
    read_url,
)
from app.ports.errors import PortError

TTL = 30.0
SLOW_TTL = 300.0  # people and channels: many pages, and nobody's rights hang on them within minutes
MAX_AGE = 3600.0
MOST_UNKNOWN = 50

log = logging.getLogger("countersign.directory")


class RoleSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where a role's people come from: a user group's handle, or listed users (ids or e-mails), or a resolver.

    `channel` is the name of its queue, without '#'; empty where it has none.
    """

    group: str = ""
    users: tuple[str, ...] = ()
    dynamic: bool = False
    channel: str = ""


class _Read(msgspec.Struct, frozen=True):
    roster: Roster
    channels: Mapping[str, Channel]
    groups: Groups
    url: str


def _in_thread(work: Callable[[], None]) -> None:
    threading.Thread(target=work, name="directory", daemon=True).start()


class SlackDirectory:
    def __init__(
        self,
        client: WebClient,
        roles: Mapping[str, RoleSource],
        *,
        clock: Callable[[], float] = time.monotonic,
        ttl: float = TTL,
        slow_ttl: float = SLOW_TTL,
        max_age: float = MAX_AGE,
        background: Callable[[Callable[[], None]], None] = _in_thread,
    ) -> None:
        self._client = client
        self._roles = dict(roles)
        self._clock = clock
        self._ttl, self._slow_ttl, self._max_age = ttl, slow_ttl, max_age
        self._background = background
        self._reading = threading.Lock()  # one reader of Slack at a time
        self._publishing = threading.Lock()
        self._read: _Read | None = None
        self._bound: dict[str, str] = {}
        self._people = People()
        self._problems: tuple[str, ...] = ()
        self._fault = ""
        self._read_at = self._slow_at = self._tried_at = float("-inf")

    def load(self) -> People:
        """Reads everything anew, waiting for it. Raises RetryLater or GiveUp, and then keeps what it had."""
        return self._refresh(everything=True)

    def snapshot(self) -> People:
        """What is known, at once; asks for fresh facts in the background when the last are older than `ttl`."""
        now = self._clock()
        if now - self._tried_at >= self._ttl:
            self._tried_at = now
            self._background(self._refresh_quietly)
        if now - self._read_at > self._max_age:
            return msgspec.structs.replace(self._people, roles={})
        return self._people

    def use(self, roles: Mapping[str, RoleSource]) -> None:
        """Other roles, from a newly active policy, over the facts already read."""
        with self._publishing:
            self._roles = dict(roles)
        self._publish()

    def bind(self, channels: Mapping[str, str]) -> None:
        """Channel ids that names stood for in an earlier run: whoever renames a channel takes no case astray."""
        with self._publishing:
            self._bound = dict(channels)
        self._publish()

    def bound(self) -> Mapping[str, str]:
        """The channel each role's name stands for: found by name once, by id ever after while that channel is there."""
        return dict(self._bound)

    def ensure(self, user_id: str) -> Person:
        """The person behind an id; a network call for one nobody knows. Raises RetryLater."""
        known = self._people.persons.get(user_id)
        if known is not None:
            return known
        with self._reading:
            read = self._read
            person = read and read_person(self._client, user_id, read.roster.teams)
            if not read or not person:
                return Person(user_id=user_id)
            self._read = msgspec.structs.replace(read, roster=_with(read.roster, (person,)))
            self._publish()
            return person

    def problems(self) -> list[str]:
        """What keeps roles from working, each a sentence for who set them up."""
        found = list(self._problems)
        if self._clock() - self._read_at > self._max_age:
            found.append("Slack's directory could not be read for too long: nobody holds a role until it can be")
        elif self._fault:
            found.append(f"Slack's directory could not be refreshed: {self._fault}")
        return found

    # --- within --------------------------------------------------------------------------------------------------

    def _refresh_quietly(self) -> None:
        known = self._problems
        try:
            self._refresh(everything=False)
        except PortError as exc:
            log.warning("directory not refreshed: %s", exc)
        for problem in self._problems:
            if problem not in known:
                log.warning("%s", problem)

    def _refresh(self, *, everything: bool) -> People:
        with self._reading:
            self._tried_at = self._clock()
            try:
                self._read = self._read_slack(everything)
            except PortError as exc:
                self._fault = str(exc)
                raise
            self._fault = ""
            self._read_at = self._clock()
            self._publish()
            return self._people

    def _read_slack(self, everything: bool) -> _Read:
        """All or nothing: a fault in the middle leaves what was known as it was."""
        now, old = self._clock(), self._read
        slow = old is None or everything or now - self._slow_at >= self._slow_ttl
        if old is None or slow:
            url = read_url(self._client)
            roster, channels = read_people(self._client), read_channels(self._client)
        else:
            # Where a role's channel cannot be used somebody may be mending just that.
            known = _by_role_names(self._roles, old.channels, self._bound)
            broken = any(channel_problem(r, s, known) for r, s in self._roles.items())
            url, roster, channels = old.url, old.roster, read_channels(self._client) if broken else old.channels
        groups = read_groups(self._client)
        unknown = {u for g in groups.by_handle.values() for u in g.members} - roster.persons.keys()
        asked = [read_person(self._client, u, roster.teams) for u in sorted(unknown)[:MOST_UNKNOWN]]
        if slow:
            self._slow_at = now
        return _Read(_with(roster, [p for p in asked if p]), channels, groups, url)

    def _publish(self) -> None:
        with self._publishing:
            read, roles = self._read, self._roles
            if read is None:
                return
            handles = read.groups.by_handle
            channels = _by_role_names(roles, read.channels, self._bound)
            named = {s.channel for s in roles.values()} & channels.keys()
            self._bound = {**self._bound, **{name: channels[name].id for name in named}}
            people = People(
                persons=read.roster.persons,
                roles={r: _users(s, read) for r, s in roles.items() if s.group or s.users},
                channels={name: c.id for name, c in channels.items()},
                groups={r: handles[s.group].id for r, s in roles.items() if s.group in handles},
                workspace_url=read.url,
            )
            found = [member_problem(r, s, read.roster, read.groups, people) for r, s in roles.items()]
            found += [channel_problem(r, s, channels) for r, s in roles.items()]
            found += [_renamed(name, channels[name], read.channels) for name in sorted(named)]
            self._people = people
            # Several roles may share one channel, and so its fault.
            self._problems = tuple(dict.fromkeys(p for p in found if p))


def _by_role_names(
    roles: Mapping[str, RoleSource], channels: Mapping[str, Channel], bound: Mapping[str, str]
) -> Mapping[str, Channel]:
    """Channels by name, those of roles by what their name meant at first, wherever that channel still exists."""
    by_id = {c.id: c for c in channels.values()}
    kept = {s.channel: by_id[bound[s.channel]] for s in roles.values() if bound.get(s.channel) in by_id}
    return {**channels, **kept}


def _renamed(name: str, channel: Channel, channels: Mapping[str, Channel]) -> str:
    now = next((other for other, c in channels.items() if c.id == channel.id), name)
    return "" if now == name else f"#{name} of roles.yaml is called #{now} in Slack by now; its cases still go there"


def _with(roster: Roster, persons: Iterable[Person]) -> Roster:
    return Roster({**roster.persons, **{p.user_id: p for p in persons}}, roster.teams)


def _users(source: RoleSource, read: _Read) -> frozenset[str]:
    """User ids of a role, of people Slack shows us. A listed e-mail stands for every account that has it, and in an
    Enterprise Grid the organization's id for the workspace's own."""
    group = read.groups.by_handle.get(source.group)
    listed = {u.casefold() for u in source.users if u}
    members = group.members if group else frozenset()
    return frozenset(
        u
        for u, p in read.roster.persons.items()
        if u in members or p.account in members or listed & {u.casefold(), p.account.casefold(), p.email.casefold()}
    )
