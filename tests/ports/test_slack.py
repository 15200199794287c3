from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from slack_sdk import WebClient

from app.ports.errors import Ambiguous, Found, GiveUp, RetryLater
from app.ports.http import CONNECT
from app.ports.slack import SlackPort, slack_client
from tests.make import NOW
from tests.ports.fake_slack import FakeSlack, fake_slack
from tests.ports.far_end import Reply, a_json, closed_port

BLOCKS = [{"type": "section", "text": {"type": "plain_text", "text": "Refund for Ada"}}]
METADATA = {"event_type": "countersign_case", "event_payload": {"case_id": "c1", "draft_version": 1}}


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with fake_slack() as there:
        yield there


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def port(slack: FakeSlack, clock: Clock) -> SlackPort:
    return SlackPort(slack.client, monotonic=clock, transport=httpx.HTTPTransport())


# --- posting -----------------------------------------------------------------------------------------------------


def test_a_packet_is_posted_with_its_marker_beside_its_metadata(port: SlackPort, slack: FakeSlack) -> None:
    sent = port.post("c1-1", "C1", "High: refund", BLOCKS, METADATA)
    assert (sent.channel_id, sent.ts) == ("C1", "1700000000.000001")
    (message,) = slack.messages
    assert message["blocks"] == BLOCKS
    assert message["text"] == "High: refund"
    assert message["metadata"] == {
        "event_type": "countersign_case",
        "event_payload": {"case_id": "c1", "draft_version": 1, "delivery": "c1-1"},
    }
    assert not any(message[k] for k in ("unfurl_links", "unfurl_media"))
    assert "thread_ts" not in message


def test_a_thread_reply_has_a_marker_of_its_own(port: SlackPort, slack: FakeSlack) -> None:
    port.post("c1-2", "C1", "Reminder", BLOCKS, None, thread_ts="1.1")
    (message,) = slack.messages
    assert message["thread_ts"] == "1.1"
    assert message["metadata"] == {"event_type": "countersign_delivery", "event_payload": {"delivery": "c1-2"}}


def test_an_update_replaces_text_blocks_and_metadata(port: SlackPort, slack: FakeSlack) -> None:
    slack.answers("chat.update", {"ts": "1.1", "channel": "C1"})
    assert port.update("C1", "1.1", "Approved", BLOCKS, METADATA).ts == "1.1"
    assert slack.calls[0][1] == {
        "channel": "C1",
        "ts": "1.1",
        "text": "Approved",
        "blocks": BLOCKS,
        "metadata": METADATA,
    }
    assert port.idempotent == {"PacketUpdate"}


def test_a_direct_message_opens_the_conversation_once(port: SlackPort, slack: FakeSlack, clock: Clock) -> None:
    assert port.direct("c1-3", "U1", "Receipt", BLOCKS).channel_id == "DU1"
    clock.now += 1
    port.direct("c1-4", "U1", "Receipt", BLOCKS)
    assert slack.names() == ["conversations.open", "chat.postMessage", "chat.postMessage"]


# --- pace --------------------------------------------------------------------------------------------------------


def test_one_message_a_second_a_channel_threads_included(port: SlackPort, slack: FakeSlack, clock: Clock) -> None:
    assert port.ready_at("C1") == 100.0
    port.post("c1-1", "C1", "a", BLOCKS, None)
    assert port.ready_at("C1") == 101.0
    clock.now = 100.75
    with pytest.raises(RetryLater) as caught:
        port.post("c1-2", "C1", "b", BLOCKS, None, thread_ts="1.1")
    assert caught.value.after == pytest.approx(0.25)
    port.post("c2-1", "C2", "other channels go on", BLOCKS, None)
    clock.now = 101.0
    port.post("c1-2", "C1", "b", BLOCKS, None, thread_ts="1.1")
    assert [m["text"] for m in slack.messages] == ["a", "other channels go on", "b"]


def test_retry_after_closes_the_channel_for_as_long(port: SlackPort, slack: FakeSlack) -> None:
    slack.answers("chat.postMessage", a_json({"ok": False, "error": "ratelimited"}, 429, retry_after="30"))
    with pytest.raises(RetryLater) as caught:
        port.post("c1-1", "C1", "a", BLOCKS, None)
    assert caught.value.after == 30.0
    assert port.ready_at("C1") == 130.0
    assert port.ready_at("C2") == 100.0


