"""The shape of roles.yaml. The published JSON Schema is made from these types, so the two cannot part."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from app.core.policy.documents import FileStruct, Name

Channel = Annotated[str, Meta(pattern="^[a-z0-9_-]{1,80}$", description="Slack channel, without #")]
Group = Annotated[str, Meta(pattern="^[a-z0-9._-]{1,80}$", description="Slack user group handle, without @")]
User = Annotated[str, Meta(pattern=r"^([UW][A-Z0-9]{2,20}|[^@\s]+@[^@\s]+)$", max_length=254)]
Address = Annotated[str, Meta(pattern=r"^[^@\s<>,;]+@[^@\s<>,;]+$", max_length=254)]
Language = Annotated[
    str,
    Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="BCP 47: en, pt-BR (quote 'no', YAML eats it)"),
]
# Not `pattern=`: msgspec frees the pattern of a text that may also be a list twice, and the process dies of it.
_SPAN = {"pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"}
Span = Annotated[str, Meta(description="From and to on a 24-hour clock: 09:00-17:30", extra_json_schema=_SPAN)]
Spans = Span | list[Span]
Domain = Literal["support", "billing", "legal", "security", "compliance", "vip", "engineering", "executive", "policy"]
Kind = Literal["agent", "lead", "specialist"]
Resolver = Literal["manager_of_initiator", "account_owner", "on_call"]


class Days(FileStruct, frozen=True, kw_only=True):
    """One span or several a day; a day left out is closed."""

    mon: Spans = []
    tue: Spans = []
    wed: Spans = []
    thu: Spans = []
    fri: Spans = []
    sat: Spans = []
    sun: Spans = []


class Hours(FileStruct, frozen=True, kw_only=True):
    """When the role's people are there. Reminders and escalations of cases that are not urgent count this time only."""

    zone: Annotated[str, Meta(min_length=1, max_length=80, description="IANA time zone: Europe/Berlin")]
    days: Days
    holidays: Annotated[
        str,
        Meta(pattern="^([A-Z]{2}(-.{1,40})?)?$", description="Country, or country and part: DE or DE-BE (quote 'NO')"),
    ] = ""
    closed: Annotated[
        list[Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$", description="A day: 2026-12-24")]],
        Meta(max_length=500, description="Further days on which nobody is there"),
    ] = []


class Role(FileStruct, frozen=True, kw_only=True):
    title: Annotated[str, Meta(min_length=1, max_length=80, description="What people read in Slack")]
    channel: Channel
    kind: Annotated[Kind, Meta(description="What the CRM's approver_role says of a decision by this role")]
    group: Annotated[Group | None, Meta(description="Its members are who may decide")] = None
    users: Annotated[list[User], Meta(max_length=500, description="Instead of a group: ids or e-mails")] = []
    resolver: Annotated[Resolver | None, Meta(description="Instead of a group: looked up for each case")] = None
    domains: Annotated[list[Domain], Meta(description="What it may decide when another role does not answer")] = []
    backup: Annotated[Name | None, Meta(description="Who gains the step when this role does not answer")] = None
    manager: Annotated[Name | None, Meta(description="Who gains it after the backup")] = None
    notify: Annotated[bool, Meta(description="False: may decide, but is never pinged")] = True
    languages: Annotated[
        list[Language], Meta(max_length=50, description="Languages this queue reads; left out: any")
    ] = []
    sees_pii: Annotated[
        bool, Meta(description="True: may look at personal data that is masked in Slack; each look is recorded")
    ] = False
    emails: Annotated[
        list[Address], Meta(max_length=50, description="Who is written to when Slack cannot be reached")
    ] = []
    hours: Annotated[Hours | None, Meta(description="Business hours; left out: 24x7")] = None


class Owners(FileStruct, frozen=True, kw_only=True):
    """Which role signs off a change to which file."""

    risk: Name
    guardrails: Name
    crm: Name
    roles: Name


class Channels(FileStruct, frozen=True, kw_only=True):
    policy_changes: Channel
    qa: Channel


class Document(FileStruct, frozen=True, kw_only=True):
    format: Annotated[Literal[1], Meta(description="Version of this file's format")]
    fallback_role: Annotated[Name, Meta(description="Asked whenever nobody of the right role can be found")]
    roles: Annotated[dict[Name, Role], Meta(min_length=1, max_length=200)]
    owners: Owners
    channels: Channels
    cohorts: Annotated[dict[Name, list[User]], Meta(description="Groups of reviewers to compare in the figures")] = {}
