"""docs/adr/ says of every runtime requirement why it is there."""

from tests.docs.pages import ROOT, coded

DECISIONS = sorted((ROOT / "docs/adr").glob("*.md"))


def covered() -> set[str]:
    return {
        name
        for path in DECISIONS
        for line in path.read_text().splitlines()
        if line.startswith("Covers:")
        for name in coded(line)
    }


def test_every_requirement_has_its_decision_and_none_is_left_over() -> None:
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert covered() == {line.partition("==")[0] for line in lines if "==" in line}


def test_decisions_are_numbered_and_of_one_shape() -> None:
    for number, path in enumerate(DECISIONS, 1):
        assert path.name.startswith(f"{number:04}-")
        lines = path.read_text().splitlines()
        assert lines[0].startswith(f"# {number}. ")
        headings = [line for line in lines if line.startswith("## ")]
        assert headings == ["## Context", "## Decision", "## Consequences"]
