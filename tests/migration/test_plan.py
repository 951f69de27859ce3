"""Which file belongs to which clip, without Postgres or storage."""

import os
from collections.abc import Iterable, Iterator, Mapping
from uuid import UUID

import pytest

from clips.migration.ledger import Ledger
from clips.migration.matching import match
from clips.migration.old_files import file_names, old_address
from clips.migration.old_files.scan import ScannedFile
from clips.migration.outcomes import PlanItem
from clips.migration.plan import Plan
from clips.migration.reasons import AnyReason, Reason
from clips.transfer.file_types import FileKind
from shared.catalogue.migration.migration_clip_queries import CatalogueClip

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
    encoded = map(os.fsencode, paths)
    ledger.add_files(ScannedFile(path, 10) for path in encoded)
    ledger.add_clips(clips)
    match(ledger)
    return Plan(ledger, adopt)


def matched(plan: Plan) -> Mapping[bytes, UUID]:
    return {item.path: item.clip_id for item in plan.items() if item.kind is not FileKind.IMAGE}


def left(plan: Plan) -> Mapping[bytes, AnyReason]:
    return {file.path: file.code for file in plan.unmatched()}


@pytest.mark.parametrize("extension", [".mp4", ".MP4", ".mov", ".webm", ".mkv", ".avi", ".m4a"])
def test_file_belongs_to_the_clip_whose_id_is_its_name(ledger: Ledger, extension: str) -> None:
    path = f"deep/down/{A}{extension}"
    (item,) = planned(ledger, [path], [clip(A), clip(B)]).items()
    assert (item.path, item.clip_id) == (path.encode(), A)
    assert item.blob_name == f"{VIDEO}/{A}{extension.lower()}"
    assert item.content_type.startswith(("video/", "audio/"))


def test_id_in_capitals_is_the_same_id(ledger: Ledger) -> None:
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
def test_file_belongs_to_the_clip_whose_old_address_has_its_name(ledger: Ledger, url: str) -> None:
    assert matched(planned(ledger, ["x/y/film one.mp4"], [clip(A, url), clip(B)])) == {
        b"x/y/film one.mp4": A
    }


def test_names_match_in_either_unicode_normal_form(ledger: Ledger) -> None:
    assert matched(planned(ledger, ["Žofie.mp4"], [clip(A, "s3://b/%C5%BDofie.mp4")]))


def test_folders_distinguish_files_with_the_same_name(ledger: Ledger) -> None:
    clips = [clip(A, "s3://b/one/3.mp4"), clip(B, "s3://b/two/3.mp4")]
    plan = planned(ledger, ["old/one/3.mp4", "old/two/3.mp4", "3.mp4"], clips)
    assert matched(plan) == {b"old/one/3.mp4": A, b"old/two/3.mp4": B}
    assert left(plan) == {b"3.mp4": Reason.MANY_CLIPS}
    assert list(plan.clips_without_file()) == []


def test_id_is_preferred_to_the_address(ledger: Ledger) -> None:
    clips = [clip(A, "s3://b/old.mp4"), clip(B, f"s3://b/{A}.mp4")]
    plan = planned(ledger, ["old.mp4", f"{A}.mp4"], clips)
    assert matched(plan) == {f"{A}.mp4".encode(): A}
    assert left(plan) == {b"old.mp4": Reason.BETTER_MATCH}
    assert [waiting.clip_id for waiting in plan.clips_without_file()] == [B]


def test_files_that_match_equally_well_are_planned_as_duplicates(ledger: Ledger) -> None:
    (item,) = planned(ledger, [f"b/{A}.mp4", f"a/{A}.mov", f"c/{A}.mp4"], [clip(A)]).items()
    assert item.path == f"a/{A}.mov".encode()
    assert item.duplicates == (f"b/{A}.mp4".encode(), f"c/{A}.mp4".encode())


