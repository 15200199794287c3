"""Socket Mode: tickets, connections, envelopes and their acks."""

import asyncio
import json
import threading
import time
from collections.abc import Coroutine
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from starlette.websockets import WebSocket, WebSocketDisconnect

from . import seed
from .config import SandboxConfig
from .faults import Faults
from .model import Json
from .transport import Ack

MAX_CONNECTIONS = 10


@dataclass
class _Socket:
    socket: WebSocket
    loop: asyncio.AbstractEventLoop
    pending: dict[str, "Future[Any]"] = field(default_factory=dict)

    def run(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run on the socket's own loop from any other thread."""
        try:
            asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(5)
        except RuntimeError:
            coroutine.close()
            raise


class Dropped(Exception):
    """The connection went away before the ack."""


class SocketHub:
    """Connected clients; each envelope goes to one of them, in turn."""

    def __init__(self, config: SandboxConfig, faults: Faults) -> None:
        self._config = config
        self._faults = faults
        self._lock = threading.Lock()
        self._tickets: set[str] = set()
        self._sockets: list[_Socket] = []
        self._turn = 0

    @property
    def connected(self) -> int:
        return len(self._sockets)

    def issue(self, base_url: str) -> str:
        """A websocket address good for one connection."""
        ticket = uuid4().hex
        with self._lock:
            self._tickets.add(ticket)
        scheme, _, rest = base_url.partition("://")
        return f"{'wss' if scheme == 'https' else 'ws'}://{rest}/socket/{ticket}"

    async def endpoint(self, socket: WebSocket) -> None:
        ticket = socket.path_params["ticket"]
        with self._lock:
            known = ticket in self._tickets and len(self._sockets) < MAX_CONNECTIONS
            self._tickets.discard(ticket)
        if not known:
            await socket.close(1008)
            return
        await socket.accept()
        mine = _Socket(socket, asyncio.get_running_loop())
        with self._lock:
            self._sockets.append(mine)
        try:
            # Nothing else can be sent on this loop before the hello: there is no await in between.
            await socket.send_text(json.dumps(self._hello()))
            while True:
                self._received(mine, await socket.receive_text())
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self._forget(mine)

    def _hello(self) -> Json:
        return {
            "type": "hello",
            "num_connections": len(self._sockets),
            "connection_info": {"app_id": seed.APP_ID},
            "debug_info": {"host": "sandbox", "build_number": 1, "approximate_connection_time": 3600},
        }

    def _forget(self, mine: _Socket) -> None:
        with self._lock:
            if mine in self._sockets:
                self._sockets.remove(mine)
            waiting, mine.pending = mine.pending, {}
        for future in waiting.values():
            if not future.done():
                future.set_exception(Dropped())

    def _received(self, mine: _Socket, text: str) -> None:
        try:
            message = json.loads(text)
        except ValueError:
            return
        if not isinstance(message, dict):
            return
        future = mine.pending.pop(str(message.get("envelope_id")), None)
        if future is not None and not future.done():
            future.set_result(message.get("payload"))

    def _next(self) -> _Socket | None:
        with self._lock:
            if not self._sockets:
                return None
            self._turn += 1
            return self._sockets[self._turn % len(self._sockets)]

    def send(self, kind: str, payload: Json, retry: tuple[int, str] | None = None) -> Ack:
        """Send one envelope and wait for its ack; not to be called on the server's own loop."""
        mine = self._next()
        if mine is None:
            return Ack("connection_failed", via="socket")
        envelope: Json = {
            "type": kind,
            "envelope_id": str(uuid4()),
            "payload": payload,
            "accepts_response_payload": kind != "events_api",
        }
        if kind == "events_api":
            number, reason = retry or (0, "")
            envelope |= {"retry_attempt": number, "retry_reason": reason}
        future: Future[Any] = Future()
        mine.pending[envelope["envelope_id"]] = future
        started = time.monotonic()
        try:
            cut = self._faults.take("drop_socket")
            if cut:  # whatever the client answers is lost on the way
                mine.pending.pop(envelope["envelope_id"], None)
            mine.run(mine.socket.send_text(json.dumps(envelope)))
            if cut:
                mine.run(mine.socket.close(1011))
                self._forget(mine)
                return Ack("dropped", elapsed=time.monotonic() - started, via="socket")
            body = future.result(self._config.ack_timeout)
        except Dropped:
            return Ack("dropped", elapsed=time.monotonic() - started, via="socket")
        except (FutureTimeout, TimeoutError):
            mine.pending.pop(envelope["envelope_id"], None)
            return Ack("timeout", elapsed=time.monotonic() - started, via="socket")
        except RuntimeError:
            self._forget(mine)
            return Ack("dropped", elapsed=time.monotonic() - started, via="socket")
        return Ack("", 200, body or None, elapsed=time.monotonic() - started, via="socket")

    def refresh(self) -> None:
        """Ask every client to reconnect, as Slack does every few hours, then hang up."""
        notice = {"type": "disconnect", "reason": "refresh_requested", "debug_info": {"host": "sandbox"}}
        for mine in list(self._sockets):
            with suppress(RuntimeError, FutureTimeout):
                mine.run(mine.socket.send_text(json.dumps(notice)))
        self.drop()

    def drop(self) -> None:
        """Cut every connection without a word."""
        for mine in list(self._sockets):
            with suppress(RuntimeError, FutureTimeout, WebSocketDisconnect):
                mine.run(mine.socket.close(1011))
            self._forget(mine)

    async def shutdown(self) -> None:
        """Close every connection from the server's own loop."""
        for mine in list(self._sockets):
            with suppress(RuntimeError, WebSocketDisconnect):
                await mine.socket.close(1001)
            self._forget(mine)
