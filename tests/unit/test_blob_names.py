"""Names of containers and blobs are composed and parsed in one module."""

from uuid import UUID

import pytest

from shared import blob_names
from shared.blob_names.containers import Containers
from shared.model.sidecar import SidecarKey, SidecarKind

VIDEO = UUID("0190a5c4-1111-7000-8000-00000000000a")
CLIP = UUID("0190a5c4-2222-7000-8000-00000000000b")


def test_containers_are_named_by_their_prefix() -> None:
    containers = Containers("cliplink")
    assert (containers.videos, containers.clips) == ("cliplink-videos", "cliplink-clips")
    assert (containers.thumbnails, containers.temp) == ("cliplink-thumbnails", "cliplink-temp")
    assert containers.bin == "cliplink-bin"
    assert set(containers.all()) == {
        containers.videos,
        containers.clips,
        containers.thumbnails,
        containers.temp,
        containers.bin,
    }


def test_blob_name_of_a_clip_begins_with_its_video() -> None:
    name = blob_names.clip_blob(VIDEO, CLIP, ".mp4")
    assert name == f"{VIDEO}/{CLIP}.mp4"
    assert (blob_names.video_id_of(name), blob_names.clip_id_of(name)) == (VIDEO, CLIP)


def test_blob_without_an_extension_belongs_to_its_clip() -> None:
    assert blob_names.clip_id_of(blob_names.clip_blob(VIDEO, CLIP, "")) == CLIP


def test_images_of_a_clip_share_a_prefix() -> None:
    assert blob_names.poster(VIDEO, CLIP) == f"{VIDEO}/{CLIP}/poster.jpg"
    assert blob_names.poster(VIDEO, CLIP).startswith(blob_names.derived_prefix(VIDEO, CLIP))
    assert blob_names.poster(VIDEO, CLIP).startswith(blob_names.images_prefix(VIDEO, CLIP))


def test_images_of_the_old_service_share_the_shorter_prefix() -> None:
    old = f"{VIDEO}/{CLIP}_thumbnail.jpg"
    assert old.startswith(blob_names.images_prefix(VIDEO, CLIP))
    assert not old.startswith(blob_names.derived_prefix(VIDEO, CLIP))


@pytest.mark.parametrize(
    ("filename", "extension"),
    [
        ("holiday.mp4", ".mp4"),
        ("HOLIDAY.MOV", ".mov"),
        ("a.b.webm", ".webm"),
        ("C:\\films\\a.mkv", ".mkv"),
        ("/etc/passwd.mp4", ".mp4"),
        ("clip.3gp", ".3gp"),
        ("clip", ""),
        (None, ""),
        ("", ""),
        (".mp4", ""),
        ("clip.", ""),
        ("clip.mp4 ", ""),
        ("clip.m/p4", ""),
        ("clip.../../x", ""),
        ("clip.m p4", ""),
        ("clip.%2e", ""),
        ("clip.mp4?x", ""),
        ("clip.žvi", ""),
        ("clip.\N{ARABIC-INDIC DIGIT THREE}gp", ""),
        ("clip.verylongone", ""),
        ("clip.mp4\n", ""),
    ],
)
def test_extension_is_short_and_plain_or_absent(filename: str | None, extension: str) -> None:
    assert blob_names.extension_of(filename) == extension


@pytest.mark.parametrize("rest", ["a.mp4", "holiday in Žilina.mp4", "deep/er/a.mp4", "?#%.mp4"])
def test_every_blob_below_a_video_belongs_to_it(rest: str) -> None:
    assert blob_names.video_id_of(f"{VIDEO}/{rest}") == VIDEO


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        "a.mp4",
        f"{VIDEO}",
        f"{VIDEO}/",
        f"/{VIDEO}/a.mp4",
        f"x/{VIDEO}/a.mp4",
        "not-a-video/a.mp4",
        f"{VIDEO}\\a.mp4",
    ],
)
def test_other_names_belong_to_no_video(name: str) -> None:
    assert blob_names.video_id_of(name) is None


@pytest.mark.parametrize(
    "spelling",
    [str(VIDEO).upper(), VIDEO.hex, f"{{{VIDEO}}}", f"urn:uuid:{VIDEO}", f" {VIDEO}", f"{VIDEO} "],
)
def test_id_has_one_form_only(spelling: str) -> None:
    """With two names for one clip a deletion would miss one of them."""
    assert blob_names.video_id_of(f"{spelling}/a.mp4") is None
    assert blob_names.clip_id_of(f"{VIDEO}/{spelling}.mp4") is None


@pytest.mark.parametrize(
    "rest", ["a.mp4", f"deep/{CLIP}.mp4", f"{CLIP}/poster.jpg", f"{CLIP}_thumbnail.jpg", ""]
)
def test_name_that_is_no_id_names_no_clip(rest: str) -> None:
    assert blob_names.clip_id_of(f"{VIDEO}/{rest}") is None


SIDECARS = [
    (SidecarKey(SidecarKind.VIDEO, VIDEO), f"{VIDEO}/video.json"),
    (SidecarKey(SidecarKind.SOURCE, VIDEO), f"{VIDEO}/source.json"),
    (SidecarKey(SidecarKind.CLIP, VIDEO, CLIP), f"{VIDEO}/{CLIP}/clip.json"),
]


@pytest.mark.parametrize(("key", "name"), SIDECARS)
def test_sidecars_have_names_that_tell_what_they_describe(key: SidecarKey, name: str) -> None:
    assert blob_names.sidecar(key) == name
    assert blob_names.sidecar_of(name) == key


@pytest.mark.parametrize(
    "name",
    [
        f"{VIDEO}/{CLIP}/poster.jpg",
        f"{VIDEO}/{CLIP}/video.json",
        f"{VIDEO}/clip.json",
        f"{VIDEO}/{CLIP}/more/clip.json",
        f"{str(VIDEO).upper()}/video.json",
        f"films/{CLIP}/clip.json",
        "video.json",
    ],
)
def test_other_blobs_are_no_sidecars(name: str) -> None:
    assert not blob_names.is_sidecar(name)


def test_sidecars_have_the_prefix_of_images() -> None:
    """A deletion of images by prefix has to leave them out."""
    name = blob_names.sidecar(SidecarKey(SidecarKind.CLIP, VIDEO, CLIP))
    assert name.startswith(blob_names.derived_prefix(VIDEO, CLIP))
