"""From documents to a policy, or to every problem they have: a broken policy never half-loads."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

from app.core.errors import PolicyError, PolicyProblem
from app.core.guards import Rules, compile_rules
from app.core.policy import checks, crmfile, riskfile, rolesfile
from app.core.policy.conditions import (
    ROUTED,
    TIER,
    VOCABULARY,
    Condition,
    ConditionError,
    compile_condition,
    placeholders,
)
from app.core.policy.documents import PolicyDocuments, snapshot_hash
from app.core.policy.hours import calendar_of
from app.core.policy.model import CompiledHelper, CompiledRule, CompiledStep, Policy, RoleSpec
from app.core.policy.schema import read_document
from app.core.shape import Lines, did_you_mean, with_line

_NEVER = Condition("", None, ())


def compile_policy(documents: PolicyDocuments, *, lines: Lines = MappingProxyType({})) -> Policy:
    """The policy ready to use. `lines` maps (file, key path) to a line for the messages.

    Raises PolicyError with every problem of all four files.
    """
    problems: list[PolicyProblem] = []
    rules = _guardrails(documents, problems)
    risk, found = read_document("risk.yaml", riskfile.Document, documents.risk)
    problems += found
    crm, found = read_document("crm.yaml", crmfile.Document, documents.crm)
    problems += found
    roles, found = read_document("roles.yaml", rolesfile.Document, documents.roles)
    problems += found
    if crm is not None:
        problems += checks.crm_problems(crm)
    if roles is not None:
        problems += checks.roles_problems(roles)
    if risk is not None:
        problems += checks.risk_problems(risk, roles)
    sections = _Sections(risk, problems) if risk is not None else None
    if problems or rules is None or risk is None or crm is None or roles is None or sections is None:
        raise PolicyError([with_line(problem, lines) for problem in problems])
    return Policy(
        snapshot=snapshot_hash(documents),
        documents=documents,
        rules=rules,
        risk=risk,
        crm=crm,
        roles=MappingProxyType({name: _role(name, role) for name, role in roles.roles.items()}),
        owners=MappingProxyType(
            {
                "risk": roles.owners.risk,
                "guardrails": roles.owners.guardrails,
                "crm": roles.owners.crm,
                "roles": roles.owners.roles,
            }
        ),
        policy_channel=roles.channels.policy_changes,
        qa_channel=roles.channels.qa,
        fallback_role=roles.fallback_role,
        risk_rules=sections.rules,
        handling=sections.handling,
        escalation=sections.escalation,
        steps=sections.steps,
        helpers=sections.helpers,
    )


class _Sections:
    """The parts of risk.yaml that hold conditions, compiled."""

    def __init__(self, risk: riskfile.Document, problems: list[PolicyProblem]) -> None:
        self._problems = problems
        self.rules = self._rules("rules", risk.rules, frozenset())
        self.handling = self._rules("handling", risk.handling, TIER)
        self.escalation = self._rules("escalation", risk.escalation, TIER)
        self.steps = tuple(
            CompiledStep(step, self._condition(f"stages[{i}]", step.when, ROUTED)) for i, step in enumerate(risk.stages)
        )
        self.helpers = tuple(
            CompiledHelper(helper, self._condition(f"helpers[{i}]", helper.when, ROUTED))
            for i, helper in enumerate(risk.helpers)
        )

    def _rules(self, section: str, rules: Sequence[riskfile.Rule], later: frozenset[str]) -> tuple[CompiledRule, ...]:
        compiled = []
        for index, rule in enumerate(rules):
            key = f"{section}[{index}]"
            compiled.append(CompiledRule(rule, self._condition(key, rule.when, later)))
            for path in placeholders(rule.reason):
                root, _, field = path.partition(".")
                if field not in VOCABULARY.get(root, {}) and path not in later:
                    self._add(
                        f"{key}.reason", f"unknown fact {{{path}}}", did_you_mean(field, VOCABULARY.get(root, {}))
                    )
        return tuple(compiled)

    def _condition(self, key: str, source: str, later: frozenset[str]) -> Condition:
        try:
            return compile_condition(source, later)
        except ConditionError as error:
            self._add(f"{key}.when", str(error), error.hint)
            return _NEVER

    def _add(self, key: str, message: str, hint: str) -> None:
        self._problems.append(PolicyProblem(file="risk.yaml", key=key, message=message, hint=hint))


def _guardrails(documents: PolicyDocuments, problems: list[PolicyProblem]) -> Rules | None:
    try:
        return compile_rules(documents.guardrails)
    except PolicyError as error:
        problems += error.problems
        return None


def _role(name: str, role: rolesfile.Role) -> RoleSpec:
    return RoleSpec(
        name=name,
        title=role.title,
        channel=role.channel,
        kind=role.kind,
        group=role.group,
        users=tuple(role.users),
        resolver=role.resolver,
        domains=tuple(role.domains),
        backup=role.backup or "",
        manager=role.manager or "",
        notify=role.notify,
        languages=tuple(language.casefold() for language in role.languages),
        calendar=calendar_of(role.hours),
        sees_pii=role.sees_pii,
        emails=tuple(role.emails),
    )
