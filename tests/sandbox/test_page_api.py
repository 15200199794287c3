import json
import threading
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.sandbox.serving import run
from tests.sandbox.kit import (
    LEGAL,
    MAYA,
    OUTSIDER,
    REVIEW,
    TOMAS,
    Bot,
    Clock,
    Room,
    actions,
    button,
    running_sandbox,
    section,
    typed,
)


def get(room: Room, path: str, **params: str) -> Any:
    return httpx.get(f"{room.url}/page/{path}", params=params).raise_for_status().json()


def post(room: Room, path: str, **body: Any) -> Any:
    return httpx.post(f"{room.url}/page/{path}", json=body).json()


def test_state_is_one_persons_view(room: Room) -> None:
    room.client.chat_postMessage(channel=REVIEW, text="<!here> look")
    state = get(room, "state", **{"as": MAYA})
    channels = {channel["name"]: channel for channel in state["channels"]}
    assert (channels["support-review"]["unread"], channels["support-review"]["mention"]) == (1, True)
    assert "legal-approvals" not in channels
    assert channels["Countersign"]["kind"] == "dm"
    maya = next(user for user in state["users"] if user["id"] == MAYA)
    assert (maya["initials"], maya["groups"]) == ("ML", ["support-agents"])
    assert set(state["faults"]) == set(state["fault_help"])
    assert state["clock"] == {"now": room.clock(), "speed": 1.0, "can_set": False}
    assert post(room, "read", **{"as": MAYA}, channel=REVIEW) == {"ok": True}
    again = get(room, "state", **{"as": MAYA})
    assert {c["name"]: c["unread"] for c in again["channels"]}["support-review"] == 0
    assert again["rev"] > state["rev"]


def test_messages_threads_and_private_notices(room: Room) -> None:
    root = room.client.chat_postMessage(channel=REVIEW, text="root", blocks=[section()])["ts"]
    room.client.chat_postMessage(channel=REVIEW, text="reply", thread_ts=root)
    room.client.chat_postEphemeral(channel=REVIEW, user=MAYA, text="psst")
    mine = get(room, "messages", **{"as": MAYA}, channel=REVIEW)["messages"]
    assert [(m["text"], m["ephemeral"], m["reply_count"]) for m in mine] == [
        ("root", False, 1),
        ("psst", True, 0),
    ]
    theirs = get(room, "messages", **{"as": TOMAS}, channel=REVIEW, limit="50")["messages"]
    assert [m["text"] for m in theirs] == ["root"]
    thread = get(room, "thread", **{"as": TOMAS}, channel=REVIEW, ts=root)["messages"]
    assert [m["text"] for m in thread] == ["root", "reply"]


def test_what_the_page_may_not_ask_is_400_naming_the_field(room: Room) -> None:
    answers = [
        httpx.get(f"{room.url}/page/state", params={"as": "U404"}),
        httpx.get(f"{room.url}/page/messages", params={"as": OUTSIDER, "channel": LEGAL}),
        httpx.get(f"{room.url}/page/messages", params={"as": MAYA, "channel": REVIEW, "limit": "9999"}),
        httpx.post(f"{room.url}/page/message", json={"as": MAYA, "channel": REVIEW}),
        httpx.post(f"{room.url}/page/faults", json={"name": "typo", "value": True}),
        httpx.post(f"{room.url}/page/clock", json={"speed": 60}),
        httpx.post(f"{room.url}/page/action", content=b"nonsense"),
    ]
    assert [answer.status_code for answer in answers] == [400] * 7
    starts = ["as", "channel", "limit", "text", "fault", "speed", "body"]
    starts[4] = "fault: no fault"
    assert all(answer.json()["error"].startswith(start) for answer, start in zip(answers, starts, strict=True))


