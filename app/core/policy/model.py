"""The compiled policy: what the rest of the core asks instead of reading documents."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec

from app.core.calendar import ALWAYS, Calendar
from app.core.guards import Rules, Template
from app.core.policy import crmfile, riskfile, rolesfile
from app.core.policy.conditions import Condition
from app.core.policy.documents import PolicyDocuments, duration
from app.core.policy.facts import fold

if TYPE_CHECKING:
    from app.core.case import Case


class RoleSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Who may decide and where they are asked. `group` is a handle without @, `channel` a name without #."""

    name: str
    title: str
    channel: str
    kind: rolesfile.Kind
    group: str | None = None
    users: tuple[str, ...] = ()
    resolver: rolesfile.Resolver | None = None
    domains: tuple[str, ...] = ()
    backup: str = ""
    manager: str = ""
    notify: bool = True
    languages: tuple[str, ...] = ()
    calendar: Calendar = ALWAYS
    sees_pii: bool = False
    emails: tuple[str, ...] = ()


class Ending(msgspec.Struct, frozen=True, kw_only=True):
    """What an outcome leads to (RI11). Both codes are never empty."""

    resolution_code: str
    next_action: str
    follow_up: timedelta | None = None
    csat_requested: bool = False


class CompiledRule(msgspec.Struct, frozen=True, eq=False):
    rule: riskfile.Rule
    condition: Condition


class CompiledStep(msgspec.Struct, frozen=True, eq=False):
    step: riskfile.Step
    condition: Condition


class CompiledHelper(msgspec.Struct, frozen=True, eq=False):
    helper: riskfile.Helper
    condition: Condition


class Policy(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Immutable; made by `compile_policy` alone. Two policies are the same when their `snapshot` is."""

    snapshot: str
    documents: PolicyDocuments
    rules: Rules
    risk: riskfile.Document
    crm: crmfile.Document
    roles: Mapping[str, RoleSpec]
    owners: Mapping[str, str]
    policy_channel: str
    qa_channel: str
    fallback_role: str
    risk_rules: tuple[CompiledRule, ...]
    handling: tuple[CompiledRule, ...]
    escalation: tuple[CompiledRule, ...]
    steps: tuple[CompiledStep, ...]
    helpers: tuple[CompiledHelper, ...]

    @property
    def baseline(self) -> bool:
        return self.risk.baseline_mode

    @property
    def autoload(self) -> bool:
        return self.risk.unsafe_policy_autoload

    @property
    def claim_for(self) -> timedelta:
        return duration(self.risk.claim_for)

    @property
    def queue_alert(self) -> int:
        return self.risk.queue_alert

    @property
    def digest_from(self) -> int:
        """How many low-tier cases in one channel make a burst; 0: none is one."""
        return self.risk.digests.from_ if self.risk.digests else 0

    @property
    def digest_within(self) -> timedelta:
        return duration(self.risk.digests.within) if self.risk.digests else timedelta()

    @property
    def holding_text(self) -> str:
        return self.risk.holding.text

    @property
    def holding_channels(self) -> frozenset[str]:
        return frozenset(self.risk.holding.channels)

    @property
    def reject_categories(self) -> tuple[tuple[str, str], ...]:
        """(value, label) in the owner's order."""
        return tuple((c.value, c.label) for c in self.risk.reject_categories)

    @property
    def careful_queues(self) -> frozenset[str]:
        """Channels where cases of high tier are decided: all but those of low and medium ones."""
        routes = self.risk.routes.default
        everyday = {self.roles[routes[tier]].channel for tier in ("low", "medium")}
        return frozenset(spec.channel for spec in self.roles.values()) - everyday

    @property
    def intent_titles(self) -> dict[str, str]:
        """Every label the table of intents knows, with what people call it."""
        return {label: topic.title for label, topic in self.risk.intents.items()}

    @property
    def templates(self) -> tuple[Template, ...]:
        return self.rules.templates

    def template(self, template_id: str) -> Template | None:
        return next((t for t in self.templates if t.id == template_id), None)

    def ending(self, case: Case, outcome: str, category: str = "") -> Ending:
        """The first row of `outcomes` that fits; the safest there is when none does."""
        route = case.assessment.route.role if case.assessment else ""
        intent = fold(case.intent.label) if case.intent else ""
        for row in self.risk.outcomes:
            if (
                row.outcome == outcome
                and row.category in (None, category)
                and row.route in (None, route)
                and row.intent in (None, intent)
            ):
                return Ending(
                    resolution_code=row.resolution_code,
                    next_action=row.next_action,
                    follow_up=duration(row.follow_up) if row.follow_up else None,
                    csat_requested=row.csat,
                )
        return Ending(resolution_code=f"unmapped_{outcome}", next_action="manual_review")
