"""What several messages say together."""

from __future__ import annotations

import pytest

from app.core.case import Author, Message
from app.core.understanding import repeated_intent, sentiment_falling
from tests.understanding.shipped import shipped

HAPPY, CALM, CROSS, FURIOUS = (
    "Thanks, great service so far, I love it!",
    "Any news about it?",
    "This is annoying, I am disappointed.",
    "This is unacceptable, you are useless and I am furious!",
)


def conversation(*turns: tuple[Author, str]) -> list[Message]:
    return [Message(author=author, text=text) for author, text in turns]


def customer(*texts: str) -> list[Message]:
    return [m for text in texts for m in conversation(("customer", text), ("agent", "We are looking into it."))]


@pytest.mark.parametrize(
    ("texts", "falls"),
    [
        ((HAPPY, CALM, CROSS), True),
        ((CALM, CROSS, FURIOUS), True),
        ((FURIOUS, HAPPY, CALM, CROSS), True),
        ((CALM, CROSS), False),
        ((CROSS, CALM, FURIOUS), False),
        ((CALM, CALM, FURIOUS), False),
        ((FURIOUS, CROSS, CALM), False),
        ((HAPPY, CROSS, "Danke, aber das hilft mir leider gar nicht weiter."), False),
        ((), False),
    ],
)
def test_sentiment_falls_over_three_customer_messages(texts: tuple[str, ...], falls: bool) -> None:
    assert sentiment_falling(customer(*texts), shipped().read) is falls


def test_only_the_customer_s_mood_counts() -> None:
    messages = conversation(("customer", HAPPY), ("agent", CALM), ("ai", CROSS), ("system", FURIOUS))
    assert not sentiment_falling(messages, shipped().read)


REFUND, AGAIN, PASSWORD = (
    "I want my money back for the chair",
    "Please refund me for the chair!",
    "I forgot my password",
)


@pytest.mark.parametrize(
    ("messages", "repeats"),
    [
        (conversation(("customer", REFUND), ("agent", "Let me see."), ("customer", AGAIN)), True),
        (conversation(("customer", REFUND), ("ai", "Let me see."), ("customer", AGAIN)), True),
        (conversation(("customer", REFUND), ("agent", "Hm."), ("customer", "Hello?"), ("customer", AGAIN)), True),
        (conversation(("customer", REFUND), ("agent", "Done."), ("customer", AGAIN), ("agent", "Hm.")), True),
        (conversation(("customer", REFUND), ("customer", AGAIN)), False),
        (conversation(("customer", REFUND), ("system", "Assigned."), ("customer", AGAIN)), False),
        (conversation(("customer", REFUND), ("agent", "Let me see."), ("customer", PASSWORD)), False),
        (
            conversation(
                ("customer", REFUND), ("agent", "A."), ("customer", PASSWORD), ("agent", "B."), ("customer", AGAIN)
            ),
            False,
        ),
        (conversation(("customer", "thanks"), ("agent", "Welcome."), ("customer", "thank you")), False),
        (conversation(("agent", "Hello"), ("customer", REFUND)), False),
        ([], False),
    ],
)
def test_the_same_wish_after_a_reply_is_a_loop(messages: list[Message], repeats: bool) -> None:
    assert repeated_intent(messages, shipped().read) is repeats
