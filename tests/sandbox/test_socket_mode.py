import json
import logging
import time
from collections.abc import Callable, Iterator

import pytest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from websockets.sync.client import connect

from tests.sandbox.kit import (
    MAYA,
    REVIEW,
    Bot,
    Room,
    actions,
    bolt_app,
    button,
    modal,
    typed,
)


def wait_for(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.fixture
def socketed(room: Room) -> Iterator[Bot]:
    """The same app, connected by Socket Mode."""
    bot = bolt_app(room)
    quiet = logging.getLogger("tests.sandbox.socket")
    quiet.setLevel(logging.CRITICAL + 1)
    handler = SocketModeHandler(
        bot.app, "xapp-sandbox", web_client=room.fresh_client("xapp-sandbox"), logger=quiet, ping_interval=1
    )
    handler.connect()
    wait_for(lambda: room.sandbox.hub.connected == 1)
    bot.socket = handler
    try:
        yield bot
    finally:
        handler.close()


def test_clicks_modals_and_commands_by_socket(room: Room, socketed: Bot) -> None:
    delivery, views = room.sandbox.delivery, room.sandbox.workspace.views
    ts = room.client.chat_postMessage(channel=REVIEW, text="x", blocks=[actions(button("open"))])["ts"]
    result = delivery.click(MAYA, REVIEW, ts, action_id="open")
    assert (result.ok, result.ack.via) == (True, "socket")
    (view,) = views.stack(MAYA)
    socketed.answers.append({"response_action": "errors", "errors": {"why": "No."}})
    assert delivery.submit_view(MAYA, view.id, typed("x")).errors == {"why": "No."}
    assert delivery.submit_view(MAYA, view.id, typed("x")).ok
    assert views.stack(MAYA) == []
    assert delivery.slash(MAYA, REVIEW, "/approvals", "mine").ok
    assert room.sandbox.workspace.messages(REVIEW, MAYA)[-1].text == "you said mine"


def test_events_by_socket(room: Room, socketed: Bot) -> None:
    room.sandbox.delivery.message(MAYA, REVIEW, "hello")
    assert socketed.next("message")["event"]["text"] == "hello"


def test_the_client_comes_back_after_a_refresh_and_after_a_cut(room: Room, socketed: Bot) -> None:
    hub = room.sandbox.hub
    for lose in (hub.refresh, hub.drop):
        lose()
        wait_for(lambda: hub.connected == 1)
        assert room.sandbox.delivery.shortcut(MAYA, "new_reply").ok


def test_a_socket_cut_before_the_ack_loses_a_click_but_not_an_event(room: Room, socketed: Bot) -> None:
    room.sandbox.faults.set("drop_socket", 1)
    lost = room.sandbox.delivery.shortcut(MAYA, "new_reply")
    assert (lost.ok, lost.error) == (False, "This app could not be reached.")
    wait_for(lambda: room.sandbox.hub.connected == 1)
    room.sandbox.faults.set("drop_socket", 1)
    room.sandbox.delivery.message(MAYA, REVIEW, "hello")
    pump = room.sandbox.delivery.events
    wait_for(lambda: any(number == 1 for _, number, _ in pump.sent) or pump.pending_retries == 1)
    wait_for(lambda: room.sandbox.hub.connected == 1)
    room.clock.advance(61)
    wait_for(lambda: any(ack.ok for _, _, ack in pump.sent))


def test_the_protocol_on_the_wire(room: Room) -> None:
    url = room.fresh_client("xapp-sandbox").apps_connections_open(app_token="xapp-sandbox")["url"]
    with connect(url) as one:
        hello = json.loads(one.recv(5))
        assert (hello["type"], hello["num_connections"]) == ("hello", 1)
        room.sandbox.delivery.message(MAYA, REVIEW, "hello")
        envelope = json.loads(one.recv(5))
        assert envelope["type"] == "events_api"
        assert (envelope["retry_attempt"], envelope["accepts_response_payload"]) == (0, False)
        one.send(json.dumps({"envelope_id": envelope["envelope_id"]}))
        wait_for(lambda: bool(room.sandbox.delivery.events.sent))
        assert room.sandbox.delivery.events.sent[0][2].ok
        wait_for(lambda: room.sandbox.hub.connected == 1)
    wait_for(lambda: room.sandbox.hub.connected == 0)
    with pytest.raises(Exception, match="403"), connect(url):
        pass


def test_an_open_view_survives_a_dropped_answer(room: Room, socketed: Bot) -> None:
    views = room.sandbox.workspace.views
    view = room.client.views_open(trigger_id=views.new_trigger(MAYA), view=modal())["view"]
    room.sandbox.faults.set("drop_socket", 1)
    result = room.sandbox.delivery.submit_view(MAYA, view["id"], typed("kept"))
    assert result.error == "We had some trouble connecting. Try again?"
    assert views.stack(MAYA)[0].state["why"]["text"]["value"] == "kept"
