"""People's names in free text, found by a spaCy pipeline that the policy names (`names.model` in guardrails.yaml).

spaCy is an extra (`ner`), and its pipelines are installed apart from it: both are looked for only when the policy asks.
"""

from __future__ import annotations

import importlib
import threading
from collections.abc import Iterable
from typing import Any

from app.core.errors import PolicyError, PolicyProblem
from app.core.findings import Finding, Side
from app.core.guards import Rules
from app.core.guards.rules import FILE, PERSON_RULE
from app.core.guards.scan import finding_of

_KEY = "names.model"
_PEOPLE = frozenset({"PERSON", "PER"})
# Parts of a pipeline that find no names and take most of its time.
_UNUSED = ["tagger", "parser", "senter", "morphologizer", "attribute_ruler", "lemmatizer", "textcat"]


class Names:
    """Finds names with a loaded pipeline; findings are those of the rule `pii-person`. Safe to share among threads."""

    def __init__(self, pipeline: Any, rules: Rules) -> None:
        self._pipeline = pipeline
        self._rules = rules
        self._rule = next(r.rule for r in rules.rules if r.rule.id == PERSON_RULE)
        self._alone = threading.Lock()

    def __call__(self, text: str, side: Side, known: Iterable[Finding] = ()) -> tuple[Finding, ...]:
        """Names in `text` as given, sorted by start; those inside a piece of personal data in `known` are left out."""
        if side not in self._rule.action or not text.strip():
            return ()
        taken = [(f.start, f.end) for f in known if f.entity is not None]
        return tuple(
            finding_of(self._rules, self._rule, side, span, "PERSON")
            for span in self._spans(text)
            if not any(start < span[1] and span[0] < end for start, end in taken)
        )

    def _spans(self, text: str) -> list[tuple[int, int]]:
        # The zone gives back what the vocabulary learnt from this text, or hostile text would fill the memory.
        with self._alone, self._pipeline.memory_zone():
            return [(e.start_char, e.end_char) for e in self._pipeline(text).ents if e.label_ in _PEOPLE]


def load_names(rules: Rules) -> Names | None:
    """The finder of names that the policy asks for, None when it asks for none. Reads the pipeline from the disk.

    Errors: PolicyError when spaCy or the pipeline is not installed, or the pipeline cannot be used.
    """
    model = rules.names_model
    if model is None:
        return None
    try:
        spacy = importlib.import_module("spacy")
    except ImportError:
        raise _problem("spaCy is not installed", 'pip install "countersign[ner]", or leave names out') from None
    try:
        pipeline = spacy.load(model, exclude=_UNUSED)
    except (OSError, ValueError, ImportError) as error:
        first = str(error).partition("\n")[0][:200]
        hint = f"install the pipeline, for example: python -m spacy download {model}"
        raise _problem(f"the spaCy pipeline {model!r} cannot be loaded: {first}", hint) from None
    return Names(pipeline, rules)


def _problem(message: str, hint: str) -> PolicyError:
    return PolicyError([PolicyProblem(file=FILE, key=_KEY, message=message, hint=hint)])
