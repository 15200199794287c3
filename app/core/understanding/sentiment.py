"""How the customer feels, in English: VADER's valences as probabilities.

VADER reads reviews and tweets. `tone` in intents.yaml sets right what support messages use otherwise: "please" is not
joy, "cancel" is not anger.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

from app.core.case import Signal
from app.core.understanding.features import FIRST_CHARACTERS, LAST_CHARACTERS

# Log-odds of positive (or negative) to neutral: STEEP times the valence, less what most support messages are: neutral.
STEEP, NEUTRAL = 6.0, 1.6
# Of a language nobody reads here: neutral, and not sure enough for anything.
UNREAD = Signal(label="neutral", confidence=0.4, source="builtin")
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_MOST_SENTENCES = 40


class Sentiment:
    def __init__(self, tone: Mapping[str, float]) -> None:
        self._vader = SentimentIntensityAnalyzer()
        self._vader.lexicon.update({word.lower(): value for word, value in tone.items()})

    def read(self, text: str) -> Signal:
        valence = self.valence(text)
        odds = {
            "neutral": 1.0,
            "negative": math.exp(-STEEP * valence - NEUTRAL),
            "positive": math.exp(STEEP * valence - NEUTRAL),
        }
        label = max(odds, key=lambda name: odds[name])
        return Signal(label=label, confidence=round(odds[label] / sum(odds.values()), 4), source="builtin")

    def valence(self, text: str) -> float:
        """From -1 (furious) to 1 (delighted). The worst sentences count most: "hello" and "thanks" undo no anger."""
        if len(text) > FIRST_CHARACTERS + LAST_CHARACTERS:
            text = f"{text[:FIRST_CHARACTERS]}\n{text[-LAST_CHARACTERS:]}"
        sentences = [part for part in _SENTENCE.split(text) if part.strip()]
        if len(sentences) > _MOST_SENTENCES:
            sentences = sentences[: _MOST_SENTENCES // 2] + sentences[-_MOST_SENTENCES // 2 :]
        found = sorted(float(self._vader.polarity_scores(part)["compound"]) for part in sentences)
        if not found:
            return 0.0
        mean = sum(found) / len(found)
        if found[0] >= 0:
            return mean
        worst = found[0] + (min(found[1], 0.0) * (1 + found[0]) if len(found) > 1 else 0.0)
        weight = math.sqrt(-worst)
        return weight * worst + (1 - weight) * mean
