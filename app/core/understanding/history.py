"""What several messages say together: a mood that falls, a question asked again."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise

from app.core.case import Message
from app.core.understanding.document import OUT_OF_SCOPE
from app.core.understanding.reading import Understanding

FALLING_OVER = 3
_LEAST_STEP, _LEAST_FALL = 0.05, 0.4
_LEAST_SURE = 0.5


def sentiment_falling(messages: Sequence[Message], understanding: Understanding) -> bool:
    """The last three customer messages, each unhappier than the one before, and the last one unhappy."""
    texts = [message.text for message in messages if message.author == "customer"][-FALLING_OVER:]
    if len(texts) < FALLING_OVER:
        return False
    moods = [understanding.valence(text) for text in texts]
    known = [mood for mood in moods if mood is not None]
    return (
        len(known) == FALLING_OVER
        and all(before - after >= _LEAST_STEP for before, after in pairwise(known))
        and known[0] - known[-1] >= _LEAST_FALL
        and known[-1] < 0
    )


def repeated_intent(messages: Sequence[Message], understanding: Understanding) -> bool:
    """The customer's last two turns want the same, and somebody replied between them.

    Messages that the customer wrote in a row are one turn. What is out of scope or unsure never counts as the same.
    """
    said = [message for message in messages if message.author != "system"]
    turns = [
        "\n".join(message.text for message in turn)
        for customer, turn in groupby(said, key=lambda message: message.author == "customer")
        if customer
    ]
    if len(turns) < 2:
        return False
    before, now = (understanding.intent(turn) for turn in turns[-2:])
    return before.label == now.label != OUT_OF_SCOPE and min(before.confidence, now.confidence) >= _LEAST_SURE
