"""An ASGI app on a real port, in a thread that can be stopped."""

import socket
import threading
import time
from types import TracebackType

import uvicorn
from starlette.types import ASGIApp, Receive, Scope, Send

START_SECONDS = 10.0


class RunningServer:
    """A server at `url` until `stop()`; also a context manager."""

    def __init__(self, app: ASGIApp, server: uvicorn.Server, listener: socket.socket, host: str) -> None:
        self._app = app
        self._server = server
        self._listener = listener
        self.url = f"http://{host}:{listener.getsockname()[1]}"
        self._thread = threading.Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="sandbox-server", daemon=True
        )

    def start(self) -> None:
        self._thread.start()
        give_up = time.monotonic() + START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > give_up:
                self.stop()
                raise RuntimeError("the server did not start")
            time.sleep(0.005)

    def stop(self) -> None:
        """Stop taking requests, finish what is in hand for a moment, free the port."""
        closing = getattr(self._app, "closing", None)
        if callable(closing) and self._thread.is_alive():
            closing()
        self._server.should_exit = True
        if self._thread.ident is not None:
            self._thread.join(5)
            if self._thread.is_alive():
                self._server.force_exit = True
                self._thread.join(5)
        self._listener.close()

    def __enter__(self) -> "RunningServer":
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _value: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.stop()


CUT = "sandbox.cut"


def _with_scissors(app: ASGIApp) -> ASGIApp:
    """Lets a handler close the connection without a word; ASGI itself has no way to say that."""

    async def wired(scope: Scope, receive: Receive, send: Send) -> None:
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if scope["type"] == "http" and transport is not None:
            scope[CUT] = transport.abort
        await app(scope, receive, send)

    return wired


def run(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> RunningServer:
    """Serve `app`; port 0 takes any free one. An app with `bound(url)` is told its address."""
    # The protocol is named because asyncio turns Nagle's delay off (40 ms an answer) only where it is.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    config = uvicorn.Config(
        _with_scissors(app),
        log_config=None,
        log_level="critical",
        access_log=False,
        ws="websockets-sansio",
        timeout_graceful_shutdown=2,
    )
    running = RunningServer(app, uvicorn.Server(config), listener, host)
    bound = getattr(app, "bound", None)
    if callable(bound):
        bound(running.url)
    running.start()
    return running
