"""manifest.yml against Slack's schema, against what the code listens to, and against what it calls."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from slack_sdk import WebClient

from tests.docs.pages import ROOT, installed

HERE = Path(__file__).parent
CHANNEL_HISTORY = {"channels:history", "groups:history"}

# Scopes of each Web API method, as Slack documents them, for the kinds of conversation that Countersign uses it on.
SCOPES: dict[str, set[str]] = {
    "auth.test": set(),
    "chat.getPermalink": set(),
    "chat.postEphemeral": {"chat:write"},
    "chat.postMessage": {"chat:write"},
    "chat.update": {"chat:write"},
    "conversations.history": {*CHANNEL_HISTORY, "im:history"},
    "conversations.info": {"channels:read", "groups:read"},
    "conversations.list": {"channels:read", "groups:read"},
    "conversations.open": {"im:write"},
    "conversations.replies": {*CHANNEL_HISTORY, "im:history"},
    "team.profile.get": {"users.profile:read"},
    "usergroups.list": {"usergroups:read"},
    "usergroups.users.list": {"usergroups:read"},
    # roles.yaml may name people by e-mail, and an e-mail makes several accounts one person
    "users.info": {"users:read", "users:read.email"},
    "users.list": {"users:read", "users:read.email"},
    "users.profile.get": {"users.profile:read"},
    "views.open": set(),
    "views.publish": set(),
    "views.push": set(),
    "views.update": set(),
}
EVENT_SCOPES: dict[str, set[str]] = {
    "app_home_opened": set(),
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
}


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "manifest.yml").read_text())
    return found


def test_slack_takes_the_manifest(manifest: dict[str, Any]) -> None:
    schema = json.loads((HERE / "slack_manifest" / "manifest.schema.2.0.0.json").read_text())
    jsonschema.Draft7Validator(schema).validate(manifest)


def test_the_schema_would_refuse_a_mistake(manifest: dict[str, Any]) -> None:
    schema = json.loads((HERE / "slack_manifest" / "manifest.schema.2.0.0.json").read_text())
    broken = {**manifest, "settings": {**manifest["settings"], "socket_mode": True}}
    assert not jsonschema.Draft7Validator(schema).is_valid(broken)


def test_every_listener_is_in_the_manifest_and_the_other_way_round(manifest: dict[str, Any]) -> None:
    listened = registered_listeners()
    subscribed = manifest["settings"]["event_subscriptions"]["bot_events"]
    assert {event.partition(".")[0] for event in subscribed} == listened["event"]
    assert {c["command"] for c in manifest["features"]["slash_commands"]} == listened["command"]
    shortcuts = {s["callback_id"] for s in manifest["features"].get("shortcuts", [])}
    assert shortcuts == listened["shortcut"]
    assert manifest["settings"]["interactivity"]["is_enabled"] is bool(listened["action"] or listened["view"])


def test_the_home_tab_is_on_since_somebody_fills_it(manifest: dict[str, Any]) -> None:
    assert "views.publish" in called_methods()
    assert manifest["features"]["app_home"]["home_tab_enabled"] is True


def test_the_scopes_are_those_the_code_needs_and_no_others(manifest: dict[str, Any]) -> None:
    called = called_methods()
    unknown = called - SCOPES.keys()
    assert not unknown, f"say in SCOPES what these need: {sorted(unknown)}"
    needed = {"commands"}.union(*(SCOPES[method] for method in called))
    needed |= set().union(*(EVENT_SCOPES[e] for e in manifest["settings"]["event_subscriptions"]["bot_events"]))
    asked = manifest["oauth_config"]["scopes"]["bot"]
    assert len(asked) == len(set(asked))
    assert set(asked) == needed


def test_names_in_commands_arrive_as_ids(manifest: dict[str, Any]) -> None:
    assert all(command["should_escape"] is True for command in manifest["features"]["slash_commands"])


def test_every_url_is_the_one_door_and_waits_for_a_host(manifest: dict[str, Any]) -> None:
    urls = [
        manifest["settings"]["event_subscriptions"]["request_url"],
        manifest["settings"]["interactivity"]["request_url"],
        *(command["url"] for command in manifest["features"]["slash_commands"]),
    ]
    assert set(urls) == {"https://YOUR-HOST/slack/events"}
    assert (ROOT / "manifest.yml").read_text().count("https://YOUR-HOST") == len(urls) == 3
    assert manifest["settings"]["socket_mode_enabled"] is False


def test_the_command_line_prints_the_same_as_json(manifest: dict[str, Any]) -> None:
    printed = installed("manifest", "--source", str(ROOT / "manifest.yml"), cwd=ROOT, env={})
    assert json.loads(printed) == manifest


# --- reading the code --------------------------------------------------------------------------------------------


def registered_listeners() -> dict[str, set[str]]:
    """What `app.<kind>(…)` of a Bolt app is called with; a pattern or a table counts by its source."""
    found: dict[str, set[str]] = {kind: set() for kind in ("event", "command", "shortcut", "action", "view")}
    for call in _calls(ROOT / "app" / "edges" / "listeners"):
        match call.func:
            case ast.Attribute(value=ast.Name(id="app"), attr=kind) if kind in found:
                first = call.args[0]
                is_text = isinstance(first, ast.Constant) and isinstance(first.value, str)
                found[kind].add(str(first.value) if is_text else ast.unparse(first))  # type: ignore[attr-defined]
    return found


def called_methods() -> set[str]:
    """Methods of a Slack client that the product uses, as Slack spells them."""
    found = set()
    for file in _modules(ROOT / "app"):
        for node in ast.walk(ast.parse(file.read_text())):
            match node:
                case ast.Attribute(value=ast.Name(id="client" | "_client"), attr=name):
                    pass
                case ast.Attribute(value=ast.Attribute(attr="client" | "_client"), attr=name):
                    pass
                case _:
                    continue
            if "_" in name and callable(getattr(WebClient, name, None)):
                found.add(name.replace("_", "."))
    return found


def _calls(folder: Path) -> Iterator[ast.Call]:
    for file in _modules(folder):
        yield from (n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call))


def _modules(folder: Path) -> Iterator[Path]:
    return (file for file in sorted(folder.rglob("*.py")) if "sandbox" not in file.parts)
