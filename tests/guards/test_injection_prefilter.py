"""The prefilter leaves out only rules that would not have hit."""

from __future__ import annotations

import pytest

from app.core.guards import Rules
from app.core.guards.normalise import read
from app.core.guards.patterns import Prefilter, compile_pattern
from tests.guards.test_injection_languages import ATTACKS, LOOKALIKES


@pytest.mark.parametrize("code", sorted(ATTACKS))
def test_every_pattern_that_matches_is_a_candidate(rules: Rules, code: str) -> None:
    index = rules.index["input"]
    for text in (ATTACKS[code][0], ATTACKS[code][3], LOOKALIKES[code][0]):
        data = read(text).views[0].text.encode()
        tried = {pattern for _, pattern in index.candidates(data)}
        assert tried >= {pattern for _, pattern in index.entries if pattern.found_in(data)}


def test_few_rules_are_tried_on_a_plain_question(rules: Rules) -> None:
    index = rules.index["input"]
    data = read("Hello, when will my parcel with the two lamps arrive?").views[0].text.encode()
    assert len(list(index.candidates(data))) < len(index.entries) / 20


def test_patterns_with_and_without_words_are_numbered_alike() -> None:
    patterns = [compile_pattern(source, {}, None) for source in (r"\d{4}", "llama … farm", r"\w = \w")]
    prefilter = Prefilter(patterns)
    assert prefilter.Match(b"a llama farm in 1999") == [0, 1, 2]
    assert prefilter.Match(b"x = y") == [0, 3]
    assert prefilter.Match(b"") == [0]
