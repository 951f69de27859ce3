"""The quick comparison of images, which finds the clips that need the full comparison."""

from uuid import UUID

import pytest

from clips.drift.rules.image_rules import expected_endings
from clips.drift.stages.image_stage import _between, _unequal
from shared.catalogue.drift.drift_image_queries import ImagesInShort

KEYS = [f"{UUID(int=1)}/{UUID(int=number)}" for number in (1, 2, 0xA0)]
IMAGES = "/poster.jpg|/preview.webp||/play.mp4|/storyboard.vtt|{160,320}"
ENDINGS = [
    *("clip.json", "play.mp4", "poster-160.jpg", "poster-160.webp", "poster-320.jpg"),
    *("poster-320.webp", "poster.jpg", "preview.webp", "storyboard.jpg", "storyboard.vtt"),
]
ROWS = [ImagesInShort(key, IMAGES) for key in KEYS]
NAMES = [f"{key}/{ending}" for key in KEYS for ending in ENDINGS]


def test_clips_with_all_their_images_take_no_second_look() -> None:
    more = sorted([*NAMES, f"{KEYS[1]}/at-1000-320-0x8de.jpg", f"{KEYS[1]}_thumbnail.png"])
    assert _unequal(ROWS, NAMES) == ({}, [])
    assert _unequal(ROWS, more) == ({}, [])


@pytest.mark.parametrize("lost", [ending for ending in ENDINGS if ending != "clip.json"])
@pytest.mark.parametrize("key", KEYS)
def test_every_image_that_is_missing_is_noticed(key: str, lost: str) -> None:
    names = [name for name in NAMES if name != f"{key}/{lost}"]
    unequal, strays = _unequal(ROWS, names)
    assert unequal == {key: {name for name in names if name.startswith(key)}}
    assert strays == []


@pytest.mark.parametrize("key", KEYS)
def test_clip_without_any_image_is_noticed(key: str) -> None:
    names = [name for name in NAMES if not name.startswith(key)]
    assert _unequal(ROWS, names) == ({key: set()}, [])


@pytest.mark.parametrize(
    "stray",
    [
        "a file of another tool.txt",
        f"{UUID(int=0)}/{UUID(int=7)}/poster.jpg",
        f"{UUID(int=1)}/{UUID(int=0)}/poster.jpg",
        f"{UUID(int=1)}/{UUID(int=3)}/poster.jpg",
        f"{UUID(int=1)}/{UUID(int=0xA1)}.jpg",
        f"{UUID(int=1)}/video.json",
        f"{UUID(int=2)}/{UUID(int=1)}/poster.jpg",
        "žofie.jpg",
    ],
)
def test_name_of_no_clip_is_a_stray_wherever_it_stands(stray: str) -> None:
    assert _unequal(ROWS, sorted([*NAMES, stray])) == ({}, [stray])


def test_clip_that_is_not_shown_takes_a_second_look() -> None:
    rows = [ROWS[0], ImagesInShort(KEYS[1], None), ROWS[2]]
    assert _unequal(rows, NAMES)[0].keys() == {KEYS[1]}


@pytest.mark.parametrize(
    ("images", "endings"),
    [
        ("|||||", set()),
        ("/poster.jpg|||||{}", {"/poster.jpg"}),
        ("||_thumbnail.png|||", {"_thumbnail.png"}),
        ("||||/storyboard.vtt|", {"/storyboard.vtt", "/storyboard.jpg"}),
        ("|||||{160}", {"/poster-160.jpg", "/poster-160.webp"}),
        ("another-video/poster.jpg|||||", None),
    ],
)
def test_expected_endings_follow_from_the_row(images: str, endings: set[str] | None) -> None:
    assert expected_endings(images) == endings


def test_part_of_a_page_ends_with_the_last_clip_of_the_rows() -> None:
    assert _between(NAMES, KEYS[1], KEYS[1]) == [n for n in NAMES if n.startswith(KEYS[1])]
    assert _between(NAMES, "", None) == NAMES
    assert _between(NAMES, KEYS[2], None) == [n for n in NAMES if n.startswith(KEYS[2])]
