"""`.env.example` and the settings are one list: same names, same defaults, each with a comment."""

from __future__ import annotations

import itertools
import re
from pathlib import Path

import pytest
from pydantic import SecretStr

from app.settings import Settings
from tests.docs.pages import ROOT

EXAMPLE = ROOT / ".env.example"
NAMES = {name.upper() for name in Settings.model_fields}
SECRETS = sorted(name for name, field in Settings.model_fields.items() if field.annotation is SecretStr)
_LINE = re.compile(r"([A-Z][A-Z_]*)=")


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"{name}_FILE", raising=False)


def shown() -> list[str]:
    return [match[1] for line in EXAMPLE.read_text().splitlines() if (match := _LINE.match(line))]


def test_every_setting_is_in_the_example_once_and_nothing_else() -> None:
    assert len(shown()) == len(set(shown()))
    assert set(shown()) == NAMES


def test_the_example_shows_the_defaults() -> None:
    assert Settings(_env_file=EXAMPLE) == Settings(_env_file=None)


def test_every_setting_has_a_comment_above_it() -> None:
    lines = EXAMPLE.read_text().splitlines()
    for before, line in itertools.pairwise(lines):
        if match := _LINE.match(line):
            explained = before.startswith("# ") or _LINE.match(before)
            assert explained, f"{match[1]} is not explained"


def test_the_example_holds_no_secret() -> None:
    example = Settings(_env_file=EXAMPLE)
    given = {name for name in SECRETS if getattr(example, name).get_secret_value()}
    assert given == {"database_url"}


@pytest.mark.parametrize("name", SECRETS)
def test_each_secret_also_comes_from_a_file_as_the_example_says(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert name.upper() in EXAMPLE.read_text().partition("\n# ---")[0]
    (tmp_path / "secret").write_text("from a file\n")
    monkeypatch.setenv(f"{name.upper()}_FILE", str(tmp_path / "secret"))
    assert getattr(Settings(_env_file=None), name).get_secret_value() == "from a file"