def test_clip_with_a_blob_keeps_its_blob_name(ledger: Ledger) -> None:
    (item,) = planned(ledger, [f"{A}.mov"], [clip(A, blob_name=f"{VIDEO}/x.mp4")]).items()
    assert (item.blob_name, item.already_stored) == (f"{VIDEO}/x.mp4", True)


def test_unmatched_files_and_clips_without_a_file_are_listed(ledger: Ledger) -> None:
    paths = ["notes.txt", f"{B}.mp4", "poster.jpg", f"{A}.json"]
    plan = planned(ledger, paths, [clip(A, "s3://b/gone.mp4"), clip(C, blob_name="there")])
    assert matched(plan) == {}
    assert left(plan) == {path.encode(): Reason.NO_CLIP for path in paths}
    assert [waiting.clip_id for waiting in plan.clips_without_file()] == [A]


def test_symbolic_links_are_listed_and_not_matched(ledger: Ledger) -> None:
    ledger.add_files([ScannedFile(f"{A}.mp4".encode(), 0, Reason.SYMLINK)])
    ledger.add_clips([clip(A)])
    match(ledger)
    plan = Plan(ledger)
    assert matched(plan) == {}
    assert list(left(plan).values()) == [Reason.SYMLINK]


def test_names_that_are_not_utf8_are_matched_by_their_bytes(ledger: Ledger) -> None:
    plan = planned(ledger, [b"\xff\xfe.mp4", b"\xe9t\xe9/film.mp4"], [clip(A, "s3://b/film.mp4")])
    assert matched(plan) == {b"\xe9t\xe9/film.mp4": A}
    assert left(plan) == {b"\xff\xfe.mp4": Reason.NO_CLIP}


# --- Old addresses with characters that mean something in a URL

S3 = "https://bucket.s3.eu-west-1.amazonaws.com"
PATH_STYLE = "https://s3.amazonaws.com/bucket"


@pytest.mark.parametrize(
    ("url", "file", "others"),
    [
        ("s3://b/2024/take #2.mp4", "take #2.mp4", ["take ", "take", "2.mp4"]),
        ("s3://b/2024/what?.mp4", "what?.mp4", ["what", "what.mp4"]),
        ("s3://b/2024/100%25.mp4", "100%25.mp4", ["100%.mp4"]),
        ("s3://b/2024/100%.mp4", "100%.mp4", ["100%25.mp4"]),
        ("s3://b/2024/a+b.mp4", "a+b.mp4", ["a b.mp4", "a%2Bb.mp4"]),
        ("s3://b/2024/a%2Bb.mp4", "a%2Bb.mp4", ["a+b.mp4", "a b.mp4"]),
        ("s3://b/2024/a;b&c=d.mp4", "a;b&c=d.mp4", ["a", "a;b"]),
        ("s3://b/2024/take.mp4 ", "take.mp4 ", ["take.mp4"]),
        ("s3://b/2024/take.mp4?versionId=3", "take.mp4?versionId=3", ["take.mp4"]),
        ("s3://b/2024/back\\slash.mp4", "back\\slash.mp4", ["slash.mp4"]),
        ("s3://b/2024/tab\t.mp4", "tab\t.mp4", ["tab.mp4"]),
        (f"{S3}/2024/my+clip.mp4", "my+clip.mp4", ["my clip.mp4"]),
        (f"{S3}/2024/a%2Bb.mp4", "a+b.mp4", ["a b.mp4", "a%2Bb.mp4"]),
        (f"{S3}/2024/100%25.mp4", "100%.mp4", ["100%25.mp4"]),
        (f"{S3}/2024/100%.mp4", "100%.mp4", []),
        (f"{S3}/2024/take #2.mp4", "take #2.mp4", ["take ", "take"]),
        (f"{S3}/2024/take%20%232.mp4", "take #2.mp4", ["take%20%232.mp4"]),
        (f"{S3}/2024/take#2", "take#2", ["take"]),
        (f"{S3}/2024/what?.mp4", "what?.mp4", ["what"]),
        (f"{S3}/2024/really?yes=no.mp4", "really?yes=no.mp4", ["really"]),
        (f"{S3}/2024/a.mp4#2.mp4", "a.mp4#2.mp4", ["a.mp4"]),
        (f"{S3}/2024/a.mp4?.mp4", "a.mp4?.mp4", ["a.mp4"]),
        (f"{S3}/2024/caf%E9.mp4", "caf\udce9.mp4", ["caf%E9.mp4"]),
        (f"{S3}/2024/take #2.mp4?X-Amz-Signature=a/b", "take #2.mp4", ["take ", "b"]),
        (f"{S3}/2024/take?X-Amz-Signature=a&x=b.mp4", "take", ["b.mp4"]),
        (f"{PATH_STYLE}/2024/my%2Bclip.mp4", "my+clip.mp4", ["my clip.mp4"]),
        ("https://files.example.org/my+clip.mp4", "my+clip.mp4", ["my clip.mp4"]),
        ("/srv/100%25 #1?.mp4", "100%25 #1?.mp4", ["100% #1?.mp4", "100%25 "]),
    ],
)
def test_old_address_means_a_single_file(
    ledger: Ledger, url: str, file: str, others: list[str]
) -> None:
    files = [f"2024/{name}" for name in (file, *others)]
    assert matched(planned(ledger, files, [clip(A, url)])) == {os.fsencode(files[0]): A}
    with Ledger() as second:
        assert matched(planned(second, files[1:], [clip(A, url)])) in ({}, _spaced(url, files[1:]))


