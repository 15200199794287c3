"""What the directory reads from Slack, page by page, as values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
from slack_sdk import WebClient
from slack_sdk.web import SlackResponse

from app.core.people import Person
from app.ports.errors import GiveUp, RetryLater
from app.ports.slack_errors import call

PAGE = 999
MOST_PAGES = 200
# Slack's answers where the workspace's plan, or the token, has no user groups at all.
NO_GROUPS = frozenset(
    {"missing_scope", "paid_teams_only", "paid_only", "plan_upgrade_required", "not_allowed_token_type"}
    | {"permission_denied", "unknown_method", "feature_not_enabled", "not_paid"}
)


class Channel(msgspec.Struct, frozen=True):
    id: str
    has_bot: bool


class Group(msgspec.Struct, frozen=True):
    id: str
    members: frozenset[str]


class Roster(msgspec.Struct, frozen=True):
    """Everyone of the workspace; `teams` are the workspaces they belong to, one but for Enterprise Grid."""

    persons: Mapping[str, Person]
    teams: frozenset[str]


class Groups(msgspec.Struct, frozen=True):
    """User groups by handle, without '@'. `refused` is Slack's word where the workspace has none to give."""

    by_handle: Mapping[str, Group]
    refused: str = ""


def person_of(user: Mapping[str, Any], teams: frozenset[str] | None = None) -> Person:
    """Somebody of another workspace (Slack Connect) is a guest: the e-mail they claim must never lend them a role."""
    profile, grid = user.get("profile") or {}, user.get("enterprise_user") or {}
    homes = {user.get("team_id"), *(grid.get("teams") or ())} - {None, ""}
    stranger = bool(user.get("is_stranger")) or bool(homes and teams is not None and not homes & teams)
    trusted_mail = not stranger and user.get("is_email_confirmed") is not False
    return Person(
        user_id=str(user.get("id", "")),
        name=str(profile.get("real_name") or profile.get("display_name") or user.get("name") or ""),
        email=str(profile.get("email") or "") if trusted_mail else "",
        zone=str(user.get("tz") or ""),
        is_bot=bool(user.get("is_bot")) or user.get("id") == "USLACKBOT",
        is_guest=stranger or bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
        is_foreign=stranger,
        deleted=bool(user.get("deleted")),
        enterprise_id="" if stranger else str(grid.get("id") or ""),
    )


def read_people(client: WebClient) -> Roster:
    users = list(_pages(client.users_list, "members"))
    teams = frozenset(str(u["team_id"]) for u in users if u.get("team_id"))
    return Roster({p.user_id: p for p in map(person_of, users)}, teams)


def read_person(client: WebClient, user_id: str, teams: frozenset[str]) -> Person | None:
    """None for an id Slack does not know, or does not show."""
    try:
        answer = call(client.users_info, repeatable=True, user=user_id)
    except GiveUp:
        return None
    person = person_of(answer.get("user") or {}, teams or None)
    if person.user_id in ("", user_id):
        return person
    # In an Enterprise Grid one person answers to two ids; who was asked for stays known by the id that was asked.
    return msgspec.structs.replace(person, user_id=user_id, enterprise_id=person.account)


def read_channels(client: WebClient) -> Mapping[str, Channel]:
    """Public channels, and the private ones the bot is in, by name."""
    found = _pages(client.conversations_list, "channels", types="public_channel,private_channel", exclude_archived=True)
    return {str(c["name"]): Channel(str(c["id"]), bool(c.get("is_member"))) for c in found if c.get("name")}


def read_groups(client: WebClient) -> Groups:
    try:
        answer = call(client.usergroups_list, repeatable=True, include_users=True)
    except GiveUp as exc:
        if exc.code not in NO_GROUPS:
            raise
        return Groups({}, exc.code)
    live = [g for g in answer.get("usergroups") or () if not g.get("date_delete")]
    return Groups({str(g["handle"]): Group(str(g["id"]), _members(client, g)) for g in live})


def _members(client: WebClient, group: Mapping[str, Any]) -> frozenset[str]:
    """`include_users` is honoured up to a size; a group that came without its people is asked for them."""
    if "users" in group and len(group["users"] or ()) >= int(group.get("user_count") or 0):
        return frozenset(group["users"] or ())
    answer = call(client.usergroups_users_list, repeatable=True, usergroup=str(group["id"]))
    return frozenset(answer.get("users") or ())


def read_url(client: WebClient) -> str:
    """The workspace's own address, where permalinks begin."""
    return str(call(client.auth_test, repeatable=True).get("url") or "")


def _pages(method: Callable[..., SlackResponse], key: str, **arguments: Any) -> Iterator[Mapping[str, Any]]:
    for _ in range(MOST_PAGES):
        page = call(method, repeatable=True, limit=PAGE, **arguments)
        yield from page.get(key) or ()
        arguments["cursor"] = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not arguments["cursor"]:
            return
    # Half a list would take rights and channels away without a word.
    raise RetryLater(f"Slack's list of {key} has no end", code="too_many_pages")