# --- what comes of it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["stall", "reset", "close", "cut_body"])
def test_a_post_without_an_answer_is_ambiguous_and_sent_once(port: SlackPort, slack: FakeSlack, fault: str) -> None:
    slack.answers("chat.postMessage", Reply(fault=fault))  # type: ignore[arg-type]
    with pytest.raises(Ambiguous) as caught:
        port.post("c1-1", "C1", "Refund for Ada", BLOCKS, METADATA)
    assert "C1" in caught.value.look_at
    assert "c1-1" in caught.value.look_at
    assert "Ada" not in str(caught.value)
    assert slack.names() == ["chat.postMessage"]


@pytest.mark.parametrize(
    "reply",
    [
        Reply(500, b"<html>oops</html>"),
        Reply(503),
        Reply(504, b"\xff\xfe"),
        Reply(200, b"<html>a proxy</html>"),
        a_json({"ok": False, "error": "internal_error"}),
        a_json({"ok": False, "error": "fatal_error"}, 500),
    ],
)
def test_slack_failing_on_its_side_is_ambiguous_for_a_post_and_harmless_for_an_update(
    port: SlackPort, slack: FakeSlack, reply: Reply
) -> None:
    slack.answers("chat.postMessage", reply)
    slack.answers("chat.update", reply)
    with pytest.raises(Ambiguous):
        port.post("c1-1", "C1", "a", BLOCKS, None)
    with pytest.raises(RetryLater):
        port.update("C1", "1.1", "a", BLOCKS, None)


def test_slack_that_cannot_be_reached_is_tried_again() -> None:
    port = SlackPort(slack_client("xoxb-1", f"http://127.0.0.1:{closed_port()}/api/"))
    with pytest.raises(RetryLater) as caught:
        port.post("c1-1", "C1", "a", BLOCKS, None)
    assert caught.value.code == CONNECT


@pytest.mark.parametrize("code", ["service_unavailable", "request_timeout", "team_added_to_org"])
def test_not_now_is_tried_again(port: SlackPort, slack: FakeSlack, code: str) -> None:
    slack.answers("chat.postMessage", {"ok": False, "error": code})
    with pytest.raises(RetryLater):
        port.post("c1-1", "C1", "a", BLOCKS, None)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        ("not_in_channel", "/invite"),
        ("channel_not_found", "roles.yaml"),
        ("invalid_auth", "SLACK_BOT_TOKEN"),
        ("missing_scope", "manifest.yml"),
        ("message_not_found", "deleted"),
        ("some_future_code", "Slack's API reference"),
    ],
)
def test_a_refusal_names_the_code_and_what_to_do(port: SlackPort, slack: FakeSlack, code: str, remedy: str) -> None:
    slack.answers("chat.postMessage", {"ok": False, "error": code})
    with pytest.raises(GiveUp) as caught:
        port.post("c1-1", "C1", "a", BLOCKS, None)
    assert caught.value.code == code
    assert code in caught.value.error
    assert remedy in caught.value.remedy


