"""The language model as a port: it reads a case and may write a draft. It decides nothing.

The official SDKs are optional extras, imported only by the adapter that is configured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from app.core.case import Case, Draft, Gist, Signals
from app.ports.errors import Misconfigured
from app.ports.http import header_value

KIND_SETTING = "COUNTERSIGN_LLM_KIND"
URL_SETTING = "COUNTERSIGN_LLM_URL"
MODEL_SETTING = "COUNTERSIGN_LLM_MODEL"
CREDENTIAL_SETTING = "COUNTERSIGN_LLM_API_KEY"
KINDS = ("openai", "anthropic")


class Reading(msgspec.Struct, frozen=True, kw_only=True):
    """What the model understood: signals with source `llm`, and a gist with source `llm`."""

    signals: Signals
    gist: Gist | None


class Brief(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft is written from besides the case."""

    notes: tuple[str, ...]  # guidance texts of the policy rules that fired
    templates: tuple[tuple[str, str, str], ...]  # id, title and text of approved templates
    feedback: tuple[str, ...] = ()  # reviewers' words on rejected drafts, oldest first (AI5)
    rejected: str = ""  # the rejected text


class LanguageModel(Protocol):
    """Both methods raise RetryLater or GiveUp (`app.ports.errors`); asking again changes nothing anywhere."""

    @property
    def name(self) -> str:
        """Vendor and model, such as `openai:gpt-x`: for the audit log."""

    def read(self, case: Case, intents: Mapping[str, str]) -> Reading:
        """Signals and gist of the customer's messages. `intents` are the labels it may give, with their titles."""

    def draft(self, case: Case, brief: Brief) -> Draft:
        """A reply by the AI at version 0; whoever takes it numbers it."""


def language_model(kind: str, url: str, model: str, api_key: str, *, timeout: float = 10.0) -> LanguageModel:
    """The configured model; an empty `url` is the vendor's own. `timeout` bounds a whole call, in seconds.

    Raises Misconfigured, also when the SDK is not installed.
    """
    if kind not in KINDS:
        raise Misconfigured(KIND_SETTING, f"must be one of {', '.join(KINDS)}")
    if not model:
        raise Misconfigured(MODEL_SETTING, "must be set")
    if api_key or not url:
        header_value(api_key, CREDENTIAL_SETTING)
    from app.ports.llm.structured import StructuredModel, Vendor

    vendor: Vendor
    try:
        if kind == "openai":
            from app.ports.llm.openai_chat import OpenAIChat

            vendor = OpenAIChat(url, model, api_key)
        else:
            from app.ports.llm.anthropic_messages import AnthropicMessages

            vendor = AnthropicMessages(url, model, api_key)
    except ModuleNotFoundError as missing:
        problem = f"is {kind}, which needs a package that is not installed: pip install 'countersign[{kind}]'"
        raise Misconfigured(KIND_SETTING, problem) from missing
    return StructuredModel(vendor, timeout=timeout)
