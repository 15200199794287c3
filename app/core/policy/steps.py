"""Who has to decide, in which order, and what happens while nobody does: stages and ladders, resolved for one case."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from msgspec.structs import replace

from app.core.assessment import Assessment, Route, Rung, Stage
from app.core.calendar import ALWAYS
from app.core.case import Case
from app.core.policy import riskfile
from app.core.policy.checks import GUARDED_DOMAINS, step_roles
from app.core.policy.conditions import Condition, Scope
from app.core.policy.documents import duration
from app.core.policy.model import Policy


def stages_of(policy: Policy, route: str, scopes: Sequence[Scope]) -> tuple[Stage, ...]:
    """The steps whose condition holds in any scope, in the file's order. Never none: then the fallback role decides."""
    stages = tuple(_stage(compiled.step, route) for compiled in policy.steps if _holds(compiled.condition, scopes))
    return stages or (Stage(id="fallback", roles=(policy.fallback_role,), label="Review"),)


def helper_routes(policy: Policy, route: str, scopes: Sequence[Scope]) -> tuple[Route, ...]:
    """Further packets with Write reply, never a second one in the same channel."""
    channels = {policy.roles[route].channel}
    found = []
    for compiled in policy.helpers:
        role = policy.roles[compiled.helper.role]
        if role.channel not in channels and _holds(compiled.condition, scopes):
            channels.add(role.channel)
            found.append(Route(role=role.name, channel=role.channel))
    return tuple(found)


def expires_after(policy: Policy, case: Case, now: datetime) -> float:
    """Seconds from now: the case's deadline, else the policy's time."""
    if case.deadline is not None:
        return max((case.deadline - now).total_seconds(), 0.0)
    return duration(policy.risk.expire_after).total_seconds()


def rungs_of(
    policy: Policy, ladder: riskfile.LadderName, route: str, case: Case, now: datetime, *, holding: bool
) -> tuple[Rung, ...]:
    """The ladder's rungs for this case, soonest first; a holding rung only where one may be sent."""
    whole = timedelta(seconds=expires_after(policy, case, now))
    rungs = list(policy.risk.ladders[ladder])
    if not any(rung.do == "holding" for rung in rungs) and ladder != "internal":
        rungs.append(riskfile.Rung(id="holding", after=policy.risk.holding.after, do="holding"))
    by_hours = ladder != "urgent" and policy.roles[route].calendar != ALWAYS
    resolved = [_rung(policy, rung, route, whole, by_hours) for rung in rungs if holding or rung.do != "holding"]
    return tuple(sorted(resolved, key=lambda rung: rung.after))


def timed_anew(assessment: Assessment, policy: Policy, case: Case, now: datetime) -> Assessment:
    """The same assessment with its ladder and its expiry counted from now."""
    ladder, role, holding = assessment.ladder, assessment.route.role, assessment.holding_allowed
    return replace(
        assessment,
        expire_after=expires_after(policy, case, now),
        rungs=rungs_of(policy, ladder, role, case, now, holding=holding),  # type: ignore[arg-type]
    )


def _holds(condition: Condition, scopes: Sequence[Scope]) -> bool:
    return any(condition.holds(scope) is not False for scope in scopes)


def _stage(step: riskfile.Step, route: str) -> Stage:
    roles = tuple(dict.fromkeys(route if role == "$route" else role for role in step_roles(step)))
    mode: Literal["any_of", "each", "all_of", "quorum"] = "any_of"
    if step.each:
        mode = "each"
    elif step.all_of:
        mode = "all_of"
    elif step.of:
        mode = "quorum"
    return Stage(id=step.id, roles=roles, mode=mode, quorum=max(step.quorum, 1), label=step.label)


def _rung(policy: Policy, rung: riskfile.Rung, route: str, whole: timedelta, by_hours: bool) -> Rung:
    """`by_hours` is for what calls people; the customer, the deadline and a share of it wait for no opening."""
    share = rung.after.endswith("%")
    after = whole * int(rung.after[:-1]) / 100 if share else duration(rung.after)
    target, do = _target(policy, rung, route), rung.do
    if do == "escalate" and target == route:
        do = "remind"
    elif do == "escalate" and not _may_decide(policy, target, route):
        do = "status"
    role = target if do in ("escalate", "status") else route
    return Rung(
        id=rung.id,
        after=after.total_seconds(),
        do=do,
        role=role,
        direct_message=rung.dm,
        open_hours=by_hours and not share and do != "holding",
    )


def _target(policy: Policy, rung: riskfile.Rung, route: str) -> str:
    """The role a rung leads to; the fallback role where roles.yaml names no backup or manager."""
    spec = policy.roles[route]
    match rung.to:
        case "$route":
            return route
        case "backup":
            return spec.backup or policy.fallback_role
        case "manager":
            return spec.manager or policy.fallback_role
        case role:
            return role


def _may_decide(policy: Policy, target: str, route: str) -> bool:
    """Whether a role may gain a step of the route's role: billing, legal and security stay with their own (TI1)."""
    own = policy.roles[route].domains
    if "support" in own:
        return True
    return all(d in policy.roles[target].domains for d in GUARDED_DOMAINS if d in own)
