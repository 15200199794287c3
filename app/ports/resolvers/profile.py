"""The initiator's manager, as the workspace's own profiles name them."""

from __future__ import annotations

from typing import Any

from slack_sdk import WebClient

from app.core.policy.rolesfile import Resolver as Kind
from app.ports.errors import GiveUp
from app.ports.resolvers import MOST_USERS, Question
from app.ports.slack_errors import call

FIELD_SETTING = "COUNTERSIGN_MANAGER_FIELD"


class SlackProfiles:
    """Reads the profile field of type user that has this label."""

    name = "slack"
    kinds: frozenset[Kind] = frozenset({"manager_of_initiator"})

    def __init__(self, client: WebClient, label: str) -> None:
        self._client = client
        self._label = label.strip()

    def resolve(self, kind: Kind, question: Question) -> tuple[str, ...]:
        if kind not in self.kinds or not question.initiator_user:
            return ()
        field = self.field()
        answer = call(self._client.users_profile_get, repeatable=True, user=question.initiator_user)
        fields = (answer.get("profile") or {}).get("fields")
        value = fields.get(field) if isinstance(fields, dict) else None
        named = str((value or {}).get("value") or "").split(",")
        return tuple(name.strip() for name in named if name.strip())[:MOST_USERS]

    def field(self) -> str:
        """The field's id. Raises GiveUp where the workspace has no such field."""
        answer = call(self._client.team_profile_get, repeatable=True)
        fields: list[dict[str, Any]] = (answer.get("profile") or {}).get("fields") or []
        for field in fields:
            if field.get("type") == "user" and str(field.get("label", "")).casefold() == self._label.casefold():
                return str(field["id"])
        raise GiveUp(
            f"Slack's profiles have no field for people that is labelled {self._label}",
            f"Add one to the workspace's profiles, or name another in {FIELD_SETTING}",
            code="no_field",
        )
