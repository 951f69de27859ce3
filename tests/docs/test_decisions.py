"""docs/adr/ says why each runtime requirement is used, and its index lists every decision."""

from tests.docs.pages import ROOT, coded

FOLDER = ROOT / "docs/adr"
DECISIONS = sorted(path for path in FOLDER.glob("*.md") if path.name != "README.md")


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


def test_index_lists_every_decision() -> None:
    index = (FOLDER / "README.md").read_text()
    assert [path.name for path in DECISIONS if f"({path.name})" not in index] == []
