from __future__ import annotations

import logging
import traceback
from typing import Any

import httpx2
import pytest

from app.core.case import Signal
from app.ports.errors import GiveUp, PortError, RetryLater
from app.ports.http import CONNECT
from app.ports.llm import LanguageModel, language_model
from app.ports.llm.anthropic_messages import AnthropicMessages
from app.ports.llm.structured import StructuredModel
from tests.ports.far_end import Reply, a_json, closed_port, far_end
from tests.ports.llm_far_end import (
    BRIEF,
    BROKEN_DRAFTS,
    BROKEN_READS,
    DRAFT,
    INTENTS,
    KEY,
    READ,
    WORDS,
    claude_message,
    the_case,
)


def model(url: str, **changes: Any) -> LanguageModel:
    return language_model("anthropic", url, "claude-x", KEY, **{"timeout": 5.0, **changes})


def problem(reply: Reply, **changes: Any) -> PortError:
    with far_end(reply) as there, pytest.raises(PortError) as caught:
        model(there.url, **changes).read(the_case(), INTENTS)
    return caught.value


def test_a_case_is_read_past_the_models_thinking() -> None:
    with far_end(claude_message(READ)) as there:
        reading = model(there.url).read(the_case(), INTENTS)
    assert reading.signals.intent == Signal(label="shipping_status", confidence=0.91, source="llm")
    assert reading.gist is not None
    assert reading.gist.summary == READ["summary"]
    assert [f.value for f in reading.gist.fields] == ["A-7731", "240 EUR"]


def test_a_draft_says_who_wrote_it() -> None:
    with far_end(claude_message(DRAFT)) as there:
        draft = model(there.url).draft(the_case(), BRIEF)
    assert (draft.version, draft.author, draft.text) == (0, "ai", DRAFT["text"])
    assert (draft.model_name, draft.ai_trace_id) == ("anthropic:claude-x", "msg_9")


def test_only_what_is_needed_goes_over_the_wire() -> None:
    with far_end(claude_message(DRAFT)) as there:
        model(there.url).draft(the_case(), BRIEF)
    (sent,) = there.taken
    assert (sent.method, sent.path) == ("POST", "/v1/messages")
    assert sent.headers.pop("content-length") == str(len(sent.body))
    assert sent.headers == {
        "host": f"127.0.0.1:{there.port}",
        "x-api-key": KEY,
        "anthropic-version": "2023-06-01",
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": "countersign",
    }
    # No forced tool and no word on thinking: newer models answer 400 to either.
    assert set(sent.json) == {"model", "system", "messages", "output_config", "max_tokens"}
    form = sent.json["output_config"]["format"]
    assert form["type"] == "json_schema"
    assert form["schema"]["properties"]["suggested_macros"]["items"]["enum"] == ["late-parcel"]
    assert [m["role"] for m in sent.json["messages"]] == ["user"]
    for kept in ("4111 1111", "maria@acme.example", "Acme Tools"):
        assert kept.encode() not in sent.body


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "ANTHROPIC_API_KEY": "sk-of-somebody-else",
        "ANTHROPIC_AUTH_TOKEN": "token-of-somebody-else",
        "ANTHROPIC_BASE_URL": "http://127.0.0.1:1",
        "ANTHROPIC_CUSTOM_HEADERS": "x-api-key: sk-of-somebody-else\nx-else: 1",
        "ANTHROPIC_PROFILE": "else",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    with far_end(claude_message(READ)) as there:
        model(there.url).read(the_case(), INTENTS)
        language_model("anthropic", there.url, "local", "").read(the_case(), INTENTS)
    with_key, without_key = there.taken
    assert with_key.headers["x-api-key"] == KEY
    assert "x-api-key" not in without_key.headers
    for sent in there.taken:
        assert "authorization" not in sent.headers
        assert not any("else" in f"{name} {value}" for name, value in sent.headers.items())


def test_anthropic_is_asked_at_its_own_address() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, content=claude_message(READ).body)

    vendor = AnthropicMessages("", "claude-x", KEY, network=httpx2.MockTransport(answer))
    StructuredModel(vendor, timeout=5.0).read(the_case(), INTENTS)
    assert str(asked[0].url) == "https://api.anthropic.com/v1/messages"


