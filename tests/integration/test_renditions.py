"""Playable copies: a clip that some browser cannot play gets a copy that all browsers play."""

from datetime import timedelta
from pathlib import Path

import pytest

from clips.renditions import maker
from shared import blob_names
from shared.catalogue.cutting.rendition_queries import RenditionOrder, Renditions
from shared.errors import WrongState
from shared.media import opened
from shared.model.clip import Clip
from shared.model.link import AccessTerms, Variant
from shared.model.playability import PlaybackVerdict
from tests.integration.dying import kill_at
from tests.integration.library import Library
from tests.integration.storage import send
from tests.media import clips
from tests.media.clips import make
from tests.media.counted import counted, shown
from tests.services import AllServices

FILMS: dict[str, tuple[clips.Clip, str]] = {
    "late index.mp4": (counted(), "remux"),
    "matroska.mkv": (counted(codec_options={"preset": "fast", "bf": "2"}), "remux"),
    "quicktime.mov": (counted(), "remux"),
    "fragments.mp4": (counted(options={"movflags": "frag_keyframe+empty_moov"}), "remux"),
    "ac3.mkv": (counted(sounds=("ac3",)), "audio"),
    "hevc.mp4": (counted(codec="libx265", seconds=2.0), "transcode"),
    "tall 4:2:2.mov": (
        counted(pixel_format="yuv422p", seconds=2.0, size=(96, 160)),
        "transcode",
    ),
}

_COPY_IS_READY = """
    UPDATE clips SET rendition_state = 'ready', rendition_name = %(name)s, rendition_etag = etag
    WHERE id = %(id)s
"""


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("films")
    return {name: make(folder / name, recipe) for name, (recipe, _) in FILMS.items()}


def play_terms() -> AccessTerms:
    return AccessTerms(life=timedelta(hours=1), ip=None, download=None, variant=Variant.PLAY)


def landed(library: Library, path: Path) -> Clip:
    clip = library.announce(path.suffix)
    assert clip.blob_name is not None
    library.upload(clip.blob_name, path.read_bytes())
    library.services.ingest.landed(clip.blob_name)
    return library.clip(clip.id)


@pytest.mark.parametrize("name", FILMS)
def test_copy_plays_everywhere_and_shows_the_same(
    services: AllServices, library: Library, films: dict[str, Path], tmp_path: Path, name: str
) -> None:
    path, verdict = films[name], FILMS[name][1]
    clip = landed(library, path)
    assert f'"verdict": "{verdict}"' in (clip.playback or "")
    assert clip.rendition.state == ("queued" if verdict == "remux" else "none")
    services.renditions.request(library.viewer, clip.id)
    services.renditions.work(clip.id)
    services.renditions.work(clip.id)  # a message may come twice
    assert library.clip(clip.id).rendition.state == "ready"
    answer = send("GET", library.link(clip, play_terms()).url)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "video/mp4")
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(answer.body)
    with opened(clips.source_of(copy)) as file:
        assert file.playback.verdict is PlaybackVerdict.DIRECT
    assert shown(copy).numbers == shown(path).numbers


