"""What a schema cannot say: names that must exist, rows that must be there, rungs that lead to the right people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import get_args

from app.core.case import TIERS
from app.core.errors import PolicyProblem
from app.core.policy import crmfile, riskfile, rolesfile
from app.core.policy.documents import duration
from app.core.policy.schema import did_you_mean

# Cases of these domains may only be decided by who is answerable for them (TI1).
GUARDED_DOMAINS = ("billing", "legal", "security")
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

    known("fallback_role", roles.fallback_role)
    for file in ("risk", "guardrails", "crm", "roles"):
        known(f"owners.{file}", getattr(roles.owners, file))
    for name, role in roles.roles.items():
        sources = sum((role.group is not None, bool(role.users), role.resolver is not None))
        if sources != 1:
            problems.append(
                _roles(
                    f"roles.{name}", "say who it is by exactly one of group, users, resolver", "group: support-agents"
                )
            )
        for key in ("backup", "manager"):
            target = getattr(role, key)
            known(f"roles.{name}.{key}", target)
            if target == name:
                problems.append(_roles(f"roles.{name}.{key}", "a role cannot stand in for itself"))
            elif target in roles.roles:
                problems += _domain_problem(f"roles.{name}.{key}", role, target, roles.roles[target])
    return problems


def risk_problems(risk: riskfile.Document, roles: rolesfile.Document | None) -> list[PolicyProblem]:
    problems: list[PolicyProblem] = []
    problems += _unique("rules", [r.id for r in (*risk.rules, *risk.handling, *risk.escalation)])
    problems += _unique("stages", [s.id for s in risk.stages])
    problems += _unique("reject_categories", [c.value for c in risk.reject_categories])
    problems += _threshold_problems(risk)
    for tier in TIERS:
        if tier not in risk.routes.default:
            problems.append(_risk("routes.default", f"no role for tier {tier}"))
    if "standard" not in risk.ladders or "urgent" not in risk.ladders:
        problems.append(_risk("ladders", "standard and urgent are both needed"))
    for index, step in enumerate(risk.stages):
        problems += _step_problems(f"stages[{index}]", step)
    for name, rungs in risk.ladders.items():
        problems += _unique(f"ladders.{name}", [r.id for r in rungs])
    for section, rules in (("handling", risk.handling), ("escalation", risk.escalation)):
        problems += [
            _risk(f"{section}[{i}].raises.tier", "this section reads the tier: raise it under rules instead")
            for i, rule in enumerate(rules)
            if rule.raises.tier is not None
        ]
    problems += _outcome_problems(risk)
    if duration(risk.holding.after) > duration(risk.expire_after):
        problems.append(_risk("holding.after", "later than expire_after: it would never be reached"))
    if roles is not None:
        problems += _role_names(risk, roles)
    return problems


def step_roles(step: riskfile.Step) -> tuple[str, ...]:
    """The roles of a step, however it names them."""
    return tuple(step.any_of or step.each or step.all_of or step.of)


def _step_problems(key: str, step: riskfile.Step) -> Iterable[PolicyProblem]:
    given = [name for name in ("any_of", "each", "all_of", "of") if getattr(step, name)]
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
    named += [(f"stages[{i}]", r) for i, s in enumerate(risk.stages) for r in step_roles(s) if r != "$route"]
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
            yield _risk(key, f"{role} has no place in routes.precedence")


def _domain_problem(key: str, role: rolesfile.Role, target: str, other: rolesfile.Role) -> Iterable[PolicyProblem]:
    """Who steps in for billing, legal or security must be answerable for it too."""
    for domain in GUARDED_DOMAINS:
        if domain in role.domains and domain not in other.domains and not _general(role):
            yield _roles(key, f"{target} may not decide on {domain}", f"name a role with domain {domain}")


def _general(role: rolesfile.Role) -> bool:
    """A role that handles a domain besides ordinary support, rather than standing for it."""
    return "support" in role.domains


def _unique(key: str, ids: Sequence[str]) -> list[PolicyProblem]:
    return [_risk(key, f"the id {i} is used twice") for i in sorted({i for i in ids if ids.count(i) > 1})]


def _crm(key: str, message: str, hint: str = "") -> PolicyProblem:
    return PolicyProblem(file="crm.yaml", key=key, message=message, hint=hint)


def _roles(key: str, message: str, hint: str = "") -> PolicyProblem:
    return PolicyProblem(file="roles.yaml", key=key, message=message, hint=hint)


def _risk(key: str, message: str, hint: str = "") -> PolicyProblem:
    return PolicyProblem(file="risk.yaml", key=key, message=message, hint=hint)
