"""The shape of roles.yaml. The published JSON Schema is made from these types, so the two cannot part."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from app.core.policy.documents import FileStruct, Name

Channel = Annotated[str, Meta(pattern="^[a-z0-9_-]{1,80}$", description="Slack channel, without #")]
Group = Annotated[str, Meta(pattern="^[a-z0-9._-]{1,80}$", description="Slack user group handle, without @")]
User = Annotated[str, Meta(pattern=r"^([UW][A-Z0-9]{2,20}|[^@\s]+@[^@\s]+)$", max_length=254)]
Language = Annotated[
    str,
    Meta(pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", description="BCP 47: en, pt-BR (quote 'no', YAML eats it)"),
]
Domain = Literal["support", "billing", "legal", "security", "compliance", "vip", "engineering", "executive", "policy"]
Kind = Literal["agent", "lead", "specialist"]
Resolver = Literal["manager_of_initiator", "account_owner", "on_call"]


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
