"""What a review finds in a policy that loads: each mistake planted, and the shipped policy free of them (RI8)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from app.core.policy import PolicyDocuments, compile_policy
from app.core.policy.conditions import compile_condition, sample_facts, scope_of
from app.core.policy.labels import labels_of
from app.core.policy.reach import implies, never, sketch
from app.core.policy.remarks import Remark
from app.core.policy.review import review
from tests.core.policies import shipped, shipped_documents, with_risk

LABELS = labels_of(shipped())


def risk(key: str) -> Any:
    return shipped_documents()[0].risk[key]


# Few topics, so that a review takes no time; `complaint` and `data_export` are named elsewhere in the file.
FEW: dict[str, Any] = {
    "intents": {name: risk("intents")[name] for name in ("shipping_status", "complaint", "cancellation")},
    "actions": {name: risk("actions")[name] for name in ("faq_answer", "refund", "data_export")},
}


def reviewed(documents: PolicyDocuments) -> list[Remark]:
    return list(review(compile_policy(documents), shipped_documents()[1]))


def few(**changes: Any) -> list[Remark]:
    return reviewed(with_risk(**{**FEW, **changes}))


def rule(when: str, **raises: Any) -> dict[str, Any]:
    return {"id": "mine", "when": when, "reason": "Because.", "raises": raises or {"tier": "high"}}


def about(found: list[Remark], key: str, *levels: str) -> list[str]:
    return [r.message for r in found if r.key.startswith(key) and r.level in (levels or ("error", "warning", "info"))]


def mine(when: str, section: str = "rules", **raises: Any) -> list[Remark]:
    """Remarks about one rule, added to a section as its last."""
    given = raises or ({"tier": "high"} if section == "rules" else {"person": "approve"})
    found = few(**{section: [*risk(section), rule(when, **given)]})
    return [r for r in found if r.key.startswith(f"{section}[{len(risk(section))}]")]


# --- the shipped policy ------------------------------------------------------------------------------------------


def test_the_shipped_policy_has_no_error_and_no_warning_and_says_what_would_go_alone() -> None:
    found = reviewed(shipped_documents()[0])
    assert [str(r) for r in found if r.level != "info"] == []
    alone = about(found, "thresholds.auto")
    assert any("shipping_status" in text and "as soon as baseline mode ends" in text for text in alone)
    assert not any("refund" in text or "cancellation" in text for text in alone)
    assert all(r.line > 0 for r in found if r.file == "risk.yaml")


# --- conditions --------------------------------------------------------------------------------------------------

NEVER = [
    "customer.vip && !customer.vip",
    "signals.intent_confidence > 0.8 && signals.intent_confidence < 0.6",
    "action.amount > 100 && action.amount <= 100",
    "customer.segment == 'small' && customer.segment == 'enterprise'",
    "case.channel == 'fax'",
    "signals.intent == 'refnd_request'",
    "action.type in ['refnd', 'paymnt']",
    "'medcal' in case.flags",
    "findings.exists(f, f.rule_id == 'no-such-rule')",
    "findings.exists(f, f.side == 'input' && f.action == 'blocked')",
    "action.amount > 5 && !action.exists",
    "signals.intent == 'refund_request' && !signals.intent_known",
    "signals.negative > 0.9 && signals.sentiment == 'positive'",
    "case.text.contains('refund') && !case.text.contains('refund')",
    "size(customer.privileged_roles) > 2 && size(customer.privileged_roles) < 2",
]
SOMETIMES = [
    "customer.vip || !customer.vip",
    "case.text.contains('refund') && !case.text.contains('exchange')",
    "size(customer.privileged_roles) > 7",
    "action.amount * 2.0 > 10.0 && action.amount < 1.0",  # never, but sums are not enumerated
    "customer.industry != 'retail' && customer.industry != ''",
    "signals.language.startsWith('en') && signals.language != 'en'",
    "signals.intent != '' && !signals.intent_known",
    "'pii' in case.flags && !('sensitive_pii' in case.flags)",
    "findings.exists(f, f.type == 'pii' && f.sensitive) && action.exists && !action.money",
    "customer.currency == action.currency && customer.currency != ''",
    "customer.contract_value < action.amount",
    "customer.segment < 'm'",
    "size(customer.privileged_roles) == 3",
    "size(customer.privileged_roles) == 3 && 'owner' in customer.privileged_roles",
    "customer.industry != customer.currency && customer.industry != '' && customer.currency != ''",
    "(customer.industry) != (customer.currency) && customer.industry != '' && customer.currency != ''",
    "customer.industry in [customer.currency] && customer.industry != ''",
    "action.amount > 3000000000000",
    "case.flags == ['pii', 'legal']",
    "['pii', 'legal'] == case.flags",
]


@pytest.mark.parametrize("when", NEVER)
def test_what_no_case_can_make_true_is_found(when: str) -> None:
    one = sketch(when, LABELS)
    assert one is not None
    assert never(one, LABELS)


@pytest.mark.parametrize("when", SOMETIMES)
def test_what_may_be_true_or_cannot_be_decided_is_not_called_unreachable(when: str) -> None:
    one = sketch(when, LABELS)
    assert one is None or not never(one, LABELS)


_TESTS = st.sampled_from(
    [
        "customer.vip",
        "customer.contract_value > 10",
        "customer.contract_value >= 20.5",
        "customer.contract_value < 20.5",
        "history.contacts_7d == 2",
        "history.contacts_7d <= 1",
        "customer.segment == 'small'",
        "customer.segment in ['small', 'enterprise']",
        "customer.industry != 'retail'",
        "case.channel == 'chat'",
        "'pii' in case.flags",
        "'legal' in case.flags",
        "size(customer.privileged_roles) > 1",
        "size(customer.privileged_roles) == 3",
        "'a' in customer.privileged_roles",
        "case.text.contains('refund')",
    ]
)
_CONDITIONS = st.recursive(
    _TESTS,
    lambda inner: st.one_of(
        st.tuples(inner, inner).map(lambda two: f"({two[0]} && {two[1]})"),
        st.tuples(inner, inner).map(lambda two: f"({two[0]} || {two[1]})"),
        inner.map(lambda one: f"!({one})"),
    ),
    max_leaves=6,
)
_FACTS = st.fixed_dictionaries(
    {
        "customer": st.fixed_dictionaries(
            {
                "vip": st.booleans(),
                "contract_value": st.floats(0, 40),
                "segment": st.sampled_from(["", "small", "standard", "enterprise", "gold"]),
                "industry": st.sampled_from(["", "retail", "mining"]),
                "privileged_roles": st.lists(st.sampled_from(["a", "b"]), max_size=4),
            }
        ),
        "history": st.fixed_dictionaries({"contacts_7d": st.integers(0, 4).map(float)}),
        "case": st.fixed_dictionaries(
            {
                "channel": st.sampled_from(["email", "chat", "web", "phone", "social", "other"]),
                "flags": st.sets(st.sampled_from(["pii", "legal", "threat"])).map(sorted),
                "text": st.sampled_from(["", "a refund please"]),
            }
        ),
    }
)


def _holds(when: str, given: dict[str, dict[str, Any]]) -> bool:
    facts = sample_facts()
    for root, fields in given.items():
        facts[root] |= fields
    return compile_condition(when).holds(scope_of(facts)) is True


@settings(max_examples=150, deadline=None)
@given(_CONDITIONS, _CONDITIONS, st.lists(_FACTS, min_size=1, max_size=20))
def test_a_verdict_is_never_wrong_about_a_case(first: str, second: str, cases: list[dict[str, Any]]) -> None:
    one, other = sketch(first, LABELS), sketch(second, LABELS)
    assert one is not None
    assert other is not None
    if never(one, LABELS):
        assert not any(_holds(first, facts) for facts in cases)
    if implies(one, other, LABELS):
        assert all(_holds(second, facts) for facts in cases if _holds(first, facts))


def test_a_condition_of_very_many_words_stays_undecided_at_once() -> None:
    when = " && ".join(f"'role{number}' in customer.privileged_roles" for number in range(40))
    one = sketch(f"customer.vip && !customer.vip && {when}", LABELS)
    assert one is not None
    assert not never(one, LABELS)


def test_a_rule_that_cannot_fire_is_a_warning_with_its_place() -> None:
    (found,) = mine("customer.vip && !customer.vip")
    assert (found.level, found.file) == ("warning", "risk.yaml")
    assert "mine can never fire" in found.message


@pytest.mark.parametrize(
    ("when", "says", "hint"),
    [
        ("signals.intent == 'shiping_status' || customer.vip", "intents lists no “shiping_status”", "shipping_status"),
        ("action.type in ['faq_answer', 'refnd']", "actions lists no “refnd”", "refund"),
        ("'enterprize' == customer.segment || customer.vip", "no segment is called “enterprize”", "enterprise"),
        ("'legl' in case.flags || customer.vip", "no guardrail rule finds “legl”", "legal"),
        ("findings.exists(f, f.type != 'pi')", "findings.type is never “pi”", "pii"),
    ],
)
def test_a_label_nothing_has_is_named_with_the_one_that_was_meant(when: str, says: str, hint: str) -> None:
    (found,) = mine(when)
    assert found.level == "warning"
    assert says.casefold() in found.message.casefold()
    assert hint in found.hint


def test_an_impossible_band_is_found_where_bands_are_known() -> None:
    (found,) = mine("case.band == 'high' && signals.intent_confidence < 0.5", "handling")
    assert "can never fire" in found.message


def test_a_rule_that_another_one_covers_adds_nothing() -> None:
    (found,) = mine("customer.vip && action.irreversible", tier="medium", person="approve")
    assert found.level == "info"
    assert "account_vip fires whenever it does" in found.message
    assert mine("customer.vip && action.irreversible", tier="high", person="edit") == []
    assert mine("customer.vip || action.bulk", tier="medium", person="approve") == []


def test_of_two_equal_rules_only_the_second_adds_nothing() -> None:
    twice = [{**rule("customer.regulated"), "id": name} for name in ("one", "two")]
    found = few(rules=[*risk("rules"), *twice])
    assert [text for text in about(found, "rules") if "adds nothing" in text] == [
        "The rule two adds nothing but its reason: one fires whenever it does, and asks for as much."
    ]


# --- what must not go alone --------------------------------------------------------------------------------------


def topic(table: str, name: str, **changes: Any) -> dict[str, Any]:
    return {table: {**FEW[table], name: {**risk(table)[name], "route": None, **changes}}}


def without(section: str, *ids: str) -> dict[str, Any]:
    return {section: [entry for entry in risk(section) if entry["id"] not in ids]}


def test_a_cancellation_that_would_go_by_itself_is_an_error() -> None:
    found = few(**topic("intents", "cancellation", tier="low", action_class="auto", always_human=False))
    (text,) = about(found, "intents.cancellation", "error")
    assert "would go without a person: this topic always needs one" in text
    assert next(r for r in found if r.level == "error").line > 0


@pytest.mark.parametrize("name", ["security_change", "legal_commitment", "account_closure"])
def test_so_is_an_action_that_always_needs_a_person(name: str) -> None:
    found = few(**topic("actions", name, tier="low", action_class="notify", always_human=False))
    assert len(about(found, f"actions.{name}", "error")) == 1


def test_the_exemption_for_small_refunds_is_a_warning_and_is_listed() -> None:
    intents = {name: risk("intents")[name] for name in ("shipping_status", "complaint", "refund_request")}
    found = few(intents=intents, unsafe_small_refund_auto=True)
    assert about(found, "unsafe_small_refund_auto", "warning")
    assert about(found, "", "error") == []
    assert "refund_request with refund" in " ".join(about(found, "thresholds.auto"))


def test_high_tier_without_a_handling_row_is_an_error() -> None:
    changes = topic("intents", "complaint", tier="high", action_class="auto")
    assert about(few(**changes), "intents.complaint", "error") == []
    found = few(**changes, **without("handling", "high_tier"))
    assert any("its tier is high" in text for text in about(found, "intents.complaint", "error"))


@pytest.mark.parametrize(
    ("dropped", "says"),
    [
        ("account_vip", "(vip)"),
        ("account_contract_value", "(high contract value)"),
        ("account_regulated", "(regulated)"),
        ("account_privileged", "(privileged role)"),
        ("account_active_escalation", "(active escalation)"),
        ("irreversible", "(irreversible)"),
        ("bulk", "(bulk)"),
    ],
)
def test_what_no_rule_keeps_from_going_is_an_error(dropped: str, says: str) -> None:
    errors = about(few(**without("rules", dropped, f"{dropped}_money")), "rules", "error")
    assert len(errors) == 1
    assert says in errors[0]


# --- who is asked ------------------------------------------------------------------------------------------------


def test_a_sign_off_with_one_stage_is_a_warning() -> None:
    found = few(stages=[{"id": "review", "label": "Review", "any_of": ["$route"]}])
    assert any("only one person is asked" in text for text in about(found, "stages", "warning"))


def test_a_rule_that_asks_for_two_people_at_a_tier_with_one_step_is_a_warning() -> None:
    (found,) = mine("customer.vip", person="sign_off")
    assert found.key.endswith("raises.person")
    assert "low tier" in found.message
    assert mine("customer.vip", person="sign_off", tier="high") == []


def test_a_first_step_that_no_packet_reaches_is_a_warning() -> None:
    review_step, *others = risk("stages")
    found = few(
        stages=[
            {"id": "review", "label": "Review", "when": review_step["when"], "each": ["$route", "legal_approver"]},
            *others,
        ]
    )
    (text,) = about(found, "stages", "warning")
    assert "legal_approver is asked first (stage review)" in text
    assert "#legal-approvals" in text


def test_a_rung_after_the_case_expired_is_a_warning() -> None:
    ladders = {**risk("ladders"), "standard": [{"id": "late", "after": "2d", "do": "remind"}]}
    (text,) = about(few(ladders=ladders), "ladders.standard[0].after", "warning")
    assert "never fires" in text
    early = {**risk("ladders"), "standard": [{"id": "half", "after": "50%", "do": "remind"}]}
    assert about(few(ladders=early), "ladders") == []


def test_a_role_nobody_asks_is_named() -> None:
    idle = {"title": "Idle", "group": "idle", "channel": "idle", "kind": "agent", "backup": "support_lead"}
    documents = with_risk(**FEW)
    roles = {**documents.roles, "roles": {**documents.roles["roles"], "idle_role": idle}}
    assert about(reviewed(replace(documents, roles=roles)), "roles.idle_role", "info")
    assert about(few(), "roles.support_agent") == []


# --- gaps and other files ----------------------------------------------------------------------------------------


def test_gaps_say_what_happens_in_them() -> None:
    found = few()
    (unknown, nothing) = about(found, "intents", "info")
    assert unknown.startswith("An intent that is not listed counts as medium")
    assert "#support-review" in unknown
    assert "a person writes the reply" in nothing
    money = " ".join(about(found, "money_limits"))
    assert "segments other than standard, small and enterprise" in money
    assert "currencies other than EUR and USD" in money
    assert "For standard accounts only refunds have a limit" in money


def test_a_currency_one_segment_lacks_is_named() -> None:
    first, *others = risk("money_limits")
    found = few(money_limits=[{**first, "above": first["above"][:1]}, *others])
    assert "For standard accounts no limit is set in USD: a person decides." in about(found, "money_limits")


def test_a_template_that_a_guardrail_blocks_and_an_override_by_nobody_are_warnings() -> None:
    documents = with_risk(**FEW)
    guardrails = dict(documents.guardrails)
    guardrails["templates"] = [{"id": "oops", "title": "Oops", "text": "We have issued your refund of 20 EUR."}]
    first, *others = guardrails["rules"]
    guardrails["rules"] = [{**first, "overridable_by": "security_respnder"}, *others]
    found = reviewed(replace(documents, guardrails=guardrails))
    (blocked,) = about(found, "templates[0].text", "warning")
    assert "can never be sent as it is" in blocked
    assert next(r for r in found if r.key == "rules[0].overridable_by").hint == "did you mean security_responder?"


def test_what_the_classifier_says_and_the_table_lacks_is_a_warning() -> None:
    taught = {"format": 1, "intents": {"shipping_status": ["where is it"], "complant": ["this is bad"]}}
    found = reviewed(replace(with_risk(**FEW), intents=taught))
    labels = [(r.level, r.key) for r in found if r.file == "intents.yaml"]
    assert labels == [("warning", "intents.complant"), ("info", "intents")]
