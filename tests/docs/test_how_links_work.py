"""What docs/api.md says of the life of links and of archived clips is what the code does."""

from datetime import timedelta

from clips.links import access, archive
from shared.model import RehydratePriority
from shared.storage.signing import signed_links as links
from shared.storage.signing.windows import window_of
from tests.docs.pages import page

PAGE = page("docs/api.md")
UNITS = {"hour": timedelta(hours=1), "minute": timedelta(minutes=1), "second": timedelta(seconds=1)}


def duration(text: str) -> timedelta:
    """Reads `6 minutes 15 seconds`."""
    words = text.split()
    pairs = zip(words[::2], words[1::2], strict=True)
    return sum((int(n) * UNITS[unit.removesuffix("s")] for n, unit in pairs), timedelta(0))


def test_windows_are_as_documented() -> None:
    table = PAGE.section("The same link for everybody").table("asked for")
    *lives, poster = table.rows
    assert [duration(window) for _, window, _ in lives] == [
        window_of(duration(life)) for life, _, _ in lives
    ]
    for life, window, works in lives:
        assert duration(works.partition(" to ")[2]) == duration(life) + duration(window)
    assert duration(poster[1]) == access._POSTER_WINDOW
    most = (access._POSTER_LIFE + access._POSTER_WINDOW) / UNITS["hour"]
    assert poster[2] == f"{access._POSTER_LIFE / UNITS['hour']:.0f} to {most:.0f} hours"


def test_copies_are_kept_as_documented() -> None:
    text = PAGE.section("How long a copy is kept").text
    assert f"max-age={links._LONGEST_CACHED}`" in text


def test_archived_clips_come_back_as_documented() -> None:
    table = PAGE.section("Archived clips").table("rehydrate")
    documented = {name.strip("`"): int(retry_after) for name, _, retry_after in table.rows}
    assert documented == {
        priority.value: archive._RETRY_AFTER[priority] for priority in RehydratePriority
    }
