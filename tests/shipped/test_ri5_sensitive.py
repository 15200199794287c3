"""RI5: sensitive accounts, and what needs one approver from each of two roles or an executive last."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from app.core.assessment import Assessment
from app.core.case import Action
from tests.make import a_customer, a_ticket, signals
from tests.shipped.asking import ask, live, rule_ids, without_a_person

SENSITIVE: dict[str, tuple[dict[str, Any], str, str]] = {
    "contract value 50,000": ({"contract_value": Decimal(50000)}, "account_contract_value", "vip_manager"),
    "VIP": ({"vip": True}, "account_vip", "vip_manager"),
    "regulated": ({"regulated": True}, "account_regulated", "support_agent"),
    "regulated industry": ({"industry": "Healthcare"}, "account_regulated", "support_agent"),
    "global admin": ({"privileged_roles": ("Global Admin",)}, "account_privileged", "support_agent"),
    "security admin": ({"privileged_roles": ("security_admin",)}, "account_privileged", "support_agent"),
    "tier 0": ({"privileged_roles": ("tier 0",)}, "account_privileged", "support_agent"),
    "tier 1": ({"privileged_roles": ("tier 1",)}, "account_privileged", "support_agent"),
    "active escalation": ({"active_escalation": True}, "account_active_escalation", "support_agent"),
}


@pytest.mark.parametrize(("change", "rule", "role"), SENSITIVE.values(), ids=SENSITIVE)
class TestASensitiveAccount:
    def test_never_auto_medium_at_least_urgent(self, change: dict[str, Any], rule: str, role: str) -> None:
        result = ask(live(), customer=a_customer(**change))
        assert (result.tier, result.ladder, result.route.role) == ("medium", "urgent", role)
        assert not without_a_person(result)
        assert rule in rule_ids(result)

    def test_backup_manager_and_the_safe_fallback(self, change: dict[str, Any], rule: str, role: str) -> None:
        rungs = ask(customer=a_customer(**change)).rungs
        assert [(rung.do, rung.after / 60) for rung in rungs] == [("escalate", 15), ("escalate", 30), ("holding", 30)]

    def test_no_fallback_where_none_may_be_sent(self, change: dict[str, Any], rule: str, role: str) -> None:
        result = ask(customer=a_customer(**change), ticket=a_ticket(channel="phone"))
        assert (result.holding_allowed, [rung.do for rung in result.rungs]) == (False, ["escalate", "escalate"])

    def test_it_lowers_no_high_tier(self, change: dict[str, Any], rule: str, role: str) -> None:
        assert ask(customer=a_customer(**change), signals=signals("legal_question")).tier == "high"


@pytest.mark.parametrize(
    "industry",
    [
        *("healthcare", "Health Care", "medical devices", "Pharmaceuticals", "Banking", "bank", "Finance"),
        *("Financial Services", "banking_finance", "FinTech", "insurance", "Government", "Public Sector"),
    ],
)
def test_regulated_industries_however_they_are_written(industry: str) -> None:
    assert "account_regulated" in rule_ids(ask(customer=a_customer(industry=industry)))


@pytest.mark.parametrize(
    "change",
    [
        {"contract_value": Decimal("49999.99")},
        {"contract_value": None},
        {"industry": "retail"},
        {"industry": "embankment"},
    ],
    ids=["contract value 49,999.99", "none known", "retail", "a word inside a word"],
)
def test_an_ordinary_account(change: dict[str, Any]) -> None:
    result = ask(live(), customer=a_customer(**change))
    assert (result.tier, result.ladder, result.required) == ("low", "standard", "auto")


def last_steps(result: Assessment) -> list[tuple[str, str, tuple[str, ...]]]:
    return [(stage.id, stage.mode, stage.roles) for stage in result.stages[1:]]


MONEY = ("money_sign_off", "each", ("billing_approver", "support_lead"))
BULK = ("bulk_sign_off", "each", ("compliance_approver", "security_responder"))
EXECUTIVE = ("executive", "any_of", ("executive_approver",))


class TestEachOfTwoRoles:
    @pytest.mark.parametrize("type", ["payment", "refund", "credit", "discount"])
    def test_irreversible_money(self, type: str) -> None:
        result = ask(action=Action(type=type, amount=Decimal(20), currency="EUR", irreversible=True))
        assert (result.tier, result.route.role, result.confirm) == ("high", "billing_approver", True)
        assert last_steps(result) == [MONEY]

    def test_an_amount_on_any_other_irreversible_action_is_money(self) -> None:
        result = ask(action=Action(type="order_change", amount=Decimal(20), currency="EUR", irreversible=True))
        assert last_steps(result) == [MONEY]

    @pytest.mark.parametrize(
        "action",
        [
            Action(type="data_export"),
            Action(type="data_export", scope="bulk"),
            Action(type="bulk_message", scope="bulk"),
        ],
        ids=["export", "bulk export", "bulk message"],
    )
    def test_bulk_export(self, action: Action) -> None:
        result = ask(action=action)
        assert (result.tier, result.route.role, result.confirm) == ("high", "compliance_approver", True)
        assert last_steps(result) == [BULK]

    def test_both_at_once_need_all_four(self) -> None:
        result = ask(action=Action(type="payment", amount=Decimal(20), currency="EUR", irreversible=True, scope="bulk"))
        assert last_steps(result) == [MONEY, BULK]

    def test_what_can_be_undone_needs_one_role(self) -> None:
        result = ask(action=Action(type="refund", amount=Decimal(20), currency="EUR"))
        assert last_steps(result) == [("sign_off", "any_of", ("billing_approver",))]


class TestEnterpriseAboveTenThousand:
    @pytest.mark.parametrize("currency", ["EUR", "USD", "JPY"])
    @pytest.mark.parametrize(
        ("segment", "amount", "last"),
        [
            ("enterprise", "10000", False),
            ("enterprise", "10000.000000000000001", True),
            ("enterprise", "-10000.01", True),
            ("Enterprise", "250000", True),
            ("standard", "250000", False),
        ],
    )
    def test_an_executive_signs_last(self, segment: str, amount: str, last: bool, currency: str) -> None:
        action = Action(type="refund", amount=Decimal(amount), currency=currency)
        result = ask(customer=a_customer(segment=segment), action=action)
        assert (last_steps(result)[-1] == EXECUTIVE) == last

    def test_whatever_the_action(self) -> None:
        action = Action(type="discount", amount=Decimal(20000), currency="EUR")
        result = ask(customer=a_customer(segment="enterprise"), action=action)
        assert (result.tier, last_steps(result)[-1]) == ("medium", EXECUTIVE)

    def test_after_everybody_else(self) -> None:
        action = Action(type="payment", amount=Decimal(20000), currency="EUR", irreversible=True)
        assert last_steps(ask(customer=a_customer(segment="enterprise"), action=action)) == [MONEY, EXECUTIVE]

    def test_an_unreadable_amount_counts_as_above(self) -> None:
        action = Action(type="refund", amount_text="a lot", currency="EUR")
        assert last_steps(ask(customer=a_customer(segment="enterprise"), action=action))[-1] == EXECUTIVE
