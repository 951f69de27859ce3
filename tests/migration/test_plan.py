"""Which file goes with which clip, without Postgres or storage."""

from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

import pytest

from clips.migration import names
from clips.migration.items import Item
from clips.migration.ledger import Ledger
from clips.migration.names import Kind
from clips.migration.plan import Plan
from clips.migration.scan import Found
from clips.transfer.faults import Code
from shared.catalogue.migration_clip_queries import CatalogueClip

VIDEO = UUID(int=1 << 120)
A, B, C = (UUID(int=number << 64 | 0x4000 << 48) for number in (10, 11, 12))


def clip(clip_id: UUID, old_url: str | None = None, blob_name: str | None = None) -> CatalogueClip:
    return CatalogueClip(id=clip_id, video_id=VIDEO, blob_name=blob_name, old_url=old_url)


@pytest.fixture
def ledger() -> Iterator[Ledger]:
    with Ledger() as opened:
        yield opened


def planned(
    ledger: Ledger,
    paths: Iterable[str | bytes],
    clips: Iterable[CatalogueClip],
    adopt: UUID | None = None,
) -> Plan:
    encoded = (path.encode() if isinstance(path, str) else path for path in paths)
    ledger.add_files(Found(path, 10) for path in encoded)
    ledger.add_clips(clips)
    return Plan(ledger, adopt)


def matched(plan: Plan) -> Mapping[bytes, UUID]:
    return {item.path: item.clip_id for item in plan.items() if item.kind is not Kind.IMAGE}


def left(plan: Plan) -> Mapping[bytes, Code]:
    return {file.path: file.code for file in plan.left_over()}


@pytest.mark.parametrize("extension", [".mp4", ".MP4", ".mov", ".webm", ".mkv", ".avi", ".m4a"])
def test_a_file_goes_with_the_clip_whose_id_is_its_name(ledger: Ledger, extension: str) -> None:
    path = f"deep/down/{A}{extension}"
    (item,) = planned(ledger, [path], [clip(A), clip(B)]).items()
    assert (item.path, item.clip_id) == (path.encode(), A)
    assert item.blob_name == f"{VIDEO}/{A}{extension.lower()}"
    assert item.content_type.startswith(("video/", "audio/"))


def test_an_id_in_capitals_is_the_same_id(ledger: Ledger) -> None:
    assert list(matched(planned(ledger, [f"{str(A).upper()}.mp4"], [clip(A)])).values()) == [A]


@pytest.mark.parametrize(
    "url",
    [
        "https://files.example.org/a/film%20one.mp4?X-Amz-Signature=abc#t=1",
        "s3://bucket/clips/film one.mp4",
        "file:///srv/clips/film%20one.mp4",
        "/srv/clips/film one.mp4",
        "C:\\clips\\film one.mp4",
    ],
)
def test_a_file_goes_with_the_clip_that_had_its_name(ledger: Ledger, url: str) -> None:
    assert matched(planned(ledger, ["x/y/film one.mp4"], [clip(A, url), clip(B)])) == {
        b"x/y/film one.mp4": A
    }


def test_a_name_written_by_a_mac_is_the_same_name(ledger: Ledger) -> None:
    assert matched(planned(ledger, ["Žofie.mp4"], [clip(A, "s3://b/%C5%BDofie.mp4")]))


def test_folders_tell_files_of_one_name_apart(ledger: Ledger) -> None:
    clips = [clip(A, "s3://b/one/3.mp4"), clip(B, "s3://b/two/3.mp4")]
    plan = planned(ledger, ["old/one/3.mp4", "old/two/3.mp4", "3.mp4"], clips)
    assert matched(plan) == {b"old/one/3.mp4": A, b"old/two/3.mp4": B}
    assert left(plan) == {b"3.mp4": Code.MANY_CLIPS}
    assert list(plan.without_file()) == []


def test_the_id_counts_for_more_than_the_address(ledger: Ledger) -> None:
    clips = [clip(A, "s3://b/old.mp4"), clip(B, f"s3://b/{A}.mp4")]
    plan = planned(ledger, ["old.mp4", f"{A}.mp4"], clips)
    assert matched(plan) == {f"{A}.mp4".encode(): A}
    assert left(plan) == {b"old.mp4": Code.BETTER_MATCH}
    assert [waiting.clip_id for waiting in plan.without_file()] == [B]


def test_files_that_fit_equally_well_are_compared_by_whoever_moves_them(ledger: Ledger) -> None:
    (item,) = planned(ledger, [f"b/{A}.mp4", f"a/{A}.mov", f"c/{A}.mp4"], [clip(A)]).items()
    assert item.path == f"a/{A}.mov".encode()
    assert item.twins == (f"b/{A}.mp4".encode(), f"c/{A}.mp4".encode())


def test_a_clip_keeps_the_name_of_the_blob_that_it_has(ledger: Ledger) -> None:
    (item,) = planned(ledger, [f"{A}.mov"], [clip(A, blob_name=f"{VIDEO}/x.mp4")]).items()
    assert (item.blob_name, item.there) == (f"{VIDEO}/x.mp4", True)


