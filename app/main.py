"""Composition root: the only place that builds things out of settings."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from fastapi import FastAPI
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from sqlalchemy.exc import DBAPIError
from starlette.routing import Route

from app import outage, reconciler
from app.auditlog import Checkpointer, load_signing_key, parse_signing_key
from app.auditor import Auditor
from app.clock import Clock, SystemClock
from app.core.errors import CountersignError, PolicyError
from app.core.people import People
from app.core.policy import Policy, PolicyDocuments, compile_policy
from app.courier import Ports
from app.dispatch import Dispatcher
from app.edges.api import create_api
from app.edges.keys import ApiKeys
from app.edges.listeners import Desk, bolt_app
from app.edges.metrics import Metrics
from app.edges.policy_files import load_policy
from app.edges.policy_watch import PolicyWatch
from app.edges.slack_http import SlackEndpoint
from app.edges.understanding import Understandings, cache_folder, learn, load_understanding
from app.engine import Engine
from app.outage import OutageWatch
from app.ports.callbacks import CallbackPort
from app.ports.crm import Crm
from app.ports.crm.hubspot import HubSpotCrm
from app.ports.crm.webhook import WebhookCrm
from app.ports.directory import RoleSource, SlackDirectory
from app.ports.errors import Misconfigured, PortError
from app.ports.helpdesk.webhook import WebhookHelpdesk
from app.ports.llm import LanguageModel, language_model
from app.ports.mail import MailPort, mail_server
from app.ports.resolvers import Resolver
from app.ports.resolvers.configured import profile_problems, resolver_problems, resolvers
from app.ports.slack import SlackPort, slack_client
from app.ports.slack_reading import SlackReader
from app.reconciler import Reconciler
from app.settings import Settings
from app.timers import Sweeper, Ticker
from db.errors import SchemaTooOld
from db.store import Store

log = logging.getLogger("countersign")

ANSWER_THREADS = 8
AUDIT_EVERY = timedelta(minutes=1)
TIDY_EVERY = timedelta(seconds=30)  # delegations that begin or end by the clock
LOOK_EVERY = timedelta(seconds=2)  # at the policy directory, and at what other replicas put in force


class CannotStart(CountersignError):
    """`serve` refuses to run misconfigured; each problem is a sentence that says what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Service:
    """Everything a running Countersign consists of, started and stopped in order."""

    def __init__(self, settings: Settings, *, clock: Clock | None = None, migrate: bool = True) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        problems = settings.missing()
        if problems:
            raise CannotStart(problems)
        keys = ApiKeys.parse(settings.countersign_api_keys.get_secret_value())
        offered = _read_policy(settings.countersign_policy_dir)
        self.store = open_store(settings, migrate=migrate)
        self.policy = _in_force(self.store) or offered
        client = slack_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
        self.slack = SlackPort(client)
        self.directory = SlackDirectory(client, role_sources(self.policy))
        with self.store.reading() as stored:
            self.directory.bind(stored.office().channels)
        _read_directory(self.directory, self.policy)
        model = _model(settings)
        self.engine = Engine(
            self.store, self.policy, clock=self.clock, people=self.directory.snapshot, model=model is not None
        )
        self.understandings = Understandings(self.policy, cache_folder())
        self.engine.policy_listeners += [
            self.understandings.follow,
            lambda policy: self.directory.use(role_sources(policy)),
        ]
        self.watch = PolicyWatch(self.engine, settings.countersign_policy_dir, _learn_intents)
        self.dispatcher = Dispatcher(
            self.engine,
            Ports(
                slack=self.slack,
                helpdesk=_helpdesk(settings),
                crm=_crm(settings),
                callbacks=CallbackPort(keys.callback_secrets(), settings.callback_hosts),
                model=model,
                resolvers=_resolvers(settings, client, self.policy),
            ),
            worker=f"{socket.gethostname()}:{os.getpid()}",
            clock=SystemClock(),
        )
        self.signing_key = signing_key(settings)
        self.checkpointer = Checkpointer(self.store, self.signing_key, self.clock)
        reader = SlackReader(client)
        self.reconciler = Reconciler(self.engine, self.dispatcher.courier, reader, self.directory, SystemClock())
        self.outages = OutageWatch(self.engine, self.dispatcher, _mail(settings))
        self.auditor = Auditor(self.engine)
        self.ticker = Ticker(
            Sweeper(self.engine),
            self.checkpointer,
            [
                (self.watch.look, LOOK_EVERY),
                (self.auditor.look, AUDIT_EVERY),
                (self.engine.tidy_delegations, TIDY_EVERY),
                (self.reconciler.tick, reconciler.EVERY),
                (self.outages.tick, outage.EVERY),
            ],
        )
        self.pool = ThreadPoolExecutor(ANSWER_THREADS, thread_name_prefix="answer")
        self.metrics = Metrics(self.engine, self.directory.problems)
        desk = Desk(self.engine, self.slack, self.directory, self.pool, self.metrics, self.understandings)
        self.bolt = bolt_app(client, desk)
        self._socket: SocketModeHandler | None = None
        self.api = self._api(keys)

    def _api(self, keys: ApiKeys) -> FastAPI:
        endpoint = SlackEndpoint(self.bolt, self.settings.slack_signing_secret.get_secret_value())
        route = Route("/slack/events", endpoint.__call__, methods=["POST"])
        return create_api(
            self.engine,
            keys,
            extra_routes=(route,),
            callback_hosts=self.settings.callback_hosts,
            metrics=self.metrics,
            understanding=self.understandings,
        )

    def start(self) -> None:
        self.engine.start()
        self.watch.load()
        self.understandings.warm_up()
        self.dispatcher.start()
        self.ticker.start()
        if self.settings.socket_mode:
            self._socket = SocketModeHandler(self.bolt, self.settings.slack_app_token.get_secret_value())
            self._socket.connect()  # type: ignore[no-untyped-call]

    def take_no_more(self) -> None:
        """The server waits for open requests before it stops: answer the long polls, and send nothing new meanwhile."""
        self.api.state.desk.waiters.stop()
        self.dispatcher.claim_no_more()

    def stop(self) -> None:
        """Take no more work, finish what is in hand, sign the log."""
        self.take_no_more()
        if self._socket is not None:
            self._socket.close()  # type: ignore[no-untyped-call]
        self.ticker.stop()
        self.dispatcher.stop()
        self.engine.stop()
        self.pool.shutdown(wait=True, cancel_futures=False)
        self.checkpointer.sign()
        self.store.close()