def test_refused_blocks_are_named_by_place_not_by_what_they_say(port: SlackPort, slack: FakeSlack) -> None:
    messages = ["[ERROR] Ada is too long [json-pointer:/blocks/2/text/text]"]
    body = {"ok": False, "error": "invalid_blocks", "response_metadata": {"messages": messages}}
    slack.answers("chat.postMessage", body)
    with pytest.raises(GiveUp) as caught:
        port.post("c1-1", "C1", "a", BLOCKS, None)
    assert "/blocks/2/text/text" in caught.value.error
    assert "Ada" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_neither_texts_nor_tokens_are_logged(
    port: SlackPort, slack: FakeSlack, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    port.post("c1-1", "C1", "Refund for Ada", BLOCKS, METADATA)
    slack.answers("chat.postMessage", Reply(500, b"Refund for Ada"))
    with pytest.raises(Ambiguous):
        port.post("c1-2", "C2", "Refund for Ada", BLOCKS, METADATA)
    slack.answers("respond-secret", {})
    port.respond(f"{slack.url}/respond-secret", "Dear Ada")
    assert "Ada" not in caplog.text
    assert "secret" not in caplog.text


def test_a_client_that_retries_by_itself_is_refused(slack: FakeSlack) -> None:
    with pytest.raises(ValueError, match="retry"):
        SlackPort(WebClient(token="xoxb-1", base_url=slack.url))


# --- looking for what may have arrived ---------------------------------------------------------------------------


def test_a_message_that_arrived_is_found_by_its_marker_over_pages(port: SlackPort, clock: Clock) -> None:
    for n in range(3):
        port.post(f"c1-{n}", "C1", "a", BLOCKS, METADATA)
        clock.now += 1
    assert port.find_posted("c1-2", "C1", None, NOW) == (Found.YES, "1700000000.000003")
    assert port.find_posted("c1-9", "C1", None, NOW) == (Found.NO, "")
    assert port.find_posted("c1-2", "C2", None, NOW) == (Found.NO, "")


def test_the_look_up_asks_for_all_metadata_since_a_little_before(port: SlackPort, slack: FakeSlack) -> None:
    port.find_posted("c1-1", "C1", None, NOW)
    arguments = slack.calls[0][1]
    assert arguments["include_all_metadata"] == "1"
    assert float(arguments["oldest"]) == NOW.timestamp() - 300


def test_a_reply_is_looked_for_in_its_thread_only(port: SlackPort) -> None:
    port.post("c1-2", "C1", "Reminder", BLOCKS, None, thread_ts="1.1")
    assert port.find_posted("c1-2", "C1", "1.1", NOW)[0] is Found.YES
    assert port.find_posted("c1-2", "C1", "2.2", NOW)[0] is Found.NO
    assert port.find_posted("c1-2", "C1", None, NOW)[0] is Found.NO


def test_a_direct_message_is_looked_for_in_its_conversation(port: SlackPort) -> None:
    port.direct("c1-3", "U1", "Receipt", BLOCKS)
    assert port.find_direct("c1-3", "U1", NOW) == (Found.YES, "1700000000.000001")
    assert port.find_direct("c1-3", "U2", NOW)[0] is Found.NO


def test_nobody_can_tell_when_slack_will_not_show_or_never_ends(port: SlackPort, slack: FakeSlack) -> None:
    slack.answers("conversations.history", {"ok": False, "error": "missing_scope"})
    assert port.find_posted("c1-1", "C1", None, NOW)[0] is Found.UNKNOWN
    endless = {"messages": [{"metadata": "odd"}], "response_metadata": {"next_cursor": "more"}}
    slack.answers("conversations.history", endless)
    assert port.find_posted("c1-1", "C1", None, NOW)[0] is Found.UNKNOWN
    slack.answers("conversations.history", {"messages": [], "has_more": True})
    assert port.find_posted("c1-1", "C1", None, NOW)[0] is Found.UNKNOWN
    slack.answers("conversations.open", {"ok": False, "error": "user_not_found"})
    assert port.find_direct("c1-1", "U9", NOW)[0] is Found.UNKNOWN


def test_a_look_up_that_fails_for_now_is_asked_again_later(port: SlackPort, slack: FakeSlack) -> None:
    slack.answers("conversations.history", Reply(503))
    with pytest.raises(RetryLater):
        port.find_posted("c1-1", "C1", None, NOW)


# --- answers at once ---------------------------------------------------------------------------------------------


def test_a_modal_a_home_and_a_link(port: SlackPort, slack: FakeSlack) -> None:
    slack.answers("views.open", {"view": {"id": "V1"}})
    slack.answers("views.publish", {"view": {"id": "V2"}})
    slack.answers("chat.getPermalink", {"permalink": "https://acme.slack.com/archives/C1/p11"})
    assert port.open_view("t1", {"type": "modal"}) == "V1"
    port.publish_home("U1", {"type": "home"})
    assert port.permalink("C1", "1.1") == "https://acme.slack.com/archives/C1/p11"
    assert slack.calls[0] == ("views.open", {"trigger_id": "t1", "view": {"type": "modal"}})
    assert slack.calls[1] == ("views.publish", {"user_id": "U1", "view": {"type": "home"}})


def test_an_expired_trigger_asks_for_another_click(port: SlackPort, slack: FakeSlack) -> None:
    slack.answers("views.open", {"ok": False, "error": "expired_trigger_id"})
    with pytest.raises(GiveUp) as caught:
        port.open_view("t1", {"type": "modal"})
    assert caught.value.code == "expired_trigger_id"
    assert "Click" in caught.value.remedy


def test_a_private_notice_in_channel_or_thread(port: SlackPort, slack: FakeSlack) -> None:
    slack.answers("chat.postEphemeral", {"message_ts": "1.2"})
    port.ephemeral("C1", "U1", "Not your role", BLOCKS)
    port.ephemeral("C1", "U1", "Not your role", BLOCKS, thread_ts="1.1")
    assert [a.get("thread_ts") for _, a in slack.calls] == [None, "1.1"]
    assert slack.calls[0][1]["user"] == "U1"


def test_a_response_url_is_answered_privately_and_leaves_the_message(port: SlackPort, slack: FakeSlack) -> None:
    slack.answers("r1", {})
    port.respond(f"{slack.url}/r1", "Approved", BLOCKS)
    assert slack.calls == [
        ("r1", {"response_type": "ephemeral", "replace_original": False, "text": "Approved", "blocks": BLOCKS})
    ]
    slack.answers("r1", Reply(404, b"used_url"))
    with pytest.raises(GiveUp):
        port.respond(f"{slack.url}/r1", "Approved")
