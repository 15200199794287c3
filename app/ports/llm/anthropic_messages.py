"""Anthropic's Messages API with structured output (`output_config.format`); newer models refuse a forced tool."""

from __future__ import annotations

import logging

import anthropic
import httpx2
import msgspec

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
logging.getLogger("anthropic").setLevel(logging.WARNING)

DEFAULT_URL = "https://api.anthropic.com"
_VERSION = {"anthropic-version": "2023-06-01"}
_CUT = ("max_tokens", "model_context_window_exceeded")


class _Block(msgspec.Struct, frozen=True):
    type: str
    text: str = ""


class _Message(msgspec.Struct, frozen=True):
    content: list[_Block]
    stop_reason: str | None = None
    id: str = ""


class AnthropicMessages:
    """A `url` may end in `/v1` or not. Without an API key no credentials are sent: for a gateway of your own."""

    def __init__(self, url: str, model: str, api_key: str, *, network: httpx2.BaseTransport | None = None) -> None:
        base = base_url(url, DEFAULT_URL)
        self.name = f"anthropic:{model}"
        self._model = model
        headers = {**_VERSION, "x-api-key": api_key} if api_key else _VERSION
        self._client = anthropic.Anthropic(
            # Never empty: the SDK would look for one in the environment.
            api_key=api_key or "none",
            base_url=base.copy_with(path=base.path.rstrip("/").removesuffix("/v1") or "/"),
            max_retries=0,
            open_telemetry=False,
            http_client=client(headers, network),
        )

    def ask(self, question: Question, seconds: float) -> Answer:
        problem: PortError
        try:
            raw = self._client.messages.with_raw_response.create(
                model=self._model,
                system=question.instructions,
                messages=[{"role": "user", "content": question.material}],
                output_config={"format": {"type": "json_schema", "schema": question.schema}},
                max_tokens=LONGEST_ANSWER_TOKENS,
                timeout=limits(seconds),
            )
        except anthropic.APIStatusError as exc:
            problem = refused(exc.status_code, exc.response.headers.get("retry-after"))
        except anthropic.APIConnectionError as exc:
            problem = unreached(exc.__cause__)
        except anthropic.AnthropicError:
            problem = GiveUp(f"{NAME} could not be asked", "A person writes this one", code="sdk")
        else:
            return _answer(raw.http_response.content)
        # Outside of the handlers: the SDK's error may quote the request and the key.
        raise problem


def _answer(body: bytes) -> Answer:
    try:
        message = msgspec.json.decode(body, type=_Message)
    except (msgspec.DecodeError, UnicodeError):
        message = None
    if message is None:
        raise Unusable("is no message")
    if message.stop_reason == "refusal":
        raise declined("refusal")
    if message.stop_reason in _CUT:
        raise cut_short(message.stop_reason)
    # By type, not by place: a model that thinks says so first.
    text = "".join(block.text for block in message.content if block.type == "text")
    if not text:
        raise Unusable("is empty")
    return Answer(text, message.id)
