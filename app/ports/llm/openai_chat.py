"""OpenAI and whatever speaks its chat completions with structured output (`response_format` of a JSON Schema)."""

from __future__ import annotations

import logging

import httpx2
import msgspec
import openai
from openai.types.shared_params import ResponseFormatJSONSchema

from app.ports.errors import GiveUp, PortError
from app.ports.llm.answers import Unusable
from app.ports.llm.exchange import (
    LONGEST_ANSWER_TOKENS,
    NAME,
    base_url,
    client,
    cut_short,
    declined,
    limits,
    refused,
    unreached,
)
from app.ports.llm.prompting import Question
from app.ports.llm.structured import Answer

# At DEBUG it logs requests with all they hold.
logging.getLogger("openai").setLevel(logging.WARNING)

DEFAULT_URL = "https://api.openai.com/v1"
_HOST = "api.openai.com"


class _Message(msgspec.Struct, frozen=True):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct, frozen=True):
    choices: list[_Choice]
    id: str = ""


class OpenAIChat:
    """A `url` without a path means its `/v1`. Without an API key no credentials are sent: for a server of your own."""

    def __init__(self, url: str, model: str, api_key: str, *, network: httpx2.BaseTransport | None = None) -> None:
        base = base_url(url, DEFAULT_URL)
        if base.path in ("", "/"):
            base = base.copy_with(path="/v1")
        self.name = f"openai:{model}"
        self._model = model
        # OpenAI may keep what it is asked unless told not to; other servers need not know the option.
        asked_of_openai = base.host == _HOST or base.host.endswith(f".{_HOST}")
        self._store: bool | openai.Omit = False if asked_of_openai else openai.omit
        headers = {"authorization": f"Bearer {api_key}"} if api_key else {}
        self._client = openai.OpenAI(
            # Never empty: the SDK would look for one in the environment.
            api_key=api_key or "none",
            base_url=base,
            max_retries=0,
            http_client=client(headers, network),
        )

    def ask(self, question: Question, seconds: float) -> Answer:
        form: ResponseFormatJSONSchema = {
            "type": "json_schema",
            "json_schema": {"name": question.name, "strict": True, "schema": question.schema},
        }
        problem: PortError
        try:
            raw = self._client.chat.completions.with_raw_response.create(
                model=self._model,
                messages=[
                    {"role": "system", "content": question.instructions},
                    {"role": "user", "content": question.material},
                ],
                response_format=form,
                max_completion_tokens=LONGEST_ANSWER_TOKENS,
                timeout=limits(seconds),
                store=self._store,
            )
        except openai.APIStatusError as exc:
            problem = refused(exc.status_code, exc.response.headers.get("retry-after"))
        except openai.APIConnectionError as exc:
            problem = unreached(exc.__cause__)
        except openai.OpenAIError:
            problem = GiveUp(f"{NAME} could not be asked", "A person writes this one", code="sdk")
        else:
            return _answer(raw.http_response.content)
        # Outside of the handlers: the SDK's error may quote the request and the key.
        raise problem


def _answer(body: bytes) -> Answer:
    try:
        completion = msgspec.json.decode(body, type=_Completion)
    except (msgspec.DecodeError, UnicodeError):
        completion = _Completion([])
    if not completion.choices:
        raise Unusable("is no chat completion")
    choice = completion.choices[0]
    if choice.message.refusal:
        raise declined("refusal")
    if choice.finish_reason == "content_filter":
        raise declined("content_filter")
    if choice.finish_reason == "length":
        raise cut_short("length")
    if not choice.message.content:
        raise Unusable("is empty")
    return Answer(choice.message.content, completion.id)
