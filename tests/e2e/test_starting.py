"""A misconfigured service does not start, and says what to do; `doctor` says the same (OP2)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from db.upgrade import newest_version
from tests.e2e.running import COUNTERSIGN, bare, free_port, in_database, policy_with
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
def test_serve_refuses_and_doctor_says_the_same(town: Town, sqlite_url: str, tmp_path: Path, change: Change) -> None:
    environment = bare(town.environment(sqlite_url, COUNTERSIGN_PORT=str(free_port())) | change(tmp_path, sqlite_url))
    started = [
        subprocess.Popen(
            [COUNTERSIGN, command],
            env=environment,
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for command in ("serve", "doctor")
    ]
    (_, refused), (found, stumbled) = [process.communicate(timeout=60) for process in started]

    assert [process.returncode for process in started] == [1, 1], (refused, found, stumbled)
    for words in FAULTS[change]:
        assert words in refused, refused
        assert words in found, found + stumbled
    for said in (refused, found, stumbled):
        assert "Traceback" not in said
        assert "pa55word" not in said


def test_doctor_finds_nothing_wrong_with_a_good_installation(town: Town, sqlite_url: str, tmp_path: Path) -> None:
    environment = bare(town.environment(sqlite_url))
    healthy = subprocess.run(
        [COUNTERSIGN, "doctor"], env=environment, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert healthy.returncode == 0, healthy.stdout + healthy.stderr
    assert "Countersign can start." in healthy.stdout
    assert "FAULT" not in healthy.stdout
