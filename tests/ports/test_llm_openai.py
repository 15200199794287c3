from __future__ import annotations

import logging
import sys
import traceback
from typing import Any

import httpx2
import pytest

from app.core.case import Signal, Signals
from app.ports.errors import GiveUp, Misconfigured, PortError, RetryLater
from app.ports.http import CONNECT
from app.ports.llm import LanguageModel, language_model
from app.ports.llm.openai_chat import OpenAIChat
from app.ports.llm.structured import StructuredModel
from tests.ports.far_end import FarEnd, Received, Reply, a_json, closed_port, far_end
from tests.ports.llm_far_end import (
    BRIEF,
    BROKEN_DRAFTS,
    BROKEN_READS,
    DRAFT,
    INTENTS,
    KEY,
    READ,
    WORDS,
    chat_completion,
    the_case,
)


def model(url: str, **changes: Any) -> LanguageModel:
    return language_model("openai", url, "gpt-x", KEY, **{"timeout": 5.0, **changes})


def problem(reply: Reply, **changes: Any) -> PortError:
    with far_end(reply) as there, pytest.raises(PortError) as caught:
        model(there.url, **changes).read(the_case(), INTENTS)
    return caught.value


def test_a_case_is_read() -> None:
    with far_end(chat_completion(READ)) as there:
        reading = model(there.url).read(the_case(), INTENTS)
    assert reading.signals == Signals(
        intent=Signal(label="shipping_status", confidence=0.91, source="llm"),
        sentiment=Signal(label="negative", confidence=0.8, source="llm"),
        language=Signal(label="en", confidence=1.0, source="llm"),
    )
    assert reading.gist is not None
    assert (reading.gist.source, reading.gist.summary) == ("llm", READ["summary"])
    assert [(f.field, f.value) for f in reading.gist.fields] == [("order_id", "A-7731"), ("amount", "240 EUR")]


def test_a_draft_says_who_wrote_it_and_from_what() -> None:
    with far_end(chat_completion(DRAFT)) as there:
        draft = model(there.url).draft(the_case(), BRIEF)
    assert (draft.version, draft.author, draft.text, draft.confidence) == (0, "ai", DRAFT["text"], 0.72)
    assert (draft.model_name, draft.ai_trace_id) == ("openai:gpt-x", "chatcmpl-9")
    assert draft.prompt_template_version.startswith("draft@1+")
    assert [s.title for s in draft.sources] == [BRIEF.notes[0]]
    assert draft.suggested_macros == ("late-parcel",)
    assert draft.next_questions == ("Has the carrier lost it?",)


def test_only_what_is_needed_goes_over_the_wire() -> None:
    with far_end(chat_completion(READ)) as there:
        model(there.url).read(the_case(), INTENTS)
    (sent,) = there.taken
    assert (sent.method, sent.path) == ("POST", "/v1/chat/completions")
    assert sent.headers.pop("content-length") == str(len(sent.body))
    assert sent.headers == {
        "host": f"127.0.0.1:{there.port}",
        "authorization": f"Bearer {KEY}",
        "accept": "application/json",
        "content-type": "application/json",
        "user-agent": "countersign",
    }
    assert set(sent.json) == {"model", "messages", "response_format", "max_completion_tokens"}
    assert [m["role"] for m in sent.json["messages"]] == ["system", "user"]
    form = sent.json["response_format"]
    assert (form["type"], form["json_schema"]["strict"]) == ("json_schema", True)
    assert form["json_schema"]["schema"]["properties"]["intent"]["enum"] == list(INTENTS)
    assert "order A-7731" in sent.json["messages"][1]["content"]
    for kept in ("4111 1111", "maria@acme.example", "Acme Tools"):
        assert kept.encode() not in sent.body


def test_the_environment_has_no_say(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "OPENAI_API_KEY": "sk-of-somebody-else",
        "OPENAI_BASE_URL": "http://127.0.0.1:1/v1",
        "OPENAI_ORG_ID": "org-else",
        "OPENAI_PROJECT_ID": "proj-else",
        "OPENAI_CUSTOM_HEADERS": "authorization: Bearer sk-of-somebody-else\nx-else: 1",
        "HTTP_PROXY": "http://127.0.0.1:1",
        "ALL_PROXY": "http://127.0.0.1:1",
    }.items():
        monkeypatch.setenv(name, value)
    with far_end(chat_completion(READ)) as there:
        model(there.url).read(the_case(), INTENTS)
        language_model("openai", there.url, "local", "").read(the_case(), INTENTS)
    with_key, without_key = there.taken
    assert with_key.headers["authorization"] == f"Bearer {KEY}"
    assert "authorization" not in without_key.headers
    assert not any("else" in f"{name} {value}" for sent in there.taken for name, value in sent.headers.items())


def test_openai_itself_is_asked_at_its_own_address_and_told_to_keep_nothing() -> None:
    asked: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request)
        return httpx2.Response(200, content=chat_completion(READ).body)

    vendor = OpenAIChat("", "gpt-x", KEY, network=httpx2.MockTransport(answer))
    StructuredModel(vendor, timeout=5.0).read(the_case(), INTENTS)
    assert str(asked[0].url) == "https://api.openai.com/v1/chat/completions"
    assert b'"store":false' in asked[0].content.replace(b" ", b"")


@pytest.mark.parametrize("path", ["/v1", "/v1/", "/openai/deployments/x"])
def test_an_address_with_a_path_is_taken_as_it_is(path: str) -> None:
    with far_end(chat_completion(READ)) as there:
        model(there.url + path).read(the_case(), INTENTS)
    assert there.taken[0].path == f"{path.rstrip('/')}/chat/completions"


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504, 520, 529])
def test_what_passes_is_asked_again_later_and_not_by_the_sdk(status: int) -> None:
    with far_end(Reply(status, headers={"retry-after": "7"})) as there, pytest.raises(RetryLater) as caught:
        model(there.url).read(the_case(), INTENTS)
    assert (caught.value.code, caught.value.after) == (str(status), 7.0)
    assert len(there.taken) == 1


