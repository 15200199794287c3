"""What keeps roles from working, each a sentence for who set them up. It names Slack ids, never a name or address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

from app.core.people import People, Person
from app.ports.directory_read import Channel, Groups, Roster

MOST_NAMED = 10


class Source(Protocol):
    """As `RoleSource`."""

    @property
    def group(self) -> str: ...
    @property
    def users(self) -> tuple[str, ...]: ...
    @property
    def dynamic(self) -> bool: ...
    @property
    def channel(self) -> str: ...


def member_problem(role: str, source: Source, roster: Roster, groups: Groups, people: People) -> str:
    """Of a role's people: nobody there, or somebody named who cannot decide; the others can, whatever is said."""
    if source.dynamic:
        return ""
    if source.group and source.group not in groups.by_handle:
        if groups.refused:
            return (
                f"Role {role}: this workspace gives the app no user groups ({groups.refused}); they need a paid"
                f" Slack plan and the scope usergroups:read. List its people under users: in roles.yaml"
            )
        return f"Role {role}: the user group @{source.group} does not exist or is disabled"
    unable = list(_unable(role, source, roster, groups, people))
    named = ", ".join(unable[:MOST_NAMED]) + (f" and {len(unable) - MOST_NAMED} more" if unable[MOST_NAMED:] else "")
    where = f"the user group @{source.group}" if source.group else "its users: list"
    if not people.members(role):
        said = f" ({named})" if named else ""
        return f"Role {role} has no member who may decide{said}; add full members of the workspace to {where}"
    return f"Role {role}: {named} cannot decide; take them out of {where}" if named else ""


def channel_problem(role: str, source: Source, channels: Mapping[str, Channel]) -> str:
    if not source.channel:
        return ""
    channel = channels.get(source.channel)
    if channel is None:
        return (
            f"#{source.channel}, the channel of role {role}, does not exist, is archived,"
            f" or is private without the bot in it"
        )
    return "" if channel.has_bot else f"#{source.channel}: the bot is not in it; type /invite there"


def _unable(role: str, source: Source, roster: Roster, groups: Groups, people: People) -> Iterator[str]:
    for user in sorted(people.roles.get(role, frozenset())):
        if why := _why(people.find(user)):
            yield f"{user} ({why})"
    known = {name.casefold() for p in roster.persons.values() for name in (p.user_id, p.account, p.email) if name}
    group = groups.by_handle.get(source.group)
    for user in sorted(group.members if group else ()):
        if user.casefold() not in known:
            yield f"{user} (not shown by Slack)"
    for number, name in enumerate(source.users, start=1):
        if name and name.casefold() not in known:
            yield f"{f'entry {number}' if '@' in name else name} (not in this workspace)"


def _why(person: Person) -> str:
    kinds = {
        "deactivated": person.deleted,
        "a bot": person.is_bot,
        "of another workspace": person.is_foreign,
        "a guest": person.is_guest,
    }
    return next((kind for kind, applies in kinds.items() if applies), "")
