"""The shipped phrases, and small documents, for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from app.core.understanding import Understanding, compile_understanding

DIRECTORY = Path(__file__).parents[2] / "policies"


@cache
def shipped_document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DIRECTORY / "intents.yaml").read_text(encoding="utf-8"))
    return document


def shipped() -> Understanding:
    return compile_understanding(shipped_document())


def a_document(**changes: Any) -> dict[str, Any]:
    """Small enough to be learnt at once."""
    document: dict[str, Any] = {
        "format": 1,
        "words": {"thing": ["kettle", "lamp"]},
        "intents": {
            "repair": ["mend my {thing}", "the {thing} is broken", "it broke", "please repair it", "needs a repair"],
            "rental": ["rent a {thing}", "can I hire one", "borrow it for a day", "rental price", "hire a {thing}"],
            "out_of_scope": ["hello", "thank you", "what a day", "tell me a story", "how are you"],
        },
    }
    return document | changes
