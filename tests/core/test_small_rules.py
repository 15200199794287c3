"""Amounts, parts of long drafts, people behind accounts, retries and breakers: small rules much depends on."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.money import read_amount
from app.core.parts import FIRST_PART, NEXT_PART, draft_parts
from app.core.retry import HORIZON, Breaker, OutOfTime, RetryAt, plan_retry
from tests.make import NOW, a_person, people


@pytest.mark.parametrize(
    ("text", "amount"), [("240", "240"), (" 240.50 ", "240.50"), ("-3", "-3"), ("1e3", "1E+3"), ("0", "0")]
)
def test_plain_amounts_are_read(text: str, amount: str) -> None:
    assert read_amount(text) == (Decimal(amount), "")


@pytest.mark.parametrize("text", ["", "about 50", "1,000", "1_000", "50 EUR", "NaN", "Infinity", "1e99", "٥٠ ؟"])
def test_what_nobody_can_be_sure_of_is_kept_as_text(text: str) -> None:
    assert read_amount(text) == (None, text.strip())


@given(st.text(max_size=25_000))
def test_the_parts_of_a_draft_are_the_draft(text: str) -> None:
    parts = draft_parts(text)
    assert "".join(parts) == text
    assert len(parts[0]) <= FIRST_PART
    assert all(0 < len(part) <= NEXT_PART for part in parts[1:])


def test_parts_break_at_a_space_where_there_is_one() -> None:
    text = "word " * 4_000
    assert all(part.endswith(" ") for part in draft_parts(text))


def test_a_mark_stays_with_its_letter() -> None:
    text = "e\u0301" * 4_000  # e and a combining accent: 8,000 characters without a space
    assert all(not part.startswith("\u0301") for part in draft_parts(text))


def test_several_accounts_with_one_address_are_one_person() -> None:
    who = people()
    assert who.find("UAGENT1").key == who.find("UAGENT1B").key
    assert "support_agent" in who.roles_of("UAGENT1B")
    assert [p.user_id for p in who.members("support_agent")].count("UAGENT1B") == 0


def test_nobody_known_has_no_role() -> None:
    assert people().roles_of("USTRANGER") == frozenset()
    assert people(None, a_person("UAGENT2", deleted=True)).roles_of("UAGENT2") == frozenset()


def test_retries_double_up_to_a_minute_around_their_jitter() -> None:
    for attempts, seconds in ((1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (50, 60)):
        early = plan_retry(attempts=attempts, first_at=NOW, now=NOW, after=None, jitter=0.0)
        late = plan_retry(attempts=attempts, first_at=NOW, now=NOW, after=None, jitter=1.0)
        assert early == RetryAt(NOW + timedelta(seconds=seconds * 0.75))
        assert late == RetryAt(NOW + timedelta(seconds=seconds * 1.25))


def test_retry_after_is_never_undercut() -> None:
    plan = plan_retry(attempts=1, first_at=NOW, now=NOW, after=30.0, jitter=0.5)
    assert plan == RetryAt(NOW + timedelta(seconds=30))


def test_after_a_day_it_is_a_dead_letter() -> None:
    assert plan_retry(attempts=10, first_at=NOW, now=NOW + HORIZON, after=None, jitter=0.5) == OutOfTime()
    assert plan_retry(attempts=9, first_at=NOW, now=NOW + HORIZON, after=None, jitter=0.5) != OutOfTime()


def test_a_breaker_opens_after_five_failures_and_probes() -> None:
    breaker = Breaker()
    for _ in range(4):
        breaker = breaker.failed(NOW)
    assert breaker.allows(NOW) is None
    breaker = breaker.failed(NOW)
    assert breaker.allows(NOW) == 0
    assert breaker.allows(NOW + timedelta(seconds=29)) == 0
    assert breaker.allows(NOW + timedelta(seconds=30)) == 1
    assert breaker.succeeded().allows(NOW) is None
