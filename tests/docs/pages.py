"""Parses the pages of the documentation: sections, tables, blocks, links.

Knows only the Markdown that these pages use.
"""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")


@dataclass(frozen=True)
class Block:
    """A fenced block and its language, which may be empty."""

    language: str
    text: str


@dataclass(frozen=True)
class Table:
    """The cells of a table, row by row, without its header."""

    header: list[str]
    rows: list[list[str]]

    def names(self) -> list[str]:
        """All code spans in the first column."""
        return [name for row in self.rows for name in coded(row[0])]

    def column(self, title: str) -> dict[str, str]:
        """The cells of a column, by the names in the first column."""
        index = self.header.index(title)
        return {name: row[index] for row in self.rows for name in coded(row[0])}


@dataclass(frozen=True)
class Page:
    """A page or a part of one."""

    text: str

    @cached_property
    def prose(self) -> str:
        """The text without its blocks."""
        return _FENCE.sub("", self.text)

    @property
    def blocks(self) -> list[Block]:
        return [Block(language, text) for language, text in _FENCE.findall(self.text)]

    @property
    def headings(self) -> list[str]:
        return [title for _, title in _HEADING.findall(self.prose)]

    @property
    def links(self) -> list[str]:
        return _LINK.findall(self.prose)

    def section(self, title: str) -> "Page":
        """The text below a heading, up to the next heading of the same or a higher level."""
        fenced = [match.span() for match in _FENCE.finditer(self.text)]
        headings = [
            match
            for match in _HEADING.finditer(self.text)
            if not any(start <= match.start() < end for start, end in fenced)
        ]
        found = next(match for match in headings if match[2] == title)
        ends = (
            match.start()
            for match in headings
            if match.start() > found.start() and len(match[1]) <= len(found[1])
        )
        return Page(self.text[found.end() : next(ends, len(self.text))])

    @property
    def tables(self) -> list[Table]:
        tables = []
        for lines in re.findall(r"(?:^\|.*\|\n?)+", self.prose, re.MULTILINE):
            cells = [
                [cell.strip() for cell in line.strip("|").split("|")] for line in lines.splitlines()
            ]
            tables.append(Table(cells[0], cells[2:]))
        return tables

    def table(self, first: str) -> Table:
        """The table whose header begins with the cell `first`."""
        return next(table for table in self.tables if table.header[0] == first)


def page(name: str) -> Page:
    """A page by its path from the root of the project."""
    return Page((ROOT / name).read_text())


def all_pages() -> list[Path]:
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def coded(text: str) -> list[str]:
    """All code spans."""
    return _CODE.findall(text)


def anchor(heading: str) -> str:
    """The anchor that GitHub gives to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