def _spaced(url: str, files: list[str]) -> Mapping[bytes, UUID]:
    """S3 reads a + as a space: the second file is meant if the first is missing."""
    is_s3_plus = url == f"{S3}/2024/my+clip.mp4"
    return {os.fsencode(files[0]): A} if is_s3_plus else {}


@pytest.mark.parametrize(
    "url",
    [
        f"{S3}/2024/my+clip.mp4",
        f"{PATH_STYLE}/2024/my+clip.mp4?versionId=7",
        "https://bucket.s3-accelerate.amazonaws.com/2024/my+clip.mp4",
        "https://b.with.dots.s3.dualstack.us-east-1.amazonaws.com:443/2024/my+clip.mp4",
    ],
)
def test_plus_in_an_s3_address_is_a_space_unless_a_file_has_the_plus(
    ledger: Ledger, url: str
) -> None:
    assert matched(planned(ledger, ["2024/my clip.mp4"], [clip(A, url)])) == {
        b"2024/my clip.mp4": A
    }


def test_second_reading_takes_no_file_from_another_clip(ledger: Ledger) -> None:
    clips = [clip(A, f"{S3}/my+clip.mp4"), clip(B, f"{S3}/my%20clip.mp4")]
    assert matched(planned(ledger, ["my clip.mp4"], clips)) == {b"my clip.mp4": B}
    with Ledger() as second:
        plan = planned(second, ["my+clip.mp4", "my clip.mp4"], clips)
        assert matched(plan) == {b"my+clip.mp4": A, b"my clip.mp4": B}
    with Ledger() as third:
        clips = [clip(A, f"{S3}/x/a+b.mp4"), clip(B, f"{S3}/y/a+b.mp4")]
        plan = planned(third, ["a b.mp4"], clips)
        assert left(plan) == {b"a b.mp4": Reason.MANY_CLIPS}


def test_bucket_in_a_path_is_not_a_folder(ledger: Ledger) -> None:
    plan = planned(ledger, ["bucket/3.mp4", "other/3.mp4"], [clip(A, f"{PATH_STYLE}/3.mp4")])
    (item,) = plan.items()
    assert item.duplicates == (b"other/3.mp4",), "neither fits better than the other"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("s3://b/2024/take #2.mp4", "s3://b/2024/take #2.mp4"),
        ("s3://b/what?.mp4", "s3://b/what?.mp4"),
        ("https://u:p@x.test/a.mp4?token=secret#t=1", "https://x.test/a.mp4"),
        ("https://x.test/a?token=secret.mp4", "https://x.test/a"),
        ("https://x.test/a#token=secret.mp4", "https://x.test/a"),
        ("https://x.test/what?.mp4", "https://x.test/what?.mp4"),
        ("x.test/a.mp4?X-Amz-Signature=secret", "x.test/a.mp4"),
        ("s3://b/a.mp4?X-Amz-Signature=secret", "s3://b/a.mp4"),
        ("https://[::1/a.mp4", "malformed"),
    ],
)
def test_receipt_shows_addresses_without_secrets(url: str, shown: str) -> None:
    assert old_address.parse(url).shown == shown