@pytest.mark.parametrize("path", ["/", "/v1", "/gateway", "/gateway/v1/"])
def test_an_address_may_end_in_its_version(path: str) -> None:
    with far_end(claude_message(READ)) as there:
        model(there.url + path).read(the_case(), INTENTS)
    assert there.taken[0].path == ("/gateway/v1/messages" if "gateway" in path else "/v1/messages")


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503, 504, 529])
def test_what_passes_is_asked_again_later_and_not_by_the_sdk(status: int) -> None:
    with far_end(Reply(status, headers={"retry-after": "7"})) as there, pytest.raises(RetryLater) as caught:
        model(there.url).read(the_case(), INTENTS)
    assert (caught.value.code, caught.value.after) == (str(status), 7.0)
    assert len(there.taken) == 1


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 413, 422, 501])
def test_what_does_not_pass_is_given_up_with_what_to_do(status: int) -> None:
    error = problem(Reply(status))
    assert isinstance(error, GiveUp)
    assert error.code == str(status)
    assert error.remedy


@pytest.mark.parametrize("fault", ["stall", "drip"])
def test_a_far_end_that_takes_too_long_is_left(fault: Any) -> None:
    error = problem(Reply(fault=fault), timeout=0.3)
    assert isinstance(error, RetryLater)
    assert error.code == "timeout"


@pytest.mark.parametrize("fault", ["reset", "close", "cut_body"])
def test_a_broken_connection_is_tried_again_later(fault: Any) -> None:
    error = problem(Reply(fault=fault))
    assert isinstance(error, RetryLater)
    assert error.code == "connection"


def test_a_refused_connection_was_never_made() -> None:
    with pytest.raises(RetryLater) as caught:
        model(f"http://127.0.0.1:{closed_port()}").draft(the_case(), BRIEF)
    assert caught.value.code == CONNECT


@pytest.mark.parametrize("stop_reason", ["refusal", "max_tokens", "model_context_window_exceeded"])
def test_a_refusal_and_an_unfinished_answer_are_given_up_at_once(stop_reason: str) -> None:
    with far_end(claude_message('{"intent": "A-77', stop_reason)) as there, pytest.raises(GiveUp) as caught:
        model(there.url).read(the_case(), INTENTS)
    assert caught.value.code == stop_reason
    assert "A-77" not in str(caught.value)
    assert len(there.taken) == 1


@pytest.mark.parametrize("broken", BROKEN_READS)
def test_a_reading_of_another_form_is_asked_for_once_more_and_given_up(broken: object) -> None:
    with far_end(claude_message(broken)) as there, pytest.raises(GiveUp) as caught:
        model(there.url).read(the_case(), INTENTS)
    assert caught.value.code == "unusable"
    assert "A-7731" not in "".join(traceback.format_exception(caught.value))
    assert len(there.taken) == 2


@pytest.mark.parametrize("broken", BROKEN_DRAFTS)
def test_a_draft_of_another_form_is_asked_for_once_more_and_given_up(broken: object) -> None:
    with far_end(claude_message(broken)) as there, pytest.raises(GiveUp) as caught:
        model(there.url).draft(the_case(), BRIEF)
    assert caught.value.code == "unusable"
    assert len(there.taken) == 2


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"content": []}', b'{"content": [{"type": "tool_use"}]}', b"\xff"]
)
def test_an_answer_that_is_no_message_is_given_up(body: bytes) -> None:
    assert problem(Reply(200, body, {"content-type": "application/json"})).code == "unusable"


def test_the_key_and_the_customers_words_are_said_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    echo = {"type": "error", "error": {"type": "x", "message": f"{KEY} {WORDS}"}}
    for status in (400, 401, 429, 500):
        with far_end(a_json(echo, status)) as there, caplog.at_level(logging.DEBUG):
            llm = model(there.url)
            with pytest.raises(PortError) as caught:
                llm.read(the_case(), INTENTS)
        error = "".join(traceback.format_exception(caught.value))
        said = f"{llm!r} {vars(caught.value)!r} {error} {caplog.text}"
        assert KEY not in said
        assert "A-7731" not in said
