"""What is wrong, or worth knowing, about a policy that loads (RI8)."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

from app.core.guards import ScanContext, scan
from app.core.policy.checks import step_roles
from app.core.policy.documents import duration
from app.core.policy.model import Policy
from app.core.policy.remarks import Remark, listed, placed
from app.core.policy.review_grid import review_grid
from app.core.policy.review_rules import review_rules
from app.core.shape import Lines, did_you_mean

_UNSAFE = {
    "unsafe_small_refund_auto": "a verified small refund of a standard account goes without a person",
    "unsafe_policy_autoload": "changed files act at once, without sign-off",
}


def review(policy: Policy, lines: Lines = MappingProxyType({})) -> tuple[Remark, ...]:
    """Everything a review finds, the gravest first. Takes seconds: it puts thousands of made-up cases to the policy."""
    found = [*_switches(policy), *review_rules(policy), *review_grid(policy)]
    found += [
        *_ladders(policy),
        *_hours(policy),
        *_roles(policy),
        *_templates(policy),
        *_overrides(policy),
        *_taught(policy),
    ]
    return placed(found, lines)


def _switches(policy: Policy) -> Iterator[Remark]:
    for name, what in _UNSAFE.items():
        if getattr(policy.risk, name):
            yield Remark(level="warning", file="risk.yaml", key=name, message=f"It is on: {what}.")
    if policy.risk.notes_only:
        text = "It is on: AI writes no text for customers."
        yield Remark(level="info", file="risk.yaml", key="notes_only", message=text)


def _ladders(policy: Policy) -> Iterator[Remark]:
    whole = duration(policy.risk.expire_after)
    for name, rungs in policy.risk.ladders.items():
        # Cases climb the standard ladder at least.
        for index, rung in enumerate(rungs if name != "internal" else ()):
            if not rung.after.endswith("%") and duration(rung.after) >= whole:
                text = (
                    f"The rung {rung.id} never fires: a case expires after {policy.risk.expire_after}"
                    " unless its caller named a later deadline."
                )
                hint = "let it fire earlier, or expire later"
                key = f"ladders.{name}[{index}].after"
                yield Remark(level="warning", file="risk.yaml", key=key, message=text, hint=hint)


def _hours(policy: Policy) -> Iterator[Remark]:
    whole = duration(policy.risk.expire_after)
    for name, spec in policy.roles.items():
        closed = spec.calendar.longest_closed()
        if closed >= whole:
            text = (
                f"It is closed for {closed.total_seconds() / 3600:g} h in a row, and a case expires after"
                f" {policy.risk.expire_after} by the clock: some expire before anybody is reminded."
            )
            hint = "raise expire_after in risk.yaml, or let somebody look in between"
            yield Remark(level="warning", file="roles.yaml", key=f"roles.{name}.hours", message=text, hint=hint)


def _roles(policy: Policy) -> Iterator[Remark]:
    """Roles nobody ever asks. Whether a role has members only Slack can tell."""
    risk = policy.risk
    asked = {policy.fallback_role, *policy.owners.values(), *risk.routes.default.values()}
    asked |= {topic.route for topic in (*risk.intents.values(), *risk.actions.values()) if topic.route}
    asked |= {rule.raises.route for rule in (*risk.rules, *risk.handling, *risk.escalation) if rule.raises.route}
    asked |= {role for step in risk.stages for role in step_roles(step)}
    asked |= {helper.role for helper in risk.helpers} | {rung.to for rungs in risk.ladders.values() for rung in rungs}
    asked |= {rule.rule.overridable_by for rule in policy.rules.rules if rule.rule.overridable_by}
    standing_in = {role for spec in policy.roles.values() for role in (spec.backup, spec.manager)}
    for name, spec in policy.roles.items():
        key = f"roles.{name}"
        if name not in asked | standing_in:
            text = "Nothing routes to this role, and it stands in for nobody: it is never asked."
            yield Remark(level="info", file="roles.yaml", key=key, message=text)
        if not spec.backup and not spec.manager and name in asked and name != policy.fallback_role and spec.notify:
            if name in policy.owners.values():
                continue
            text = f"It has neither backup nor manager: when it does not answer, {policy.fallback_role} is asked."
            yield Remark(level="info", file="roles.yaml", key=key, message=text)


def _templates(policy: Policy) -> Iterator[Remark]:
    for index, template in enumerate(policy.templates):
        blocked = [f for f in scan(template.text, "output", policy.rules, ScanContext()) if f.action == "blocked"]
        if blocked:
            rules = dict.fromkeys(finding.rule_id for finding in blocked)
            text = f"The template {template.id} can never be sent as it is: {listed(rules)} blocks it."
            key = f"templates[{index}].text"
            yield Remark(level="warning", file="guardrails.yaml", key=key, message=text, hint="reword one of the two")


def _overrides(policy: Policy) -> Iterator[Remark]:
    for index, compiled in enumerate(policy.rules.rules):
        role = compiled.rule.overridable_by
        if role is not None and role not in policy.roles:
            text = f"No role is called {role}, so nobody may override {compiled.rule.id}."
            key = f"rules[{index}].overridable_by"
            hint = did_you_mean(role, policy.roles)
            yield Remark(level="warning", file="guardrails.yaml", key=key, message=text, hint=hint)


def _taught(policy: Policy) -> Iterator[Remark]:
    """What the classifier may say and what the table of intents knows should be the same."""
    taught = policy.documents.intents.get("intents", {})
    if not taught:
        return
    for label in taught:
        if label not in policy.risk.intents:
            text = f"The classifier may say {label}, which risk.yaml does not list, so it counts as unknown."
            hint = did_you_mean(label, policy.risk.intents) or "add it to intents in risk.yaml"
            yield Remark(level="warning", file="intents.yaml", key=f"intents.{label}", message=text, hint=hint)
    if untaught := [label for label in policy.risk.intents if label not in taught]:
        text = f"The classifier never says {listed(untaught)}: only callers can."
        yield Remark(level="info", file="intents.yaml", key="intents", message=text)
