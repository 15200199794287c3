"""docs/decisions.md names every dependency, and nothing that is none."""

from __future__ import annotations

import re
import tomllib

from tests.docs.pages import ROOT, first_column, section


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    needed = [
        *project["build-system"]["requires"],
        *project["project"]["dependencies"],
        *(one for extra in project["project"].get("optional-dependencies", {}).values() for one in extra),
    ]
    return {re.split(r"[\[<>=~!;\s]", requirement, maxsplit=1)[0].lower() for requirement in needed}


def test_every_dependency_is_explained_and_every_explained_one_is_there() -> None:
    listed = [name.lower() for name in first_column(section(ROOT / "docs" / "decisions.md", "## Dependencies"))]
    assert len(listed) == len(set(listed))
    assert set(listed) == declared()


def test_every_row_says_why_and_what_else() -> None:
    table = section(ROOT / "docs" / "decisions.md", "## Dependencies")
    rows = [line.strip("| ").split(" | ") for line in table.splitlines() if line.startswith("| `")]
    assert rows
    assert all(len(cells) == 3 and all(cell.strip() for cell in cells) for cells in rows)
