"""What a Slack message is to us, and what packets need to know besides the case."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256

import msgspec

from app.core.assessment import Tier
from app.core.case import Case
from app.core.people import People
from app.core.policy import Policy
from blocks.kit import Json
from blocks.text import one_line, spelled


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """`templates` are (id, title, text), `reject_categories` (value, label), `intents` (label, title, tier).

    `workspace_url` makes permalinks.
    """

    people: People
    role_titles: Mapping[str, str] = {}
    role_channels: Mapping[str, str] = {}  # names, without #
    paused: bool = False
    templates: tuple[tuple[str, str, str], ...] = ()
    reject_categories: tuple[tuple[str, str], ...] = ()
    intents: tuple[tuple[str, str, Tier], ...] = ()
    workspace_url: str = ""
    digests: Mapping[str, tuple[str, str]] = {}  # where each stands: channel id and ts

    def role(self, role: str) -> str:
        return one_line(self.role_titles.get(role) or spelled(role), 60)

    def name(self, actor: str) -> str:
        """Of a Slack user id or an actor string; never a mention. Nobody's name for the system itself."""
        kind, _, rest = actor.rpartition(":")
        if kind == "system":
            return "Countersign"
        if kind == "api":
            return one_line(rest, 60)
        return one_line(self.people.find(rest).name, 60) or one_line(rest, 60) or "somebody"

    def permalink(self, channel_id: str, ts: str | None) -> str:
        if not (self.workspace_url and channel_id and ts):
            return ""
        return f"{self.workspace_url.rstrip('/')}/archives/{channel_id}/p{ts.replace('.', '')}"


def surroundings_of(policy: Policy, people: People, *, paused: bool = False) -> Surroundings:
    """What a case's own policy and today's directory say about how it is shown."""
    return Surroundings(
        people=people,
        paused=paused,
        role_titles={name: spec.title for name, spec in policy.roles.items()},
        role_channels={name: spec.channel for name, spec in policy.roles.items()},
        templates=tuple((t.id, t.title, t.text) for t in policy.templates),
        reject_categories=policy.reject_categories,
        intents=tuple((label, topic.title, topic.tier) for label, topic in policy.risk.intents.items()),
        workspace_url=people.workspace_url,
    )


class SlackMessage(msgspec.Struct, frozen=True, kw_only=True):
    """`digest` tells whether Slack shows this very message already."""

    text: str
    blocks: list[Json]
    metadata: Json | None
    digest: str


def slack_message(text: str, blocks: list[Json], metadata: Json | None = None) -> SlackMessage:
    content = {"text": text, "blocks": blocks, "metadata": metadata}
    digest = sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
    return SlackMessage(text=text, blocks=blocks, metadata=metadata, digest=digest)


def case_metadata(case: Case, request_hash: str = "", draft_version: int | None = None) -> Json:
    """What a program may read off a packet; of the current draft unless another one is named."""
    draft = case.draft
    current = draft.version if draft else 0
    return {
        "event_type": "countersign_case",
        "event_payload": {
            "case_id": case.id,
            "draft_version": current if draft_version is None else draft_version,
            "request_hash": request_hash or case.request_hash,
        },
    }