# --- Thumbnails


def images(plan: Plan) -> Mapping[bytes, str]:
    return {item.path: item.blob_name for item in plan.items() if item.kind is FileKind.IMAGE}


@pytest.mark.parametrize("name", [f"{A}_thumbnail.jpg", f"{A}.jpg", f"{A}-thumb.JPG"])
def test_image_belongs_to_the_clip_whose_id_is_its_name(ledger: Ledger, name: str) -> None:
    plan = planned(ledger, [f"a/{A}.mp4", f"b/{name}"], [clip(A)])
    assert images(plan) == {f"b/{name}".encode(): f"{VIDEO}/{A}_thumbnail.jpg"}


def test_image_belongs_to_the_video_file_beside_it(ledger: Ledger) -> None:
    paths = ["a/film.mp4", "a/film_thumbnail.png", "b/film.png"]
    plan = planned(ledger, paths, [clip(A, "s3://b/film.mp4")])
    assert images(plan) == {b"a/film_thumbnail.png": f"{VIDEO}/{A}_thumbnail.png"}
    assert left(plan) == {b"b/film.png": Reason.NO_CLIP}


def test_image_called_thumbnail_is_preferred(ledger: Ledger) -> None:
    paths = [f"{A}.mp4", f"{A}.jpg", f"{A}_thumbnail.jpg", f"x/{A}_thumbnail.jpg"]
    plan = planned(ledger, paths, [clip(A)])
    assert list(images(plan)) == [f"{A}_thumbnail.jpg".encode()]
    assert set(left(plan).values()) == {Reason.BETTER_MATCH}
    assert len(left(plan)) == 2


# --- Adoption


def test_adopted_files_get_the_same_clip_ids_in_every_run(ledger: Ledger) -> None:
    def adopted(plan: Plan) -> list[PlanItem]:
        return [item for item in plan.items() if item.adopted]

    paths = ["holiday.mp4", "notes.txt", f"{A}.mp4"]
    plan = planned(ledger, paths, [clip(A)], adopt=VIDEO)
    (item,) = adopted(plan)
    assert item.blob_name == f"{VIDEO}/{item.clip_id}.mp4"
    assert not item.already_stored
    assert left(plan) == {b"notes.txt": Reason.NO_CLIP}
    with Ledger() as second:
        plan = planned(second, paths, [clip(A), clip(item.clip_id)], adopt=VIDEO)
        assert [(again.clip_id, again.already_stored) for again in adopted(plan)] == [
            (item.clip_id, True)
        ]


def test_title_is_the_printable_part_of_a_file_name() -> None:
    assert file_names.title_of("a/Žofie & 日本語\n.mp4".encode()) == "Žofie & 日本語"
    assert file_names.title_of(b"\xff.mp4") == "\ufffd"
    assert len(file_names.title_of(b"x" * 4000 + b".mp4") or "") == 500


# --- Scale


def test_planning_many_files_with_few_names_is_fast(
    ledger: Ledger,
) -> None:
    """Every folder has the same names, as in the old service."""
    ids = [UUID(int=1 << 100 | number) for number in range(20_000)]
    paths = [f"videos/{number // 10}/{number % 10}.mp4" for number in range(20_000)]
    clips = [clip(i, f"s3://bucket/{path}") for i, path in zip(ids, paths, strict=True)]
    plan = planned(ledger, paths, clips)
    assert matched(plan) == {path.encode(): i for path, i in zip(paths, ids, strict=True)}
    assert plan.totals() == (20_000, 200_000)