def open_store(settings: Settings, *, migrate: bool) -> Store:
    """The database as this release needs it. Raises CannotStart or StoreError."""
    store = Store(settings.database_url.get_secret_value())
    try:
        if migrate:
            store.upgrade()
        else:
            store.check_schema()
    except DBAPIError as error:
        why = str(error.orig).partition("\n")[0]
        raise CannotStart([f"DATABASE_URL: the database cannot be used; check address and rights: {why}"]) from None
    return store


def role_sources(policy: Policy) -> Mapping[str, RoleSource]:
    return {
        name: RoleSource(
            group=spec.group or "", users=spec.users, dynamic=spec.resolver is not None, channel=spec.channel
        )
        for name, spec in policy.roles.items()
    }


def signing_key(settings: Settings) -> Ed25519PrivateKey:
    """From COUNTERSIGN_SIGNING_KEY, else from a file beside the database, made on first use."""
    text = settings.countersign_signing_key.get_secret_value()
    if text:
        return parse_signing_key(text, "COUNTERSIGN_SIGNING_KEY")
    return load_signing_key(key_path(settings.database_url.get_secret_value()))


def key_path(database_url: str) -> Path:
    """`countersign.db.key` beside `countersign.db`; with PostgreSQL `countersign.key` in the working directory."""
    scheme, _, rest = database_url.partition(":///")
    if scheme == "sqlite" and rest:
        return Path(rest + ".key")
    return Path("countersign.key")


