"""Whose people could hold a role for a while (DE7)."""

from __future__ import annotations

from app.core.policy.model import Policy, RoleSpec


def stand_ins(policy: Policy) -> dict[str, frozenset[str]]:
    """Of each role that decides on cases, the roles whose members could stand in: answerable for all it stands for."""
    deciding = [spec for spec in policy.roles.values() if spec.channel != policy.policy_channel]
    return {role.name: frozenset(other.name for other in deciding if _could_hold(other, role)) for role in deciding}


def _could_hold(other: RoleSpec, role: RoleSpec) -> bool:
    """Everyone here knows support; an agent is no lead and no specialist."""
    if other.name == role.name:
        return True
    stands_for = set(role.domains) - {"support"}
    return stands_for <= set(other.domains) and (role.kind == "agent" or other.kind != "agent")