@pytest.mark.parametrize("status", [302, 400, 401, 402, 403, 404, 405, 413, 418, 422, 501])
def test_what_does_not_pass_is_given_up_with_what_to_do(status: int) -> None:
    echo = a_json({"error": {"message": f"Incorrect API key {KEY} for {WORDS}", "code": "x"}}, status)
    error = problem(echo)
    assert isinstance(error, GiveUp)
    assert error.code == str(status)
    assert error.remedy


def test_the_settings_to_look_at_are_named() -> None:
    assert "COUNTERSIGN_LLM_API_KEY" in str(problem(Reply(401)))
    assert "COUNTERSIGN_LLM_MODEL" in str(problem(Reply(404)))


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


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (chat_completion("", refusal="I cannot help with A-7731"), "refusal"),
        (chat_completion("", "content_filter"), "content_filter"),
        (chat_completion('{"intent": "shipp', "length"), "length"),
    ],
)
def test_a_refusal_a_filter_and_an_unfinished_answer_are_given_up_at_once(reply: Reply, code: str) -> None:
    with far_end(reply) as there, pytest.raises(GiveUp) as caught:
        model(there.url).read(the_case(), INTENTS)
    assert caught.value.code == code
    assert "A-7731" not in str(caught.value)
    assert len(there.taken) == 1


@pytest.mark.parametrize("broken", BROKEN_READS)
def test_a_reading_of_another_form_is_asked_for_once_more_and_given_up(broken: object) -> None:
    with far_end(chat_completion(broken)) as there, pytest.raises(GiveUp) as caught:
        model(there.url).read(the_case(), INTENTS)
    assert caught.value.code == "unusable"
    assert "A-7731" not in "".join(traceback.format_exception(caught.value))
    assert len(there.taken) == 2


@pytest.mark.parametrize("broken", BROKEN_DRAFTS)
def test_a_draft_of_another_form_is_asked_for_once_more_and_given_up(broken: object) -> None:
    with far_end(chat_completion(broken)) as there, pytest.raises(GiveUp) as caught:
        model(there.url).draft(the_case(), BRIEF)
    assert caught.value.code == "unusable"
    assert len(there.taken) == 2


@pytest.mark.parametrize(
    "body", [b"<html>", b"{}", b'{"choices": []}', b'{"choices": [{"message": {"content": 5}}]}', b"\xff"]
)
def test_an_answer_that_is_no_chat_completion_is_given_up(body: bytes) -> None:
    assert problem(Reply(200, body, {"content-type": "application/json"})).code == "unusable"


def test_a_second_answer_that_fits_is_taken() -> None:
    replies = [chat_completion("{"), chat_completion(READ)]
    with far_end(lambda _: replies.pop(0)) as there:
        signals = model(there.url).read(the_case(), INTENTS).signals
    assert signals.intent == Signal(label="shipping_status", confidence=0.91, source="llm")
    assert there.taken[0].body == there.taken[1].body


def test_both_attempts_share_one_time_limit() -> None:
    def answer(received: Received) -> Reply:
        return chat_completion("{") if len(there.taken) == 1 else Reply(fault="stall")

    with far_end(answer) as there, pytest.raises(RetryLater) as caught:
        model(there.url, timeout=0.5).read(the_case(), INTENTS)
    assert caught.value.code == "timeout"
    assert len(there.taken) == 2


def test_the_key_and_the_customers_words_are_said_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    def asked(there: FarEnd) -> str:
        llm = model(there.url)
        try:
            llm.read(the_case(), INTENTS)
        except PortError as error:
            return f"{llm!r} {vars(error)!r} {''.join(traceback.format_exception(error))}"
        raise AssertionError("nothing went wrong")

    echo = {"error": {"message": f"{KEY} {WORDS}", "type": "x"}}
    for status in (400, 401, 429, 500):
        with far_end(a_json(echo, status)) as there, caplog.at_level(logging.DEBUG):
            said = asked(there) + caplog.text
        assert KEY not in said
        assert "A-7731" not in said


@pytest.mark.parametrize(
    ("arguments", "setting"),
    [
        (("gemini", "", "m", KEY), "COUNTERSIGN_LLM_KIND"),
        (("openai", "", "", KEY), "COUNTERSIGN_LLM_MODEL"),
        (("openai", "", "m", ""), "COUNTERSIGN_LLM_API_KEY"),
        (("openai", "https://llm.test/v1", "m", "sk with blanks"), "COUNTERSIGN_LLM_API_KEY"),
        (("openai", "llm.test/v1", "m", KEY), "COUNTERSIGN_LLM_URL"),
        (("anthropic", "ftp://llm.test", "m", KEY), "COUNTERSIGN_LLM_URL"),
    ],
)
def test_settings_that_can_never_work_stop_at_once(arguments: tuple[str, str, str, str], setting: str) -> None:
    with pytest.raises(Misconfigured) as caught:
        language_model(*arguments)
    assert caught.value.setting == setting
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(("kind", "adapter"), [("openai", "openai_chat"), ("anthropic", "anthropic_messages")])
def test_a_missing_sdk_says_what_to_install(kind: str, adapter: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, f"app.ports.llm.{adapter}", raising=False)
    monkeypatch.setitem(sys.modules, kind, None)
    with pytest.raises(Misconfigured, match=rf"countersign\[{kind}\]"):
        language_model(kind, "", "m", KEY)
