"""The resolvers an installation has, by its settings."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from slack_sdk import WebClient

from app.core.policy import RoleSpec
from app.ports.errors import GiveUp, PortError
from app.ports.resolvers import Resolver, resolver_for
from app.ports.resolvers.file import FileResolver
from app.ports.resolvers.profile import SlackProfiles
from app.ports.resolvers.service import HttpResolver


def resolvers(
    client: WebClient, where: str, token: str = "", manager_field: str = "", allowed_hosts: Collection[str] = ()
) -> tuple[Resolver, ...]:
    """What is asked first stands first: your own file or service, then Slack's profiles. Raises Misconfigured."""
    found: list[Resolver] = []
    if "://" in where:
        found.append(HttpResolver(where, token, allowed_hosts))
    elif where:
        found.append(FileResolver(Path(where)))
    if manager_field.strip():
        found.append(SlackProfiles(client, manager_field))
    return tuple(found)


def resolver_problems(roles: Mapping[str, RoleSpec], available: tuple[Resolver, ...]) -> list[str]:
    """Dynamic roles that nobody can look up, each a sentence for who sets things up."""
    return [
        f"Role {name}: nothing is set up that knows {spec.resolver}, so its fallback is always asked;"
        " set COUNTERSIGN_RESOLVER"
        for name, spec in roles.items()
        if spec.resolver and resolver_for(spec.resolver, available) is None
    ]


def profile_problems(roles: Mapping[str, RoleSpec], available: tuple[Resolver, ...]) -> list[str]:
    """As `resolver_problems`, asking Slack whether its profiles have the field."""
    used = [resolver_for(spec.resolver, available) for spec in roles.values() if spec.resolver]
    profiles = next((resolver for resolver in used if isinstance(resolver, SlackProfiles)), None)
    try:
        if profiles is not None:
            profiles.field()
    except GiveUp as error:
        return [str(error)]
    except PortError:
        return []  # Slack is busy: that says nothing of its profiles
    return []
