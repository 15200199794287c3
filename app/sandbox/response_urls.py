"""`response_url`: five answers within half an hour to one interaction."""

import json
import threading
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from . import seed
from .api_args import Args, Context
from .api_chat import content_from
from .model import Json, Message, SlackError

USES = 5
LIFETIME = 30 * 60
MAX_KEPT = 5000


@dataclass
class _Grant:
    user: str
    channel: str
    message: Message | None
    expires: float
    uses: int = 0


class ResponseUrls:
    """Issues and honours response urls. Thread-safe."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._lock = threading.Lock()
        self._grants: dict[str, _Grant] = {}
        self.base_url = context.config.public_url
        self.log: list[Json] = []

    def issue(self, user: str, channel: str, message: Message | None = None) -> str:
        token = uuid4().hex
        expires = self._context.config.now() + LIFETIME
        with self._lock:
            self._grants[token] = _Grant(user, channel, message, expires)
            while len(self._grants) > MAX_KEPT:
                del self._grants[next(iter(self._grants))]
        return f"{self.base_url}/response/{token}"

    def use(self, token: str, values: Json) -> None:
        """Do what the app answered; SlackError with Slack's code and status otherwise."""
        with self._lock:
            grant = self._grants.get(token)
            if grant is None or self._context.config.now() > grant.expires:
                raise SlackError("expired_url", 404)
            if grant.uses >= USES:
                raise SlackError("used_url", 404)
            grant.uses += 1
        self.log.append(values)
        del self.log[:-1000]
        self.answer(grant.user, grant.channel, values, grant.message)

    def answer(self, user: str, channel_id: str, values: Json, original: Message | None = None) -> None:
        """Post, replace or delete as an app's answer to an interaction says."""
        workspace = self._context.workspace
        args = Args(values)
        if args.flag("delete_original") or args.flag("replace_original"):
            if original is None or original.deleted:
                raise SlackError("message_not_found", 404)
            if args.flag("delete_original"):
                workspace.delete(original)
            else:
                workspace.edit(original, content_from(self._context, args, limit_total=False))
            return
        content = content_from(self._context, args, limit_total=False)
        in_channel = args.text("response_type") == "in_channel"
        workspace.post(
            workspace.channels[channel_id],
            seed.BOT_USER,
            content,
            thread_ts=args.text("thread_ts") or None,
            ephemeral_to=None if in_channel else user,
        )

    async def endpoint(self, request: Request) -> Response:
        if self._context.faults.get("slack_down"):
            return PlainTextResponse("Service Unavailable", 503)
        raw = await request.body()
        try:
            values: Any = json.loads(raw)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            return PlainTextResponse("invalid_payload", 400)
        try:
            self.use(request.path_params["token"], values)
        except SlackError as error:
            return JSONResponse(error.body(), 400 if error.status == 200 else error.status)
        return PlainTextResponse("ok")
