"""What people read after a click where the case's state alone does not tell."""

from __future__ import annotations

from app.core.messages import OverrideGuardrail
from app.edges.listeners.shared import overridden_sentence
from tests.make import a_draft
from tests.scenes import after, received


def test_an_override_says_whether_one_more_is_needed() -> None:
    case = received("refund by an agent", draft=a_draft("We have issued a refund of 240 EUR.", author="human"))
    assert case.blocking
    word = {"case_id": case.id, "seen": case.request_hash, "reason": "They did, by hand."}
    once = after(case, OverrideGuardrail(user="UBILL1", **word))
    assert "A second person" in overridden_sentence(once)
    twice = after(once, OverrideGuardrail(user="UBILL2", **word))
    assert "lifted for exactly this text" in overridden_sentence(twice)
