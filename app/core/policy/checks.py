"""What a schema cannot say: names that must exist, rows that must be there, rungs that lead to the right people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import get_args

from app.core.assessment import TIERS
from app.core.errors import PolicyProblem
from app.core.policy import crmfile, riskfile, rolesfile
from app.core.policy.documents import duration
from app.core.policy.hours import hours_problems
from app.core.shape import did_you_mean

# Cases of these domains may only be decided by who is answerable for them (TI1).
GUARDED_DOMAINS = ("billing", "legal", "security")
# Each names the roles of a step in its own way.
STEP_KEYS = ("any_of", "each", "all_of", "of")
LONGEST_BURST = timedelta(hours=1)
_OUTCOMES = get_args(riskfile.Outcome)


def crm_problems(crm: crmfile.Document) -> list[PolicyProblem]:
    problems = []
    if crm.preset == "full":
        for name in crmfile.FIELDS:
            if name not in crmfile.MINIMAL and name not in crm.fields:
                problems.append(_crm(f"fields.{name}", "say which report this field serves, or take preset minimal"))
    properties: dict[str, str] = {}
    for name in crm.kept:
        target = crm.rename.get(name, name)
        if target in properties:
            problems.append(_crm(f"rename.{name}", f"{properties[target]} is written to {target} already"))
        properties[target] = name
    problems += [_crm(f"rename.{n}", "this field is not kept") for n in crm.rename if n not in crm.kept]
    return problems


def roles_problems(roles: rolesfile.Document) -> list[PolicyProblem]:
    problems: list[PolicyProblem] = []

    def known(key: str, role: str | None) -> None:
        if role is not None and role not in roles.roles:
            problems.append(_roles(key, f"unknown role {role}", did_you_mean(role, roles.roles)))

    def of_its_own(key: str, role: str, why: str) -> None:
        known(key, role)
        if role in roles.roles and roles.roles[role].resolver is not None:
            problems.append(
                _roles(key, f"{role} is looked up for each case, and {why}", "name a role with group or users")
            )

    of_its_own("fallback_role", roles.fallback_role, "the fallback role is asked when nobody is found")
    for file in ("risk", "guardrails", "crm", "roles"):
        of_its_own(f"owners.{file}", getattr(roles.owners, file), "a policy file is no case")
    for name, role in roles.roles.items():
        sources = sum((role.group is not None, bool(role.users), role.resolver is not None))
        if sources != 1:
            problems.append(
                _roles(
                    f"roles.{name}", "say who it is by exactly one of group, users, resolver", "group: support-agents"
                )
            )
        if role.hours is not None:
            problems += hours_problems(f"roles.{name}.hours", role.hours)
        for key in ("backup", "manager"):
            target = getattr(role, key)
            known(f"roles.{name}.{key}", target)
            if target == name:
                problems.append(_roles(f"roles.{name}.{key}", "a role cannot stand in for itself"))
            # Left out, the fallback role stands in.
            stand_in = target or roles.fallback_role
            if stand_in in roles.roles and stand_in != name:
                problems += _domain_problem(f"roles.{name}.{key}", role, stand_in, roles.roles[stand_in])
    return problems


def risk_problems(risk: riskfile.Document, roles: rolesfile.Document | None) -> list[PolicyProblem]:
    problems: list[PolicyProblem] = []
    sections = (("rules", risk.rules), ("handling", risk.handling), ("escalation", risk.escalation))
    problems += _unique({f"{name}[{i}].id": r.id for name, rules in sections for i, r in enumerate(rules)})
    problems += _unique({f"stages[{i}].id": s.id for i, s in enumerate(risk.stages)})
    problems += _unique({f"reject_categories[{i}].value": c.value for i, c in enumerate(risk.reject_categories)})
    problems += _threshold_problems(risk)
    for tier in TIERS:
        if tier not in risk.routes.default:
            problems.append(_risk("routes.default", f"no role for tier {tier}"))
    if "standard" not in risk.ladders or "urgent" not in risk.ladders:
        problems.append(_risk("ladders", "standard and urgent are both needed"))
    for index, step in enumerate(risk.stages):
        problems += _step_problems(f"stages[{index}]", step)
    for table, topics in (("intents", risk.intents), ("actions", risk.actions)):
        problems += [
            _risk(f"{table}.{name}.small_refund", "always_human allows no exemption", "take one of the two away")
            for name, topic in topics.items()
            if topic.small_refund and topic.always_human
        ]
    for name, rungs in risk.ladders.items():
        problems += _unique({f"ladders.{name}[{i}].id": r.id for i, r in enumerate(rungs)})
    for section, rules in sections[1:]:
        problems += [
            _risk(f"{section}[{i}].raises.tier", "this section reads the tier: raise it under rules instead")
            for i, rule in enumerate(rules)
            if rule.raises.tier is not None
        ]
    problems += _outcome_problems(risk)
    if risk.digests and not timedelta() < duration(risk.digests.within) <= LONGEST_BURST:
        problems.append(_risk("digests.within", "a burst lasts between 1s and 1h"))
    if duration(risk.holding.after) > duration(risk.expire_after):
        problems.append(_risk("holding.after", "later than expire_after: it would never be reached"))
    if roles is not None:
        problems += _role_names(risk, roles)
        problems += _urgent_problems(risk, roles)
        problems += _quorum_problems(risk, roles)
    return problems


def step_roles(step: riskfile.Step) -> tuple[str, ...]:
    """The roles of a step, however it names them."""
    return tuple(step.any_of or step.each or step.all_of or step.of)


def _step_problems(key: str, step: riskfile.Step) -> Iterable[PolicyProblem]:
    given = [name for name in STEP_KEYS if getattr(step, name)]
    if len(given) != 1:
        yield _risk(key, "say who by exactly one of any_of, each, all_of, or quorum with of")
    elif (given == ["of"]) != (step.quorum > 0):
        yield _risk(f"{key}.quorum", "quorum and of belong together", "quorum: 2 and of: [billing_approver]")


def _threshold_problems(risk: riskfile.Document) -> Iterable[PolicyProblem]:
    if risk.thresholds.band.low.intent > risk.thresholds.band.high.intent:
        yield _risk("thresholds.band.low.intent", "above the high band's: no case would be in the medium band")
    if risk.thresholds.auto.auto_from < risk.thresholds.auto.person_below:
        yield _risk("thresholds.auto.auto_from", "below person_below: the two contradict each other")


def _outcome_problems(risk: riskfile.Document) -> Iterable[PolicyProblem]:
    categories = {c.value for c in risk.reject_categories} | {"answered_elsewhere", "withdrawn"}
    for outcome in _OUTCOMES:
        rows = [r for r in risk.outcomes if r.outcome == outcome]
        if not any(r.category is None and r.route is None and r.intent is None for r in rows):
            yield _risk(
                "outcomes", f"no row for {outcome} in general", f"end with a row that has only outcome: {outcome}"
            )
    for index, row in enumerate(risk.outcomes):
        if row.outcome == "rejected" and row.category is not None and row.category not in categories:
            hint = did_you_mean(row.category, categories)
            yield _risk(f"outcomes[{index}].category", f"unknown category {row.category}", hint)
        if row.intent is not None and row.intent not in risk.intents:
            hint = did_you_mean(row.intent, risk.intents)
            yield _risk(f"outcomes[{index}].intent", f"unknown intent {row.intent}", hint)


def _role_names(risk: riskfile.Document, roles: rolesfile.Document) -> Iterable[PolicyProblem]:
    """Every role that risk.yaml names exists, and every role it routes to has its place in the precedence."""
    named: list[tuple[str, str]] = [(f"routes.precedence[{i}]", r) for i, r in enumerate(risk.routes.precedence)]
    routed = [(f"routes.default.{tier}", role) for tier, role in risk.routes.default.items()]
    for table, topics in (("intents", risk.intents), ("actions", risk.actions)):
        routed += [(f"{table}.{n}.route", t.route) for n, t in topics.items() if t.route is not None]
    for section in ("rules", "handling", "escalation"):
        found: Sequence[riskfile.Rule] = getattr(risk, section)
        routed += [(f"{section}[{i}].raises.route", r.raises.route) for i, r in enumerate(found) if r.raises.route]
    named += routed
    named += [
        (f"stages[{i}].{given}[{place}]", role)
        for i, step in enumerate(risk.stages)
        for given in STEP_KEYS
        for place, role in enumerate(getattr(step, given))
        if role != "$route"
    ]
    named += [(f"helpers[{i}].role", h.role) for i, h in enumerate(risk.helpers)]
    named += [(f"outcomes[{i}].route", o.route) for i, o in enumerate(risk.outcomes) if o.route is not None]
    for name, rungs in risk.ladders.items():
        named += [
            (f"ladders.{name}[{i}].to", rung.to)
            for i, rung in enumerate(rungs)
            if rung.to not in ("$route", "backup", "manager")
        ]
    for key, role in named:
        if role not in roles.roles:
            yield _risk(key, f"unknown role {role}", did_you_mean(role, roles.roles))
    for key, role in routed:
        if role in roles.roles and role not in risk.routes.precedence:
            yield _risk(key, f"{role} has no place in routes.precedence", "say which role goes before which")


def _urgent_problems(risk: riskfile.Document, roles: rolesfile.Document) -> Iterable[PolicyProblem]:
    """Every case of billing, legal or security is urgent, so an urgent rung must lead to who may decide on it."""
    guarded = {d for role in roles.roles.values() if not _general(role) for d in role.domains if d in GUARDED_DOMAINS}
    for index, rung in enumerate(risk.ladders.get("urgent", [])):
        target = roles.roles.get(rung.to)
        missing = sorted(guarded - set(target.domains)) if target is not None and rung.do == "escalate" else []
        if missing:
            message = f"{rung.to} may not decide on {', '.join(missing)}"
            yield _risk(f"ladders.urgent[{index}].to", message, "name backup or manager, or write do: status")


def _quorum_problems(risk: riskfile.Document, roles: rolesfile.Document) -> Iterable[PolicyProblem]:
    """As far as roles.yaml itself says how many people there are."""
    for index, step in enumerate(risk.stages):
        known = [roles.roles[role] for role in step.of if role in roles.roles]
        if step.quorum and len(known) == len(step.of) and all(role.users for role in known):
            people = {user.casefold() for role in known for user in role.users}
            if len(people) < step.quorum:
                message = f"{step.quorum} people, but {', '.join(step.of)} has only {len(people)}"
                yield _risk(f"stages[{index}].quorum", message, "name more people in roles.yaml")


def _domain_problem(key: str, role: rolesfile.Role, target: str, other: rolesfile.Role) -> Iterable[PolicyProblem]:
    """Who steps in for billing, legal or security must be answerable for it too."""
    for domain in GUARDED_DOMAINS:
        if domain in role.domains and domain not in other.domains and not _general(role):
            yield _roles(key, f"{target} may not decide on {domain}", f"name a role with domain {domain}")


def _general(role: rolesfile.Role) -> bool:
    """A role that handles a domain besides ordinary support, rather than standing for it."""
    return "support" in role.domains


def _unique(ids: Mapping[str, str]) -> Iterable[PolicyProblem]:
    """`ids` by the key they stand at, in the file's order."""
    first: dict[str, str] = {}
    for key, value in ids.items():
        if (seen := first.setdefault(value, key)) != key:
            yield _risk(
                key, f"{value} is used twice, first at {seen}", "the audit trail tells rules apart by their ids"
            )


def _crm(key: str, message: str, hint: str = "") -> PolicyProblem:
    return PolicyProblem(file="crm.yaml", key=key, message=message, hint=hint)


def _roles(key: str, message: str, hint: str = "") -> PolicyProblem:
    return PolicyProblem(file="roles.yaml", key=key, message=message, hint=hint)


def _risk(key: str, message: str, hint: str = "") -> PolicyProblem:
    return PolicyProblem(file="risk.yaml", key=key, message=message, hint=hint)
