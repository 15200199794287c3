"""A policy loads whole or not at all, and says what is wrong where."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from app.core.errors import PolicyError
from app.core.policy import PolicyDocuments, assess, compile_policy, duration, json_schema, snapshot_hash
from tests.core.policies import DIRECTORY, shipped, shipped_documents, with_crm, with_risk, with_roles
from tests.make import DEFAULT_ROLES, NOW, a_case, signals

RULE = {"id": "mine", "when": "customer.vip", "reason": "Because.", "raises": {}}
STEP = {"id": "one", "label": "One", "any_of": ["support_agent"]}


def risk(key: str) -> Any:
    return shipped_documents()[0].risk[key]


def problems(documents: PolicyDocuments) -> list[str]:
    with pytest.raises(PolicyError) as error:
        compile_policy(documents, lines=shipped_documents()[1])
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"baseline": True}, "baseline", "did you mean baseline_mode"),
        ({"baseline_mode": "off"}, "baseline_mode", "boolean"),
        ({"send_delay": "5 seconds"}, "send_delay", "5s, 15m, 2h, 1d"),
        ({"rules": [{**RULE, "when": "customer.vp"}]}, "rules[0].when", "did you mean vip"),
        ({"rules": [{**RULE, "raises": {"tier": "hihg"}}]}, "rules[0].raises.tier", "did you mean high"),
        ({"rules": [{**RULE, "raises": {"route": "billing_aprover"}}]}, "rules[0].raises.route", "billing_approver"),
        ({"rules": [{**RULE, "reason": "{customer.nam}"}]}, "rules[0].reason", "unknown fact"),
        ({"rules": [RULE, RULE]}, "rules[1].id", "mine is used twice, first at rules[0].id"),
        ({"handling": [{**RULE, "raises": {"tier": "high"}}]}, "handling[0].raises.tier", "under rules"),
        ({"stages": []}, "stages", "[]"),
        ({"stages": [{**STEP, "each": ["specialist"]}]}, "stages[0]", "exactly one"),
        ({"stages": [{**STEP, "any_of": []}]}, "stages[0]", "exactly one"),
        ({"stages": [{"id": "q", "label": "Q", "of": ["specialist"]}]}, "stages[0].quorum", "belong together"),
        ({"stages": [{**STEP, "any_of": ["nobody"]}]}, "stages[0].any_of[0]", "unknown role nobody"),
        (
            {"routes": {"precedence": ["support_agent"], "default": {"low": "support_agent"}}},
            "routes.default",
            "medium",
        ),
        ({"ladders": {"standard": []}}, "ladders", "both needed"),
        ({"outcomes": [{"outcome": "sent"}]}, "outcomes[0]", "resolution_code"),
        ({"outcomes": risk("outcomes")[:3]}, "outcomes", "no row for expired"),
        ({"holding": {**risk("holding"), "after": "2d"}}, "holding.after", "never be reached"),
        ({"expire_after": "1"}, "expire_after", "5s"),
    ],
)
def test_a_mistake_in_risk_is_named_with_file_and_key(changes: dict[str, Any], where: str, says: str) -> None:
    found = [line for line in problems(with_risk(**changes)) if f" {where}" in line]
    assert any(says in line and line.startswith("risk.yaml") for line in found), problems(with_risk(**changes))


def test_auto_confidence_may_go_down_to_090_and_no_further() -> None:
    thresholds = risk("thresholds")
    lower = {**thresholds, "auto": {**thresholds["auto"], "auto_from": 0.90}}
    assert compile_policy(with_risk(thresholds=lower)).risk.thresholds.auto.auto_from == 0.90
    too_low = {**thresholds, "auto": {**thresholds["auto"], "auto_from": 0.89}}
    assert "thresholds.auto.auto_from" in problems(with_risk(thresholds=too_low))[0]


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"support_agent": {"group": None}}, "roles.support_agent", "exactly one"),
        ({"support_agent": {"users": ["U123"]}}, "roles.support_agent", "exactly one"),
        ({"support_agent": {"channel": "#support"}}, "roles.support_agent.channel", "without #"),
        ({"support_agent": {"backup": "support_agent"}}, "roles.support_agent.backup", "itself"),
        ({"support_agent": {"manager": "the_boss"}}, "roles.support_agent.manager", "unknown role the_boss"),
        ({"billing_approver": {"backup": "support_agent"}}, "roles.billing_approver.backup", "domain billing"),
        ({"legal_approver": {"manager": "support_lead"}}, "roles.legal_approver.manager", "domain legal"),
        ({"security_responder": {"backup": "specialist"}}, "roles.security_responder.backup", "domain security"),
        ({"support_lead": {"languages": [False]}}, "roles.support_lead.languages[0]", "quotes"),
    ],
)
def test_a_mistake_in_roles_is_named(changes: dict[str, Any], where: str, says: str) -> None:
    found = problems(with_roles(**changes))
    assert any(f" {where}: " in line and says in line and line.startswith("roles.yaml:") for line in found), found


@pytest.mark.parametrize(
    ("changes", "where", "says"),
    [
        ({"fields": {}}, "fields.intent", "which report"),
        ({"rename": {"intent": "sentiment"}}, "rename", "already"),
        ({"rename": {"intent": "no spaces"}}, "rename.intent", "property"),
        ({"preset": "minimal", "fields": {}, "rename": {"intent": "x"}}, "rename.intent", "not kept"),
        ({"fields": {"intnet": "x"}}, "fields", "intent"),
    ],
)
def test_a_mistake_in_crm_is_named(changes: dict[str, Any], where: str, says: str) -> None:
    found = problems(with_crm(**changes))
    assert any(f" {where}" in line and says in line for line in found), found


def test_all_files_are_reported_at_once_with_lines() -> None:
    documents = with_risk(send_delay="soon")
    documents = replace(documents, crm={**documents.crm, "preset": "fulll"}, guardrails={"format": 1})
    found = problems(documents)
    assert {line.partition(".yaml")[0] for line in found} == {"risk", "crm", "guardrails"}
    assert next(line for line in found if "preset" in line).startswith("crm.yaml:")
    assert next(line for line in found if "preset" in line).split(":")[1].isdigit()


def test_a_rule_that_fails_while_running_counts_as_fired() -> None:
    broken = {
        "id": "broken",
        "when": "customer.segment == 'standard' && findings[0].type == 'pii'",
        "reason": "Personal data first.",
        "raises": {"tier": "high"},
    }
    policy = compile_policy(
        with_risk(baseline_mode=False, rules=[{**broken, "when": "size(findings) > 0 || " + broken["when"]}])
    )
    assert assess(a_case(assessment=None), policy, {}, NOW).reasons[0].text == (
        "The rule broken could not be evaluated, so it counts: Personal data first."
    )


def test_no_matching_stage_leaves_the_fallback_role() -> None:
    policy = compile_policy(with_risk(stages=[{**STEP, "when": "false"}]))
    stages = assess(a_case(assessment=None), policy, {}, NOW).stages
    assert [stage.roles for stage in stages] == [("support_lead",)]


def test_quorum_and_all_of_and_the_routes_own_role() -> None:
    steps = [
        {"id": "q", "label": "Two", "quorum": 2, "of": ["$route", "specialist"]},
        {"id": "a", "label": "All", "all_of": ["legal_approver", "billing_approver"]},
    ]
    policy = compile_policy(with_risk(stages=steps))
    first, second = assess(a_case(assessment=None), policy, {}, NOW).stages
    assert (first.mode, first.quorum, first.roles) == ("quorum", 2, ("support_agent", "specialist"))
    assert (second.mode, second.roles) == ("all_of", ("legal_approver", "billing_approver"))


def test_the_snapshot_follows_the_content_alone() -> None:
    documents, _ = shipped_documents()
    shuffled = replace(documents, risk=dict(reversed(documents.risk.items())))
    assert snapshot_hash(shuffled) == snapshot_hash(documents) == shipped().snapshot
    assert snapshot_hash(with_risk(baseline_mode=False)) != shipped().snapshot


@pytest.mark.parametrize("name", ["risk", "crm", "roles"])
def test_the_published_schemas_are_those_that_are_enforced(name: str) -> None:
    published = json.loads((DIRECTORY / "schemas" / f"{name}.schema.json").read_text())
    assert published == json_schema(f"{name}.yaml")
    assert (DIRECTORY / f"{name}.yaml").read_text().startswith("# yaml-language-server: $schema=schemas/")


def test_the_shipped_roles_are_the_contracts() -> None:
    roles = shipped().roles
    assert {name: (role.group, role.channel) for name, role in roles.items()} == DEFAULT_ROLES
    assert {name: role.kind for name, role in roles.items() if role.kind != "specialist"} == {
        "support_agent": "agent",
        "support_lead": "lead",
        "vip_manager": "lead",
    }
    assert [name for name, role in roles.items() if not role.notify] == ["executive_approver"]
    assert (shipped().fallback_role, shipped().policy_channel, shipped().qa_channel) == (
        "support_lead",
        "policy-changes",
        "support-qa",
    )


def test_the_shipped_policy_is_the_careful_one() -> None:
    policy = shipped()
    assert (policy.baseline, policy.autoload, policy.risk.notes_only) == (True, False, False)
    assert not policy.risk.unsafe_small_refund_auto
    assert policy.holding_channels == {"email", "chat"}
    assert "under review" in policy.holding_text
    assert len(policy.reject_categories) >= 5
    assert policy.template(policy.templates[0].id) == policy.templates[0]
    assert policy.template("no-such-template") is None
    lines = (DIRECTORY / "risk.yaml").read_text().splitlines()
    assert "send_delay: 5s" in lines


@pytest.mark.parametrize(("text", "seconds"), [("5s", 5), ("15m", 900), ("2h", 7200), ("1d", 86400)])
def test_durations(text: str, seconds: int) -> None:
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "5", "h", "1.5h", "-5s", "5 s", "1w", "5s\n"])
def test_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="duration"):
        duration(text)


class TestEndings:
    @pytest.mark.parametrize(
        ("outcome", "category", "intent", "code", "action"),
        [
            ("rejected", "tone", "refund_request", "handoff_to_billing", "billing_specialist_review"),
            ("rejected", "wrong_customer", "shipping_status", "handoff_to_agent", "verify_customer"),
            ("rejected", "tone", "shipping_status", "handoff_to_agent", "agent_writes_reply"),
            ("withdrawn", "answered_elsewhere", "how_to", "answered_elsewhere", "none_needed"),
            ("expired", "", "how_to", "no_decision_in_time", "reopen_or_answer"),
            ("approved", "", "complaint", "answered", "check_customer_is_satisfied"),
            ("approved", "", "how_to", "answered", "await_customer"),
            ("invented", "", "how_to", "unmapped_invented", "manual_review"),
        ],
    )
    def test_the_first_row_that_fits(self, outcome: str, category: str, intent: str, code: str, action: str) -> None:
        case = a_case(assessment=None, signals=signals(intent))
        case = replace(case, assessment=assess(case, shipped(), {}, NOW))
        ending = shipped().ending(case, outcome, category)
        assert (ending.resolution_code, ending.next_action) == (code, action)

    def test_follow_up_and_survey(self) -> None:
        rejected = shipped().ending(a_case(), "rejected")
        assert rejected.follow_up is not None
        assert rejected.follow_up.total_seconds() == 4 * 3600
        assert shipped().ending(a_case(), "approved").csat_requested