def test_whatever_is_left_over_is_told(ledger: Ledger) -> None:
    paths = ["notes.txt", f"{B}.mp4", "poster.jpg", f"{A}.json"]
    plan = planned(ledger, paths, [clip(A, "s3://b/gone.mp4"), clip(C, blob_name="there")])
    assert matched(plan) == {}
    assert left(plan) == {path.encode(): Code.NO_CLIP for path in paths}
    assert [waiting.clip_id for waiting in plan.without_file()] == [A]


def test_odd_files_are_told_and_not_matched(ledger: Ledger) -> None:
    ledger.add_files([Found(f"{A}.mp4".encode(), 0, Code.SYMLINK)])
    ledger.add_clips([clip(A)])
    plan = Plan(ledger)
    assert matched(plan) == {}
    assert list(left(plan).values()) == [Code.SYMLINK]


def test_a_name_that_is_no_utf8_is_taken_as_it_is(ledger: Ledger) -> None:
    plan = planned(ledger, [b"\xff\xfe.mp4", b"\xe9t\xe9/film.mp4"], [clip(A, "s3://b/film.mp4")])
    assert matched(plan) == {b"\xe9t\xe9/film.mp4": A}
    assert left(plan) == {b"\xff\xfe.mp4": Code.NO_CLIP}


# --- Thumbnails


def images(plan: Plan) -> Mapping[bytes, str]:
    return {item.path: item.blob_name for item in plan.items() if item.kind is Kind.IMAGE}


@pytest.mark.parametrize("name", [f"{A}_thumbnail.jpg", f"{A}.jpg", f"{A}-thumb.JPG"])
def test_an_image_goes_with_the_clip_of_its_name(ledger: Ledger, name: str) -> None:
    plan = planned(ledger, [f"a/{A}.mp4", f"b/{name}"], [clip(A)])
    assert images(plan) == {f"b/{name}".encode(): f"{VIDEO}/{A}_thumbnail.jpg"}


def test_an_image_goes_with_the_film_beside_it(ledger: Ledger) -> None:
    paths = ["a/film.mp4", "a/film_thumbnail.png", "b/film.png"]
    plan = planned(ledger, paths, [clip(A, "s3://b/film.mp4")])
    assert images(plan) == {b"a/film_thumbnail.png": f"{VIDEO}/{A}_thumbnail.png"}
    assert left(plan) == {b"b/film.png": Code.NO_CLIP}


def test_of_several_images_the_one_called_thumbnail_is_taken(ledger: Ledger) -> None:
    paths = [f"{A}.mp4", f"{A}.jpg", f"{A}_thumbnail.jpg", f"x/{A}_thumbnail.jpg"]
    plan = planned(ledger, paths, [clip(A)])
    assert list(images(plan)) == [f"{A}_thumbnail.jpg".encode()]
    assert set(left(plan).values()) == {Code.BETTER_MATCH}
    assert len(left(plan)) == 2


# --- Adoption


def test_strangers_become_clips_of_a_video_under_the_same_ids_every_time(ledger: Ledger) -> None:
    def adopted(plan: Plan) -> list[Item]:
        return [item for item in plan.items() if item.adopted]

    paths = ["holiday.mp4", "notes.txt", f"{A}.mp4"]
    plan = planned(ledger, paths, [clip(A)], adopt=VIDEO)
    (item,) = adopted(plan)
    assert item.blob_name == f"{VIDEO}/{item.clip_id}.mp4"
    assert not item.there
    assert left(plan) == {b"notes.txt": Code.NO_CLIP}
    with Ledger() as second:
        plan = planned(second, paths, [clip(A), clip(item.clip_id)], adopt=VIDEO)
        assert [(again.clip_id, again.there) for again in adopted(plan)] == [(item.clip_id, True)]


def test_a_title_is_what_of_a_name_can_be_shown() -> None:
    assert names.title_of("a/Žofie & 日本語\n.mp4".encode()) == "Žofie & 日本語"
    assert names.title_of(b"\xff.mp4") == "\ufffd"
    assert len(names.title_of(b"x" * 4000 + b".mp4") or "") == 500


# --- Scale


def test_many_files_of_few_names_are_planned_without_comparing_each_with_each(
    ledger: Ledger,
) -> None:
    """Every folder has the same names: that is how the old service kept them."""
    ids = [UUID(int=1 << 100 | number) for number in range(20_000)]
    paths = [f"videos/{number // 10}/{number % 10}.mp4" for number in range(20_000)]
    clips = [clip(i, f"s3://bucket/{path}") for i, path in zip(ids, paths, strict=True)]
    plan = planned(ledger, paths, clips)
    assert matched(plan) == {path.encode(): i for path, i in zip(paths, ids, strict=True)}
    assert plan.totals() == (20_000, 200_000)
