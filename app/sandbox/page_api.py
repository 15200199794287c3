"""The JSON the sandbox's browser page lives on, and the stream that tells it something changed."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from typing import Any

import httpx
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from .config import SandboxConfig
from .crm import Crm
from .delivery import Delivery, DeliveryResult
from .faults import Faults
from .helpdesk import Helpdesk
from .model import Channel, Json, User
from .page_views import channel_view, message_view, user_view
from .render import view_json
from .workspace import Workspace

HEARTBEAT = 15.0
MAX_MESSAGES = 500
Body = dict[str, Any]


class BadRequest(Exception):
    """A field of the page's request is missing or names nothing."""


def _need(body: Body, name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str) or not value:
        raise BadRequest(f"{name}: required")
    return value


def _result(result: DeliveryResult) -> Json:
    out: Json = {"ok": result.ok}
    if result.error:
        out["error"] = result.error
    if result.response_action:
        out["response_action"] = result.response_action
    if result.errors:
        out["errors"] = result.errors
    return out


class PageApi:
    """Everything under `/page`. Deliveries run on worker threads, so the app can call back meanwhile."""

    def __init__(
        self,
        config: SandboxConfig,
        workspace: Workspace,
        delivery: Delivery,
        faults: Faults,
        helpdesk: Helpdesk,
        crm: Crm,
    ) -> None:
        self._config = config
        self._ws = workspace
        self._delivery = delivery
        self._faults = faults
        self._helpdesk = helpdesk
        self._crm = crm
        self._closing = False

    def routes(self) -> list[Route]:
        reads: dict[str, Callable[[Request], Json | Awaitable[Json]]] = {
            "state": self._state,
            "messages": self._messages,
            "thread": self._thread,
            "home": self._home,
            "helpdesk": self._helpdesk_pane,
            "crm": self._crm_pane,
            "audit": self._audit,
            "cases": self._cases,
        }
        writes: dict[str, Callable[[Body], Json]] = {
            "action": self._action,
            "suggest": self._suggest,
            "view/submit": self._submit,
            "view/close": self._close,
            "message": self._message,
            "command": self._command,
            "shortcut": self._shortcut,
            "home/open": self._open_home,
            "read": self._read,
            "faults": self._set_fault,
            "clock": self._clock,
        }
        made = [Route(f"/page/{name}", _reading(read), methods=["GET"]) for name, read in reads.items()]
        made += [Route(f"/page/{name}", _writing(write), methods=["POST"]) for name, write in writes.items()]
        return [*made, Route("/page/stream", self._stream, methods=["GET"])]

    # --- who asks -----------------------------------------------------------------------------------------

    def _me(self, user_id: str | None) -> User:
        user = self._ws.users.get(user_id or "")
        if user is None:
            raise BadRequest("as: no such user")
        return user

    def _room(self, request: Request, me: User) -> Channel:
        channel = self._ws.channels.get(request.query_params.get("channel", ""))
        if channel is None or not self._ws.sees(me.id, channel):
            raise BadRequest("channel: no such conversation for you")
        return channel

    # --- reading ------------------------------------------------------------------------------------------

    def _state(self, request: Request) -> Json:
        me = self._me(request.query_params.get("as"))
        ws = self._ws
        groups = list(ws.groups.values())
        ws.dm(me.id)
        return {
            "rev": ws.rev,
            "me": me.id,
            "team": {"name": "Countersign Sandbox"},
            "users": [user_view(user, groups) for user in ws.users.values()],
            "groups": [{"id": g.id, "handle": g.handle, "name": g.name, "users": g.users} for g in groups],
            "channels": [channel_view(c, me, ws) for c in ws.channels.values() if self._listed(c, me)],
            "views": [view_json(view) for view in ws.views.stack(me.id)],
            "clock": {
                "now": self._config.now(),
                "speed": self._config.speed() if self._config.speed else 1.0,
                "can_set": self._config.set_speed is not None or self._config.advance is not None,
            },
            "shortcuts": [asdict(shortcut) for shortcut in self._config.shortcuts],
            "faults": self._faults.all(),
            "fault_help": self._faults.help,
            "sockets": self._delivery.hub.connected,
        }

    def _listed(self, channel: Channel, me: User) -> bool:
        return me.id in channel.members and self._ws.sees(me.id, channel)

    def _messages(self, request: Request) -> Json:
        me = self._me(request.query_params.get("as"))
        room = self._room(request, me)
        given = request.query_params.get("limit", "100")
        if not given.isdigit() or not 1 <= int(given) <= MAX_MESSAGES:
            raise BadRequest(f"limit: a number from 1 to {MAX_MESSAGES}")
        stones = [m for m in self._ws.everything(room.id) if m.deleted and m.replies]
        shown = sorted([*self._ws.messages(room.id, me.id), *stones], key=lambda m: m.ts)
        return {"rev": self._ws.rev, "messages": [message_view(m, self._ws) for m in shown[-int(given) :]]}

    def _thread(self, request: Request) -> Json:
        me = self._me(request.query_params.get("as"))
        room = self._room(request, me)
        thread = self._ws.thread(room.id, request.query_params.get("ts", ""), me.id)
        return {"rev": self._ws.rev, "messages": [message_view(m, self._ws) for m in thread]}

    def _home(self, request: Request) -> Json:
        me = self._me(request.query_params.get("as"))
        home = self._ws.views.homes.get(me.id)
        return {"rev": self._ws.rev, "view": view_json(home) if home else None}

    def _helpdesk_pane(self, _request: Request) -> Json:
        newest = [delivery.as_json() for delivery in reversed(self._helpdesk.received)]
        refused = [{"status": status, "reason": reason} for status, reason in self._helpdesk.refused[-50:]]
        return {"rev": self._ws.rev, "deliveries": newest, "refused": refused}

    def _crm_pane(self, _request: Request) -> Json:
        return {"rev": self._ws.rev, **self._crm.page()}

    async def _audit(self, request: Request) -> Json:
        case = request.query_params.get("case", "")
        if not case or len(case) > 200 or not all(c.isalnum() or c in "-_" for c in case):
            raise BadRequest("case: required")
        found = await self._ask(f"/v1/cases/{case}")
        events = await self._ask(f"/v1/cases/{case}/audit")
        listed = events.get("events", events.get("items", [])) if isinstance(events, dict) else events
        return {"case": found, "events": listed}

    async def _cases(self, _request: Request) -> Json:
        answer = await self._ask("/v1/cases")
        return {"items": answer.get("items", []) if isinstance(answer, dict) else answer}

    async def _ask(self, path: str) -> Any:
        """A read of the bot's own API; its refusals are passed on as text."""
        headers = {"authorization": f"Bearer {self._config.api_key}"}
        try:
            async with httpx.AsyncClient(base_url=self._config.bot_url, trust_env=False, timeout=5) as client:
                answer = await client.get(path, headers=headers)
        except httpx.HTTPError:
            raise BadRequest("The bot cannot be reached.") from None
        if answer.status_code != 200:
            raise BadRequest(f"The bot answered {answer.status_code} to {path}.")
        return answer.json()

    # --- doing --------------------------------------------------------------------------------------------

    def _action(self, body: Body) -> Json:
        action = body.get("action")
        if not isinstance(action, dict):
            raise BadRequest("action: required")
        given = {key: value for key, value in action.items() if key not in ("type", "action_id", "block_id")}
        result = self._delivery.click(
            _need(body, "as"),
            body.get("channel"),
            body.get("message_ts"),
            action_id=_need(action, "action_id"),
            block_id=body.get("block_id") or action.get("block_id"),
            view_id=body.get("view_id"),
            state=body.get("state"),
            **_keywords(given),
        )
        return _result(result)

    def _suggest(self, body: Body) -> Json:
        result = self._delivery.suggest(
            _need(body, "as"), _need(body, "view_id"), _need(body, "action_id"), str(body.get("value", ""))
        )
        options = result.ack.body.get("options", []) if result.ok else []
        return {**_result(result), "options": options}

    def _submit(self, body: Body) -> Json:
        state = body.get("state") or {}
        if not isinstance(state, dict):
            raise BadRequest("state: must be an object")
        return _result(self._delivery.submit_view(_need(body, "as"), _need(body, "view_id"), state))

    def _close(self, body: Body) -> Json:
        everything = bool(body.get("all"))
        return _result(self._delivery.close_view(_need(body, "as"), _need(body, "view_id"), all_of_them=everything))

    def _message(self, body: Body) -> Json:
        result = self._delivery.message(
            _need(body, "as"), _need(body, "channel"), _need(body, "text"), body.get("thread_ts") or None
        )
        return {**_result(result), "ts": result.message.ts if result.message else None}

    def _command(self, body: Body) -> Json:
        result = self._delivery.slash(
            _need(body, "as"), _need(body, "channel"), _need(body, "command"), str(body.get("text") or "")
        )
        return _result(result)

    def _shortcut(self, body: Body) -> Json:
        return _result(self._delivery.shortcut(_need(body, "as"), _need(body, "callback_id")))

    def _open_home(self, body: Body) -> Json:
        return _result(self._delivery.open_home(_need(body, "as")))

    def _read(self, body: Body) -> Json:
        channel = _need(body, "channel")
        if channel not in self._ws.channels:
            raise BadRequest("channel: no such conversation")
        self._ws.mark_read(self._me(_need(body, "as")).id, channel)
        return {"ok": True}

    def _set_fault(self, body: Body) -> Json:
        try:
            self._faults.set(_need(body, "name"), body.get("value"))
        except ValueError as error:
            raise BadRequest(str(error)) from None
        return {"ok": True, "faults": self._faults.all()}

    def _clock(self, body: Body) -> Json:
        for name, change in (("speed", self._config.set_speed), ("advance_seconds", self._config.advance)):
            value = body.get(name)
            if value is None:
                continue
            if change is None:
                raise BadRequest(f"{name}: this clock cannot be changed")
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 10_000_000:
                raise BadRequest(f"{name}: must be a number")
            change(float(value))
        self._ws.changed()
        return {"ok": True, "now": self._config.now()}

    # --- the stream ---------------------------------------------------------------------------------------

    def allow_streams(self) -> None:
        self._closing = False

    def end_streams(self) -> None:
        """Let every open stream finish, so that the server can stop."""
        self._closing = True
        self._ws.changed()

    async def _stream(self, request: Request) -> Response:
        self._me(request.query_params.get("as"))
        return StreamingResponse(
            self._revisions(),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def _revisions(self) -> AsyncIterator[bytes]:
        loop = asyncio.get_running_loop()
        woken = asyncio.Event()

        def wake() -> None:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(woken.set)

        stop = self._ws.subscribe(wake)
        try:
            while not self._closing:
                woken.clear()
                yield f"data: {json.dumps({'rev': self._ws.rev})}\n\n".encode()
                while not woken.is_set():
                    try:
                        await asyncio.wait_for(woken.wait(), HEARTBEAT)
                    except TimeoutError:
                        yield b": still here\n\n"
                await asyncio.sleep(0.05)
        finally:
            stop()


def _keywords(given: Body) -> dict[str, Any]:
    reserved = {"user", "channel", "message_ts", "view_id", "state"}
    return {key: value for key, value in given.items() if key not in reserved}


def _reading(read: Callable[[Request], Json | Awaitable[Json]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            answer = read(request)
            found = answer if isinstance(answer, dict) else await answer
        except BadRequest as error:
            return JSONResponse({"ok": False, "error": str(error)}, 400)
        return JSONResponse(found)

    return endpoint


def _writing(write: Callable[[Body], Json]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        try:
            body = json.loads(await request.body())
            if not isinstance(body, dict):
                raise BadRequest("body: must be a JSON object")
            return JSONResponse(await run_in_threadpool(write, body))
        except ValueError:
            return JSONResponse({"ok": False, "error": "body: must be JSON"}, 400)
        except BadRequest as error:
            return JSONResponse({"ok": False, "error": str(error)}, 400)

    return endpoint
