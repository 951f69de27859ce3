"""File names made of titles: every system can save them, and their extension fits."""

import pytest

from clips.links.download_names import download_name


@pytest.mark.parametrize(
    "title",
    [
        "The goal",
        "Žofie, 日本語 (2nd half) - v1.2",
        "100% & more; a=b + 'c'",
        "👩\u200d👩\u200d👧 \u0645\u06cc\u200c\u0631\u0648\u0645",
        "e\u0301 \u00ab\u00a0a\u00a0\u00bb",
        "a%2F..%2Fb",
        "console",
        "com10",
    ],
)
def test_ordinary_title_is_the_download_name(title: str) -> None:
    assert download_name(title, ".mp4") == f"{title}.mp4"


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "_.._etc_passwd.mp4"),
        ("/etc/passwd", "_etc_passwd.mp4"),
        ("C:\\Windows\\cmd.exe", "C__Windows_cmd.exe.mp4"),
        ("Home/Away", "Home_Away.mp4"),
        ('say "no"? <b>|*', "say _no__ _b___.mp4"),
        ("..", "_.mp4"),
        (".", "_.mp4"),
        (" . ", "_.mp4"),
        (".hidden", "hidden.mp4"),
        ("end. ", "end.mp4"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie_ x=1.mp4"),
        ("a\0b\x1b[2J\x85c\u2028d", "ab[2Jcd.mp4"),
        ("evil\u202e4pm.exe", "evil4pm.exe.mp4"),
        ("zero\u200bwidth\ufeff\u2066\u2069", "zerowidth.mp4"),
        ("\u202e\u200b", "_.mp4"),
        ("CON", "_CON.mp4"),
        ("nul.tar", "_nul.tar.mp4"),
        ("Com1", "_Com1.mp4"),
        ("lpt²", "_lpt².mp4"),
        ("aux .x", "_aux .x.mp4"),
    ],
)
def test_forbidden_characters_are_replaced_or_dropped(title: str, name: str) -> None:
    assert download_name(title, ".mp4") == name


@pytest.mark.parametrize("title", ["x" * 500, "é" * 500, "🎬" * 500, "x" * 254 + "🎬"])
def test_long_title_is_cut_between_characters(title: str) -> None:
    name = download_name(title, ".mp4")
    assert 250 <= len(name.encode()) <= 255
    assert title.startswith(name.removesuffix(".mp4"))
    assert name.endswith(".mp4")


def test_shortened_name_does_not_end_with_characters_that_windows_drops() -> None:
    assert download_name("x" * 250 + ". " * 50, ".mp4") == f"{'x' * 250}.mp4"
    assert download_name("x" * 249 + ". y" + "z" * 50, ".mp4") == f"{'x' * 249}.mp4"


def test_requested_name_keeps_its_extension() -> None:
    assert download_name("../goal.webm") == "_goal.webm"
    assert download_name("é" * 255 + ".webm").endswith("é.webm")
    assert len(download_name("é" * 255 + ".webm").encode()) <= 255


def test_overlong_extension_is_shortened_with_the_name() -> None:
    assert download_name("a." + "é" * 250) == "a." + "é" * 126


@pytest.mark.parametrize(
    ("extension", "name"), [(".m\\4", "a.m_4"), (".\u202emp4", "a.mp4"), (". ", "a"), ("", "a")]
)
def test_extension_of_another_tool_is_checked_too(extension: str, name: str) -> None:
    assert download_name("a", extension) == name
