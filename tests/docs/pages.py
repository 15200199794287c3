"""Reading the pages, and running the installed command as a person would."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
SCRIPTS = Path(sys.executable).parent
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def fenced(page: Path, language: str) -> list[str]:
    """The bodies of a page's fenced blocks in one language, in order."""
    return [body for kind, body in _FENCE.findall(page.read_text()) if kind == language]


def prose(page: Path) -> str:
    """The page without its fenced blocks."""
    return _FENCE.sub("", page.read_text())


def section(page: Path, heading: str) -> str:
    """What stands under a heading, up to the next one of its level or above."""
    text = page.read_text()
    level = len(heading) - len(heading.lstrip("#"))
    _, found, rest = text.partition(f"\n{heading}\n")
    assert found, f"{page.name} has no heading {heading!r}"
    return re.split(rf"^#{{1,{level}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def first_column(table: str) -> list[str]:
    """What stands in backticks in the first cell of each row."""
    cells = [line.split("|")[1] for line in table.splitlines() if line.startswith("| ")]
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell)]


def environment(changes: Mapping[str, str]) -> dict[str, str]:
    """Ours without what could reach a real Slack or proxy, and with `countersign` on the path."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SLACK_", "COUNTERSIGN_", "DATABASE_URL"))}
    kept["PATH"] = f"{SCRIPTS}{os.pathsep}{kept.get('PATH', '')}"
    return {**kept, **changes}


def installed(*arguments: str, cwd: Path, env: Mapping[str, str]) -> str:
    """What the installed `countersign` prints; fails with all it said if it does not exit 0."""
    done = subprocess.run(
        [str(SCRIPTS / "countersign"), *arguments],
        cwd=cwd,
        env=environment(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, f"countersign {' '.join(arguments)}: {done.stdout}{done.stderr}"
    return done.stdout