def check_installation(settings: Settings) -> tuple[list[str], list[str]]:
    """What `serve` would stumble over, as (faults, warnings); nothing is changed by looking."""
    faults, warnings = settings.missing(), []
    policy = None
    try:
        policy = load_policy(settings.countersign_policy_dir)
    except PolicyError as error:
        faults += [str(problem) for problem in error.problems]
    for check in _checks(settings, complete=not settings.missing()):
        try:
            check()
        except SchemaTooOld as error:
            warnings.append(str(error))
        except CountersignError as error:
            faults.append(str(error))
    if policy and settings.slack_bot_token.get_secret_value():
        client = slack_client(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
        directory = SlackDirectory(client, role_sources(policy))
        directory.bind(known := _known_channels(settings))
        try:
            faults += missing_channels(policy, directory.load(), known)
            warnings += [p for p in directory.problems() if p not in faults]
            available = configured_resolvers(settings, client)
            warnings += [*resolver_problems(policy.roles, available), *profile_problems(policy.roles, available)]
        except Misconfigured as error:
            faults.append(str(error))
        except PortError as error:
            faults.append(f"Slack cannot be read: {error}")
    return faults, warnings


def _known_channels(settings: Settings) -> Mapping[str, str]:
    """What names in roles.yaml meant to the running product; nothing where there is no database to ask."""
    try:
        store = open_store(settings, migrate=False)
    except CountersignError:
        return {}
    with store.reading() as reader:
        known = reader.office().channels
    store.close()
    return known


def _checks(settings: Settings, *, complete: bool) -> list[Callable[[], object]]:
    """Each raises what `serve` would; what is not set at all is said already."""
    checks: list[Callable[[], object]] = [
        lambda: ApiKeys.parse(settings.countersign_api_keys.get_secret_value()),
        lambda: open_store(settings, migrate=False).close(),
    ]
    if settings.countersign_signing_key.get_secret_value():
        checks.append(lambda: signing_key(settings))
    checks.append(lambda: _mail(settings))
    return [*checks, lambda: _helpdesk(settings), lambda: _crm(settings)] if complete else checks


def _read_policy(directory: Path) -> Policy:
    try:
        policy = load_policy(directory)
        load_understanding(directory, cache_folder())
    except PolicyError as error:
        raise CannotStart(["The policy does not load; nothing was started:", *map(str, error.problems)]) from None
    return policy


def _in_force(store: Store) -> Policy | None:
    """The policy the last run left in force; None in an empty database."""
    with store.reading() as reader:
        active = reader.office().active
        stored = reader.load_snapshot(active) if active else None
    return compile_policy(msgspec.json.decode(stored, type=PolicyDocuments)) if stored else None


def _learn_intents(policy: Policy) -> None:
    learn(policy.documents.intents, cache_folder())


def _model(settings: Settings) -> LanguageModel | None:
    kind = settings.countersign_llm_kind
    if not kind:
        return None
    try:
        return language_model(
            kind,
            settings.countersign_llm_url,
            settings.countersign_llm_model,
            settings.countersign_llm_api_key.get_secret_value(),
        )
    except CountersignError as error:
        raise CannotStart([str(error)]) from None


def configured_resolvers(settings: Settings, client: WebClient) -> tuple[Resolver, ...]:
    """Raises Misconfigured."""
    return resolvers(
        client,
        settings.countersign_resolver,
        settings.countersign_resolver_token.get_secret_value(),
        settings.countersign_manager_field,
        settings.callback_hosts,
    )


def _resolvers(settings: Settings, client: WebClient, policy: Policy) -> tuple[Resolver, ...]:
    try:
        found = configured_resolvers(settings, client)
    except Misconfigured as error:
        raise CannotStart([str(error)]) from None
    for problem in resolver_problems(policy.roles, found):
        log.warning("%s", problem)
    return found


def _read_directory(directory: SlackDirectory, policy: Policy) -> None:
    """A channel that was there once and is lost now keeps nobody from starting: its cases go to the fallback's."""
    once = directory.bound()
    try:
        directory.load()
    except PortError as error:
        raise CannotStart([f"Slack cannot be read: {error}"]) from None
    for problem in directory.problems():
        log.warning("%s", problem)
    if missing := missing_channels(policy, directory.snapshot(), once):
        raise CannotStart(missing)


def missing_channels(policy: Policy, people: People, once: Collection[str] = ()) -> list[str]:
    """Channels that roles name, that the workspace does not have, and that were not there `once` either."""
    return [
        f"#{channel}, the channel of {', '.join(r for r, s in policy.roles.items() if s.channel == channel)}, "
        "does not exist: create it and invite the bot, or name another channel in roles.yaml."
        for channel in dict.fromkeys(spec.channel for spec in policy.roles.values())
        if channel and channel not in people.channels and channel not in once
    ]


def _mail(settings: Settings) -> MailPort | None:
    url = settings.countersign_smtp_url.get_secret_value()
    try:
        return MailPort(mail_server(url)) if url else None
    except CountersignError as error:
        raise CannotStart([str(error)]) from None


def _helpdesk(settings: Settings) -> WebhookHelpdesk:
    return WebhookHelpdesk(settings.countersign_helpdesk_url, settings.countersign_helpdesk_secret.get_secret_value())


def _crm(settings: Settings) -> Crm | None:
    token = settings.countersign_crm_token.get_secret_value()
    makers: Mapping[str, Callable[[], Any]] = {
        "hubspot": lambda: HubSpotCrm(settings.countersign_crm_url, token),
        "webhook": lambda: WebhookCrm(settings.countersign_crm_url, token),
    }
    maker = makers.get(settings.countersign_crm)
    return maker() if maker else None