def test_a_whole_job_through_the_page(room: Room, bot: Bot) -> None:
    ts = room.client.chat_postMessage(channel=REVIEW, text="x", blocks=[actions(button("open"))])["ts"]
    action = {"type": "button", "action_id": "open"}
    here = {"as": MAYA, "channel": REVIEW}
    assert post(room, "action", **here, message_ts=ts, block_id="row", action=action) == {"ok": True}
    (view,) = get(room, "state", **{"as": MAYA})["views"]
    empty = post(room, "view/submit", **{"as": MAYA}, view_id=view["id"], state={})
    assert empty["errors"] == {"why": "Please complete this required field."}
    assert post(room, "view/submit", **{"as": MAYA}, view_id=view["id"], state=typed("ok")) == {"ok": True}
    assert get(room, "state", **{"as": MAYA})["views"] == []
    assert post(room, "command", **here, command="/approvals", text="mine") == {"ok": True}
    last = get(room, "messages", **here)["messages"][-1]
    assert (last["text"], last["ephemeral"]) == ("you said mine", True)
    offered = get(room, "state", **{"as": MAYA})["shortcuts"]
    assert [one["callback_id"] for one in offered] == ["new_reply"]
    assert post(room, "shortcut", **{"as": MAYA}, callback_id="new_reply") == {"ok": True}
    assert post(room, "message", **here, text="thanks")["ok"]
    assert get(room, "messages", **here)["messages"][-1]["text"] == "thanks"


def test_home(room: Room, bot: Bot) -> None:
    assert get(room, "home", **{"as": MAYA})["view"] is None
    assert post(room, "home/open", **{"as": MAYA}) == {"ok": True}
    bot.next("app_home_opened")
    room.client.views_publish(user_id=MAYA, view={"type": "home", "blocks": [section("hi")]})
    assert get(room, "home", **{"as": MAYA})["view"]["blocks"][0]["text"]["text"] == "hi"


def test_faults_and_clock_from_the_page(clock: Clock) -> None:
    with running_sandbox(clock, advance=clock.advance, set_speed=lambda _speed: None) as room:
        assert post(room, "faults", name="slack_down", value=True)["faults"]["slack_down"] is True
        assert post(room, "clock", advance_seconds=900)["now"] == 1_700_000_900.0
        assert get(room, "state", **{"as": MAYA})["clock"]["can_set"] is True


def test_the_stream_says_when_something_changed_and_ends_with_the_server(room: Room) -> None:
    revisions: list[int] = []
    first = threading.Event()

    def listen() -> None:
        with httpx.stream("GET", f"{room.url}/page/stream", params={"as": MAYA}) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    revisions.append(json.loads(line[6:])["rev"])
                    first.set()
                if len(revisions) == 2:
                    return

    listener = threading.Thread(target=listen)
    listener.start()
    assert first.wait(5)
    room.client.chat_postMessage(channel=REVIEW, text="x")
    listener.join(5)
    assert revisions[1] > revisions[0]


def test_far_end_panes(room: Room) -> None:
    room.sandbox.crm.add_ticket("7001", ai_mode="draft_reply")
    assert get(room, "crm")["tickets"][0]["properties"] == {"ai_mode": "draft_reply"}
    assert get(room, "helpdesk")["deliveries"] == []


def test_the_audit_pane_reads_the_bots_own_api(room: Room) -> None:
    keys: list[str] = []

    async def api(request: Request) -> Response:
        keys.append(request.headers["authorization"])
        path = request.url.path
        if path.endswith("/audit"):
            return JSONResponse({"events": [{"type": "CaseReceived"}]})
        return JSONResponse({"items": [{"id": "c1"}]} if path == "/v1/cases" else {"id": "c1"})

    room.sandbox.config.api_key = "reader"
    with run(Starlette(routes=[Route("/v1/{rest:path}", api)])) as far:
        room.sandbox.config.bot_url = far.url
        assert get(room, "cases") == {"items": [{"id": "c1"}]}
        assert get(room, "audit", case="c1") == {"case": {"id": "c1"}, "events": [{"type": "CaseReceived"}]}
    assert keys == ["Bearer reader"] * 3
    with pytest.raises(httpx.HTTPStatusError):
        get(room, "audit", case="../secrets")


def test_nothing_is_left_running(clock: Clock) -> None:
    with running_sandbox(clock) as room:
        room.sandbox.delivery.message(MAYA, REVIEW, "hello")
        assert any(thread.name == "sandbox-events" for thread in threading.enumerate())
    names = [thread.name for thread in threading.enumerate()]
    assert not [name for name in names if name.startswith("sandbox")]
