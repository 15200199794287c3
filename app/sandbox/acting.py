"""The footing of everything people do: who may act, and the road to the app."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import wraps
from typing import ParamSpec
from uuid import uuid4

from . import payloads
from .events import EventPump
from .faults import Faults
from .model import Channel, Json, Message, SlackError, User, View
from .response_urls import ResponseUrls
from .sockets import SocketHub
from .transport import Ack, HttpTransport
from .workspace import Workspace


@dataclass
class DeliveryResult:
    """`error` is what the person would read; `errors` are sentences by block id of a refused form."""

    ok: bool
    error: str = ""
    response_action: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    ack: Ack = field(default_factory=Ack)
    payload: Json = field(default_factory=dict)
    delivered: bool = True
    message: Message | None = None


P = ParamSpec("P")


def refused(error: str) -> DeliveryResult:
    return DeliveryResult(False, error, delivered=False)


def by_a_person(act: Callable[P, DeliveryResult]) -> Callable[P, DeliveryResult]:
    """What a person could not do in Slack becomes a result that says so, and the app hears nothing."""

    @wraps(act)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> DeliveryResult:
        try:
            return act(*args, **kwargs)
        except (SlackError, ValueError) as error:
            return refused(str(error))

    return guarded


class Acting:
    """How anything reaches the app, and which people may act at all."""

    def __init__(
        self,
        workspace: Workspace,
        faults: Faults,
        http: HttpTransport,
        hub: SocketHub,
        response_urls: ResponseUrls,
    ) -> None:
        self.workspace = workspace
        self.faults = faults
        self.http = http
        self.hub = hub
        self.response_urls = response_urls
        self.events = EventPump(workspace.config, faults, lambda p, retry: self.send("events_api", p, retry))
        self._pool: ThreadPoolExecutor | None = None
        workspace.emit = self.events.emit

    def send(self, kind: str, payload: Json, retry: tuple[int, str] | None = None) -> Ack:
        """One delivery by a connected socket, else by HTTP."""
        transport = self.hub if self.hub.connected else self.http
        return transport.send(kind, payload, retry)

    def close(self) -> None:
        """End every thread and connection of this delivery; using it again starts them anew."""
        self.events.close()
        if self._pool is not None:
            self._pool.shutdown(wait=True)
            self._pool = None
        self.http.close()
        self.events.reopen()

    def _interact(self, kind: str, payload: Json) -> Ack:
        if not self.faults.take("duplicate_delivery"):
            return self.send(kind, payload)
        if self._pool is None:
            self._pool = ThreadPoolExecutor(2, "sandbox-duplicate")
        twin = self._pool.submit(self.send, kind, payload)
        ack = self.send(kind, payload)
        twin.result()
        return ack

    def verify_url(self) -> bool:
        """Whether the app answers Slack's url_verification challenge."""
        challenge = uuid4().hex
        ack = self.send(
            "events_api",
            {"token": payloads.TOKEN, "challenge": challenge, "type": "url_verification"},
        )
        answered = ack.body.get("challenge") if isinstance(ack.body, dict) else ack.body
        return ack.ok and answered == challenge

    # --- who and where ------------------------------------------------------------------------------------

    def _actor(self, user_id: str) -> User:
        user = self.workspace.users.get(user_id)
        if user is None or user.is_bot:
            raise SlackError("No such person is in this workspace.")
        if user.deleted:
            raise SlackError("This account has been deactivated.")
        return user

    def _room(self, user: User, channel_id: str) -> Channel:
        channel = self.workspace.channels.get(channel_id)
        if channel is None or not self.workspace.sees(user.id, channel):
            raise SlackError("You cannot see this conversation.")
        return channel

    def _view_of(self, user: User, view_id: str) -> View:
        view = self.workspace.views.find(view_id)
        if view is None or view.user != user.id:
            raise SlackError("This view is no longer open.")
        return view
