import time

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.signature import SignatureVerifier

from tests.sandbox.kit import MAYA, REVIEW, Bot, Clock, Room, actions, button, running_bot, running_sandbox


def status_of(room: Room) -> int:
    try:
        return room.client.auth_test().status_code
    except SlackApiError as error:
        return error.response.status_code


def test_slack_down_broken_and_busy(room: Room) -> None:
    room.sandbox.faults.set("slack_down", 2)
    assert [status_of(room), status_of(room), status_of(room)] == [503, 503, 200]
    room.sandbox.faults.set("slack_500")
    assert status_of(room) == 500
    room.sandbox.faults.clear()
    room.sandbox.faults.set("slack_rate_limit", "always")
    assert status_of(room) == 429
    room.sandbox.faults.set("slack_rate_limit", "off")
    for _ in range(10):
        room.client.chat_postMessage(channel=REVIEW, text="x")


def test_a_post_that_hangs_may_or_may_not_have_happened(room: Room) -> None:
    impatient = room.fresh_client(timeout=1)
    room.sandbox.faults.set("slack_timeout_before", 1)
    with pytest.raises(TimeoutError):
        impatient.chat_postMessage(channel=REVIEW, text="never")
    room.sandbox.faults.set("slack_timeout_after", 1)
    with pytest.raises(TimeoutError):
        impatient.chat_postMessage(channel=REVIEW, text="taken")
    room.sandbox.faults.set("slack_timeout_after", "drop")
    with pytest.raises(Exception, match="closed connection"):
        impatient.chat_postMessage(channel=REVIEW, text="taken too")
    assert [m.text for m in room.sandbox.workspace.messages(REVIEW)] == ["taken", "taken too"]


def test_slow_answers(room: Room) -> None:
    room.sandbox.faults.set("slack_slow_ms", 120)
    started = time.monotonic()
    room.client.auth_test()
    assert time.monotonic() - started >= 0.12


def test_unknown_faults_and_values_are_errors(room: Room) -> None:
    faults = room.sandbox.faults
    with pytest.raises(ValueError, match="no fault is named"):
        faults.set("typo")
    with pytest.raises(ValueError, match="slack_rate_limit"):
        faults.set("slack_rate_limit", "sometimes")
    assert set(faults.help) == set(faults.all())


def test_requests_to_the_app_are_signed_over_the_raw_body(room: Room, bot: Bot) -> None:
    bodies: list[tuple[bytes, dict[str, str]]] = []

    def keep(body: bytes, headers: dict[str, str], _timeout: float) -> tuple[int, dict[str, str], bytes]:
        bodies.append((body, headers))
        return 200, {}, b""

    room.sandbox.delivery.http._post = keep
    room.sandbox.delivery.shortcut(MAYA, "new_reply")
    room.sandbox.faults.set("old_timestamp", 1)
    room.sandbox.delivery.shortcut(MAYA, "new_reply")
    room.sandbox.faults.set("bad_signature", 1)
    room.sandbox.delivery.shortcut(MAYA, "new_reply")
    verifier = SignatureVerifier("sandbox-signing-secret")
    assert [verifier.is_valid_request(body, headers) for body, headers in bodies] == [True, False, False]
    assert abs(int(bodies[0][1]["x-slack-request-timestamp"]) - time.time()) < 5


def test_a_forged_click_does_not_get_through(room: Room, bot: Bot) -> None:
    room.sandbox.faults.set("bad_signature", 1)
    result = room.sandbox.delivery.shortcut(MAYA, "new_reply")
    assert (result.ok, result.ack.status) == (False, 401)
    assert bot.seen.empty()


def test_a_click_delivered_twice(room: Room, bot: Bot) -> None:
    room.sandbox.workspace.config.echo_own_messages = False
    ts = room.client.chat_postMessage(channel=REVIEW, text="x", blocks=[actions(button())])["ts"]
    room.sandbox.faults.set("duplicate_delivery", 1)
    assert room.sandbox.delivery.click(MAYA, REVIEW, ts, action_id="plain").ok
    first, second = bot.next("block_actions"), bot.next("block_actions")
    assert first["trigger_id"] == second["trigger_id"]
    assert bot.seen.empty()


def test_events_are_retried_on_the_workspace_clock(room: Room, bot: Bot) -> None:
    delivery, pump = room.sandbox.delivery, room.sandbox.delivery.events
    bot.status = 500
    delivery.message(MAYA, REVIEW, "hello")
    assert pump.drain()
    wait_for(lambda: len(pump.sent) == 2)
    assert pump.pending_retries == 1
    bot.status = 200
    room.clock.advance(61)
    assert bot.next("message")["event"]["text"] == "hello"
    wait_for(lambda: len(pump.sent) == 3)
    assert [number for _, number, _ in pump.sent] == [0, 1, 2]
    assert len({payload["event_id"] for payload, _, _ in pump.sent}) == 1
    assert bot.headers[-1]["x-slack-retry-num"] == "2"
    assert bot.headers[-1]["x-slack-retry-reason"] == "http_error"
    assert pump.pending_retries == 0


def test_events_out_of_order(room: Room, bot: Bot) -> None:
    room.sandbox.faults.set("out_of_order_delivery")
    room.sandbox.delivery.message(MAYA, REVIEW, "first")
    room.sandbox.delivery.message(MAYA, REVIEW, "second")
    assert [bot.next("message")["event"]["text"] for _ in range(2)] == ["second", "first"]


def test_an_app_that_is_slow_dead_or_broken(clock: Clock) -> None:
    with running_sandbox(clock, ack_timeout=0.3) as room, running_bot(room) as bot:
        delivery = room.sandbox.delivery
        ts = room.client.chat_postMessage(channel=REVIEW, text="x", blocks=[actions(button("sleep"))])["ts"]

        @bot.app.action("sleep")
        def sleepy(ack: object) -> None:
            time.sleep(0.6)

        late = delivery.click(MAYA, REVIEW, ts, action_id="sleep")
        assert late.error == "This app took too long to answer."
        assert delivery.slash(MAYA, REVIEW, "/approvals").ok
        bot.status = 500
        broken = delivery.slash(MAYA, REVIEW, "/approvals")
        assert broken.error == '/approvals failed with the error "dispatch_failed"'
        room.sandbox.config.bot_url = "http://127.0.0.1:9"
        assert delivery.click(MAYA, REVIEW, ts, action_id="sleep").error == "This app could not be reached."


def wait_for(condition: object, seconds: float = 5.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)
