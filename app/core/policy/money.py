"""Money limits: what a transaction of this size by this customer needs (RI4)."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from app.core.assessment import Reason
from app.core.case import Case
from app.core.policy import riskfile
from app.core.policy.facts import fold

REFUND = "refund"


def money_objection(case: Case, risk: riskfile.Document) -> Reason | None:
    """Why a person has to look at this money, None when its limit holds or no money moves."""
    action = case.action
    if action is None:
        return None
    kind = fold(action.type)
    topic = risk.actions.get(kind)
    moves = (topic is not None and topic.money) or action.amount is not None or bool(action.amount_text)
    if not moves:
        return None
    what = topic.title if topic else "this transaction"
    if action.amount is None or not action.amount.is_finite():
        said = f"“{action.amount_text[:40]}”" if action.amount_text else "missing"
        return _reason("money_unreadable", f"The amount of {what} is {said}, so a person has to read it.")
    segment, currency = fold(case.customer.segment), action.currency.upper()
    amount = f"{abs(action.amount).normalize():,f} {currency or '(no currency)'}"
    facts = {"action.amount": amount, "customer.segment": segment or "none"}
    limits = [m for m in risk.money_limits if fold(m.segment) == segment and m.of in (_kind(kind), "any")]
    if not limits:
        return _reason("money_segment", f"No money limit is set for {what} by {_segment(segment)}.", facts)
    for limit in limits:
        most = _limit_in(limit.above, currency)
        if most is None:
            return _reason("money_currency", f"No money limit is set for {amount}, so a person decides.", facts)
        if abs(action.amount) > most:
            limit_text = f"{most.normalize():,f} {currency}"
            text = f"{amount} is above the {limit_text} that {_segment(segment)} may have without a person."
            return _reason("money_limit", text, facts | {"limit": limit_text})
    return None


def small_refund_exempt(case: Case, risk: riskfile.Document) -> bool:
    """The one exemption, off as shipped: a verified small refund to a standard account."""
    action = case.action
    return (
        risk.unsafe_small_refund_auto
        and not risk.baseline_mode
        and action is not None
        and fold(action.type) == REFUND
        and fold(case.customer.segment) == "standard"
        and action.transaction_verified
        and action.amount is not None
        and action.amount > 0
        and not action.irreversible
        and action.scope == "single"
        and money_objection(case, risk) is None
    )


def _kind(action_type: str) -> str:
    return REFUND if action_type == REFUND else "any"


def _limit_in(limits: Iterable[riskfile.Money], currency: str) -> Decimal | None:
    return next((Decimal(str(m.amount)) for m in limits if m.currency == currency), None)


def _segment(segment: str) -> str:
    if not segment:
        return "an account of no segment"
    return f"{'an' if segment[0] in 'aeiou' else 'a'} {segment[:40]} account"


def _reason(rule_id: str, text: str, facts: dict[str, str] | None = None) -> Reason:
    return Reason(rule_id=rule_id, text=text, facts=facts or {})
