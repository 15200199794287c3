"""A misconfigured service does not start, and says what to do; `doctor` says the same (OP2)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app
from db.upgrade import newest_version
from tests.e2e.running import countersign, free_port, in_database, policy_with
from tests.e2e.town import Town

Change = Callable[[Path, str], dict[str, str]]


@pytest.fixture(scope="module")
def shared_town() -> Iterator[Town]:
    town = Town()
    yield town
    town.close()


def _no_token(_directory: Path, _url: str) -> dict[str, str]:
    return {"SLACK_BOT_TOKEN": ""}


def _wrong_token(_directory: Path, _url: str) -> dict[str, str]:
    return {"SLACK_BOT_TOKEN": "xoxb-revoked"}


def _no_such_channel(directory: Path, _url: str) -> dict[str, str]:
    changed = policy_with(directory, "roles.yaml", "channel: legal-approvals", "channel: leagl-approvals")
    return {"COUNTERSIGN_POLICY_DIR": str(changed)}


def _broken_policy(directory: Path, _url: str) -> dict[str, str]:
    changed = policy_with(directory, "risk.yaml", "expire_after: 24h", "expire_after: soon")
    return {"COUNTERSIGN_POLICY_DIR": str(changed)}


def _newer_database(_directory: Path, url: str) -> dict[str, str]:
    in_database(url, "UPDATE alembic_version SET version_num = '9999_later'")
    return {}


def _no_database(_directory: Path, _url: str) -> dict[str, str]:
    return {"DATABASE_URL": f"postgresql://somebody:pa55word@127.0.0.1:{free_port()}/countersign"}


def _bad_keys(_directory: Path, _url: str) -> dict[str, str]:
    return {"COUNTERSIGN_API_KEYS": "only-a-name"}


def _bad_helpdesk_secret(_directory: Path, _url: str) -> dict[str, str]:
    return {"COUNTERSIGN_HELPDESK_SECRET": "not-a-whsec"}


# what is wrong → what has to be said about it
FAULTS: dict[Change, tuple[str, ...]] = {
    _no_token: ("SLACK_BOT_TOKEN is not set", "manifest.yml"),
    _wrong_token: ("Slack", "SLACK_BOT_TOKEN"),
    _no_such_channel: ("#leagl-approvals", "legal_approver", "roles.yaml"),
    _broken_policy: ("risk.yaml", "expire_after", "soon"),
    _newer_database: ("9999_later", newest_version()),
    _no_database: ("DATABASE_URL",),
    _bad_keys: ("COUNTERSIGN_API_KEYS",),
    _bad_helpdesk_secret: ("COUNTERSIGN_HELPDESK_SECRET",),
}


@pytest.mark.parametrize("change", FAULTS, ids=[c.__name__.strip("_") for c in FAULTS])
def test_serve_refuses_and_doctor_says_the_same(
    town: Town, sqlite_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    port = str(free_port())
    environment = town.environment(sqlite_url, COUNTERSIGN_PORT=port) | change(tmp_path, sqlite_url)
    served = countersign("serve", environment=environment, directory=tmp_path)
    monkeypatch.chdir(tmp_path)
    looked = CliRunner().invoke(app, ["doctor"], env=environment)

    assert (served.returncode, looked.exit_code) == (1, 1), (served.stderr, looked.output)
    for words in FAULTS[change]:
        assert words in served.stderr
        assert words in looked.output
    for said in (served.stderr, looked.output):
        assert "Traceback" not in said
        assert "pa55word" not in said


def test_doctor_finds_nothing_wrong_with_a_good_installation(town: Town, sqlite_url: str, tmp_path: Path) -> None:
    healthy = countersign("doctor", environment=town.environment(sqlite_url), directory=tmp_path)
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    assert "Countersign can start." in healthy.stdout
    assert "FAULT" not in healthy.stdout
