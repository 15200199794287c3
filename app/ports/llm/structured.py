"""A language model that is asked for JSON of one form: the part that does not depend on the vendor."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TypeVar

import msgspec
from msgspec.structs import replace

from app.core.case import Case, Draft
from app.ports.errors import GiveUp
from app.ports.llm import MODEL_SETTING, Brief, Reading
from app.ports.llm.answers import (
    DraftAnswer,
    ReadAnswer,
    Unusable,
    decoded,
    draft_of,
    gist_of,
    signals_of,
)
from app.ports.llm.conversation import visible
from app.ports.llm.prompting import Question, draft_question, read_question

ATTEMPTS = 2  # a second one only for an answer that could not be used
_LONGEST_ID = 200
ResultT = TypeVar("ResultT")


class Answer(msgspec.Struct, frozen=True):
    """The JSON text the model wrote, and what the vendor calls this answer."""

    text: str
    id: str = ""


class Vendor(Protocol):
    name: str

    def ask(self, question: Question, seconds: float) -> Answer:
        """Raises RetryLater, GiveUp, or Unusable for an answer without a text."""


class StructuredModel:
    """`timeout` bounds a call with both its attempts, in seconds. `nonce` is a request's fence: not to be guessed."""

    def __init__(
        self,
        vendor: Vendor,
        *,
        timeout: float,
        nonce: Callable[[], str] = lambda: secrets.token_hex(8),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = vendor.name
        self._vendor = vendor
        self._timeout = timeout
        self._nonce = nonce
        self._clock = clock

    def read(self, case: Case, intents: Mapping[str, str]) -> Reading:
        question = read_question(case, intents, self._nonce())

        def reading(answer: Answer) -> Reading:
            read = decoded(answer.text, ReadAnswer)
            return Reading(signals=signals_of(read, intents), gist=gist_of(read, question.customer))

        return self._asked(question, reading)

    def draft(self, case: Case, brief: Brief) -> Draft:
        question = draft_question(case, brief, self._nonce())
        macros = [key for key, _, _ in brief.templates]

        def draft(answer: Answer) -> Draft:
            return replace(
                draft_of(decoded(answer.text, DraftAnswer), question.sources, macros),
                model_name=self.name,
                prompt_template_version=question.version,
                ai_trace_id=visible(answer.id)[:_LONGEST_ID],
            )

        return self._asked(question, draft)

    def _asked(self, question: Question, read: Callable[[Answer], ResultT]) -> ResultT:
        ends = self._clock() + self._timeout
        why = ""
        for attempt in range(ATTEMPTS):
            left = ends - self._clock()
            if attempt and left <= 0:
                break
            try:
                return read(self._vendor.ask(question, left))
            except Unusable as unusable:
                why = str(unusable)
        raise GiveUp(
            f"The language model's answer {why}",
            f"A person writes. If it happens often, check that {MODEL_SETTING} can give structured output",
            code="unusable",
        )