@pytest.mark.parametrize("name", ["late index.mp4", "matroska.mkv"])
def test_copy_of_a_larger_clip_is_put_together_in_storage(
    library: Library, films: dict[str, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """The other tests have films that are small enough to be copied in memory."""
    monkeypatch.setattr(maker, "_KEPT_IN_MEMORY", 0)
    clip = landed(library, films[name])
    library.services.renditions.work(clip.id)
    assert library.clip(clip.id).rendition.state == "ready"
    assert send("GET", library.link(clip, play_terms()).url).status == 200


def test_clip_that_plays_everywhere_is_its_own_copy(
    services: AllServices, library: Library, tmp_path: Path
) -> None:
    path = make(tmp_path / "film.mp4", counted(seconds=1.0, options={"movflags": "faststart"}))
    clip = landed(library, path)
    assert clip.rendition.state == "none"
    asked = services.renditions.request(library.viewer, clip.id)
    assert asked.clip.rendition.state == "none"
    answer = send("GET", library.link(clip, play_terms()).url)
    assert answer.body == path.read_bytes()


def test_link_to_a_missing_copy_is_refused(library: Library, films: dict[str, Path]) -> None:
    clip = landed(library, films["hevc.mp4"])
    with pytest.raises(WrongState, match="copy"):
        library.link(clip, play_terms())


def test_copy_is_deleted_with_its_version_of_the_clip(
    services: AllServices, library: Library, films: dict[str, Path]
) -> None:
    clip = landed(library, films["matroska.mkv"])
    services.renditions.work(clip.id)
    name = blob_names.rendition(clip.video_id, clip.id)
    assert services.blobs.exists(services.containers.thumbnails, name)
    assert clip.blob_name is not None
    library.upload(clip.blob_name, films["hevc.mp4"].read_bytes())
    services.ingest.landed(clip.blob_name)
    assert not services.blobs.exists(services.containers.thumbnails, name)
    assert library.clip(clip.id).rendition.state == "none"
    services.bin.delete_clip(library.viewer, clip.id, permanent=True)
    assert not services.blobs.exists(services.containers.thumbnails, name)


def test_late_copy_replaces_no_newer_copy(
    services: AllServices,
    library: Library,
    films: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Before it ends, the clip is overwritten and the copy of the new version is ready."""
    clip = landed(library, films["matroska.mkv"])
    assert clip.blob_name is not None
    newer = make(tmp_path / "newer.mkv", counted(seconds=1.0))
    finish = Renditions.finish

    def overwrite_first(renditions: Renditions, order: RenditionOrder, name: str) -> bool:
        monkeypatch.undo()
        library.upload(str(clip.blob_name), newer.read_bytes())
        services.ingest.landed(str(clip.blob_name))
        assert services.database.run(_COPY_IS_READY, {"id": clip.id, "name": name}) == 1
        return finish(renditions, order, name)

    monkeypatch.setattr(Renditions, "finish", overwrite_first)
    services.renditions.work(clip.id)
    assert library.clip(clip.id).rendition.state == "queued"
    services.renditions.work(clip.id)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(send("GET", library.link(clip, play_terms()).url).body)
    assert shown(copy).numbers == shown(newer).numbers


def test_copy_of_a_clip_that_was_deleted_meanwhile_is_deleted(
    services: AllServices,
    library: Library,
    films: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clip = landed(library, films["matroska.mkv"])
    finish = Renditions.finish

    def delete_first(renditions: Renditions, order: RenditionOrder, name: str) -> bool:
        services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        return finish(renditions, order, name)

    monkeypatch.setattr(Renditions, "finish", delete_first)
    services.renditions.work(clip.id)
    name = blob_names.rendition(clip.video_id, clip.id)
    assert not services.blobs.exists(services.containers.thumbnails, name)


def test_copy_that_would_cost_too_much_is_refused(
    services: AllServices, library: Library, films: dict[str, Path]
) -> None:
    clip = landed(library, films["hevc.mp4"])
    services.database.run("UPDATE clips SET duration = 1e6", {})
    services.database.run(
        "UPDATE clips SET media = jsonb_set(media, '{video,coded_width}', '1920')", {}
    )
    services.renditions.request(library.viewer, clip.id)
    services.renditions.work(clip.id)
    rendition = library.clip(clip.id).rendition
    assert (rendition.state, rendition.code) == ("refused", "too_costly")


def test_copy_whose_message_was_lost_is_sent_again(
    services: AllServices, library: Library, films: dict[str, Path]
) -> None:
    landed(library, films["matroska.mkv"])
    services.database.run("UPDATE clips SET attempted_at = now() - interval '1 hour'", {})
    assert services.renditions.resume().done == 1


def test_copy_whose_worker_was_killed_is_made_by_another(
    services: AllServices, library: Library, films: dict[str, Path], environment: dict[str, str]
) -> None:
    clip = landed(library, films["matroska.mkv"])
    kill_at(environment, "renditions", clip.id, 2)
    name = blob_names.rendition(clip.video_id, clip.id)
    services.renditions.work(clip.id)  # the lease of the dead one still holds
    assert not services.blobs.exists(services.containers.thumbnails, name)
    past = "UPDATE clips SET rendition_leased_until = now() - interval '1 hour'"
    services.database.run(past, {})
    assert services.renditions.resume().done == 1
    services.renditions.work(clip.id)
    assert library.clip(clip.id).rendition.state == "ready"
    assert services.blobs.exists(services.containers.thumbnails, name)
