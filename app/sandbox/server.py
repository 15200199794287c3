"""The whole sandbox as one ASGI app, and the handles tests and the demo hold."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Receive, Scope, Send

from .api_args import Context
from .config import SandboxConfig
from .crm import Crm
from .delivery import Delivery
from .faults import Faults
from .helpdesk import Helpdesk
from .page_api import PageApi
from .ratelimit import Buckets
from .response_urls import ResponseUrls
from .sockets import SocketHub
from .transport import HttpTransport, Poster
from .web_api import WebApi
from .workspace import Workspace

__all__ = ["Sandbox", "SandboxConfig"]
PAGE = Path(__file__).parent / "page"
MAX_UPLOAD = 20_000_000


class _App:
    """ASGI entry with the two hooks a `RunningServer` calls."""

    def __init__(self, app: ASGIApp, sandbox: "Sandbox") -> None:
        self._app = app
        self._sandbox = sandbox

    def bound(self, url: str) -> None:
        """The address is known: response urls are made from it unless another was configured."""
        self._sandbox.response_urls.base_url = self._sandbox.config.public_url or url

    def closing(self) -> None:
        """The server is about to stop: nothing may keep it waiting."""
        self._sandbox.page.end_streams()
        self._sandbox.hub.drop()
        self._sandbox.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)


class Sandbox:
    """A Slack workspace, helpdesk and CRM in memory. `post` replaces HTTP towards the bot (see Poster)."""

    def __init__(self, config: SandboxConfig | None = None, post: Poster | None = None) -> None:
        self.config = config or SandboxConfig()
        self.faults = Faults()
        self.workspace = Workspace(self.config)
        self.faults.on_change = self.workspace.changed
        buckets = Buckets(self.config.rate_clock or self.config.wall)
        context = Context(self.config, self.workspace, self.faults, buckets, self.config.public_url)
        self.response_urls = ResponseUrls(context)
        self.hub = SocketHub(self.config, self.faults)
        self.api = WebApi(context, self.hub.issue)
        http = HttpTransport(self.config, self.faults, post)
        self.delivery = Delivery(self.workspace, self.faults, http, self.hub, self.response_urls)
        self.helpdesk = Helpdesk(self.config, self.faults, self.workspace.changed)
        self.crm = Crm(self.config, self.faults, self.workspace.changed)
        self.page = PageApi(self.config, self.workspace, self.delivery, self.faults, self.helpdesk, self.crm)
        self.app: ASGIApp = _App(self._asgi(), self)

    def close(self) -> None:
        """End threads and connections; also done when the server running `app` stops."""
        self.delivery.close()

    def _asgi(self) -> Starlette:
        @contextlib.asynccontextmanager
        async def lifespan(_app: Starlette) -> AsyncIterator[None]:
            self.page.allow_streams()
            yield
            await self.hub.shutdown()

        routes: list[BaseRoute] = [
            Route("/", _index),
            Route("/archives/{rest:path}", _index),
            Route("/api/{method}", self.api.endpoint, methods=["GET", "POST"]),
            Route("/response/{token}", self.response_urls.endpoint, methods=["POST"]),
            Route("/upload/{file_id}", self._upload, methods=["POST"]),
            Route("/files/{file_id}", self._file),
            WebSocketRoute("/socket/{ticket}", self.hub.endpoint),
            Route("/helpdesk/webhook", self.helpdesk.webhook, methods=["POST"]),
            *self.crm.routes(),
            *self.page.routes(),
            Mount("/static", StaticFiles(directory=PAGE, check_dir=False)),
        ]
        return Starlette(routes=routes, lifespan=lifespan)

    async def _upload(self, request: Request) -> Response:
        stored = self.workspace.files.get(request.path_params["file_id"])
        body = await request.body()
        if stored is None or len(body) > MAX_UPLOAD:
            return PlainTextResponse("no such upload", 404)
        stored["content"] = body
        stored["mimetype"] = request.headers.get("content-type", "application/octet-stream")
        return PlainTextResponse(f"OK - {len(body)}")

    async def _file(self, request: Request) -> Response:
        stored = self.workspace.files.get(request.path_params["file_id"])
        if stored is None or stored["content"] is None:
            return PlainTextResponse("no such file", 404)
        headers = {"x-content-type-options": "nosniff", "content-security-policy": "sandbox"}
        return Response(stored["content"], media_type=stored["mimetype"], headers=headers)


async def _index(_request: Request) -> Response:
    page = PAGE / "index.html"
    if not page.exists():
        return PlainTextResponse("The sandbox is running; its page is not installed.", 404)
    return FileResponse(page)
