"""Scanning a case's texts and asking policy what it makes of them, at intake and whenever something new is known."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from app.core.assessment import AI_MODES, TIERS, Assessment
from app.core.case import Case, History
from app.core.change import Change
from app.core.policy import assess
from app.core.scanning import scan_draft, scan_messages
from app.core.understanding import read_gist
from app.core.world import World


def scan_and_assess(change: Change, known: History | None = None) -> None:
    """`known` stands in for what the store knows."""
    case, world = change.case, change.world
    policy = world.policy
    findings = scan_messages(case, policy.rules)
    if case.draft:
        findings += scan_draft(case, case.draft, policy.rules)
    history = replace(
        known or world.history,
        sentiment_falling=case.history.sentiment_falling,
        repeated_intent=case.history.repeated_intent,
    )
    change.set(findings=findings, history=history)
    if case.gist is None:
        change.set(gist=read_gist(change.case))
    change.record(
        "TextScanned",
        guardrail_version=policy.rules.version,
        findings=[{"rule": f.rule_id, "type": f.type, "action": f.action, "where": f.source} for f in findings],
    )
    assess_anew(change)


def assess_anew(change: Change, *, may_lower: bool = False) -> None:
    """Once people were asked an assessment can only become stricter, unless a person's word may lower it (DE9)."""
    case = change.case
    before = case.assessment
    after = judge_case(case, change.world)
    if before is not None and case.state != "received":
        after = after if may_lower else _never_lower(before, after)
        same = {i: after.stages.index(s) for i, s in enumerate(before.stages) if s in after.stages}
        change.set(gained=tuple((same[i], role, instead) for i, role, instead in case.gained if i in same))
    change.set(assessment=after)
    change.record(
        "CaseAssessed",
        reason="; ".join(r.text for r in after.reasons),
        tier=after.tier,
        band=after.band,
        ai_mode=after.ai_mode,
        required=after.required,
        route=after.route.role,
        rules=[r.rule_id for r in after.reasons],
    )


def judge_case(case: Case, world: World) -> Assessment:
    """What policy makes of the case as it stands; times count from when people were first asked."""
    return assess(case, world.policy, msgspec.structs.asdict(case.history), case.opened_at or world.now)


def _never_lower(before: Assessment, after: Assessment) -> Assessment:
    """Nobody talks a case down by rewording the reply: its tier stays, and people who were asked stay asked."""
    if TIERS.index(after.tier) >= TIERS.index(before.tier) and after.required not in ("auto", "notify"):
        return after
    return replace(before, ai_mode=max(before.ai_mode, after.ai_mode, key=AI_MODES.index))
