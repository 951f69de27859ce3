"""Stills on demand and storyboards for players: made once, kept, bounded, and signed."""

import re
from datetime import timedelta
from io import BytesIO

import httpx
import pytest
from PIL import Image

from clips.links.thumbnails import on_grid
from shared.errors import NotFound, WrongState
from shared.model.clip import Clip
from shared.model.link import AccessTerms, ImageFormat, StillOptions, Variant
from tests.conftest import SetClock
from tests.integration.library import Library
from tests.integration.storage import moment, said
from tests.media import clips

_CLOCK = r"(\d\d:\d\d:\d\d\.\d{3})"
CUE = re.compile(rf"{_CLOCK} --> {_CLOCK}\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)\n")
JPEG, WEBP = ImageFormat.JPEG, ImageFormat.WEBP


def wanted(
    time: float | None, width: int = 160, image_format: ImageFormat = ImageFormat.JPEG
) -> StillOptions:
    return StillOptions(time=time, width=width, image_format=image_format)


def picture(library: Library, clip: Clip, what: StillOptions) -> tuple[str | None, tuple[int, int]]:
    link = library.services.thumbnails.link(library.viewer, clip.id, what)
    answer = httpx.get(link.url)
    assert answer.status_code == 200
    with Image.open(BytesIO(answer.content)) as image:
        return image.format, image.size


class TestOnDemand:
    @pytest.mark.parametrize(
        ("what", "expected"),
        [
            (wanted(1.0), ("JPEG", (160, 90))),
            (wanted(1.0, 320, WEBP), ("WEBP", (320, 180))),
            (wanted(0.0, 1280), ("JPEG", (320, 180))),
            (wanted(99.0), ("JPEG", (160, 90))),
            (wanted(None, 320), ("JPEG", (320, 180))),
            (wanted(None, 160, WEBP), ("WEBP", (320, 180))),
        ],
    )
    def test_still_has_the_requested_time_width_and_format(
        self,
        library: Library,
        film: bytes,
        what: StillOptions,
        expected: tuple[str, tuple[int, int]],
    ) -> None:
        """The poster comes in a stored size at least as wide, a frame exactly, none enlarged."""
        assert picture(library, library.landed(film), what) == expected

    def test_still_is_made_once_and_kept(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        before = library.blobs("thumbnails")
        for _ in range(2):
            picture(library, clip, wanted(1.0))
            (made,) = library.blobs("thumbnails") - before
        assert made.startswith(f"{clip.video_id}/{clip.id}/at-1000-160-")

    def test_overwritten_clip_shows_its_new_frames(
        self, library: Library, film: bytes, longer_film: bytes
    ) -> None:
        clip = library.landed(film)
        assert clip.blob_name is not None
        picture(library, clip, wanted(1.0))
        library.upload(clip.blob_name, longer_film)
        library.services.ingest.landed(clip.blob_name)
        assert picture(library, clip, wanted(1.0)) == ("JPEG", (160, 160))
        (made,) = library.blobs("thumbnails") - library.images_of(library.clip(clip.id))
        assert "/at-1000-160-" in made, "the old one is gone"

    def test_stills_are_deleted_with_the_clip(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        picture(library, clip, wanted(1.0))
        library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        assert library.everything_stored() == set()

    def test_sound_has_no_still(
        self, library: Library, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        path = tmp_path_factory.mktemp("sound") / "sound.m4a"
        clip = library.landed(
            clips.make(path, clips.Clip(codec=None, sounds=("aac",))).read_bytes()
        )
        for time in (None, 1.0):
            with pytest.raises(NotFound):
                library.services.thumbnails.link(library.viewer, clip.id, wanted(time))

    def test_clip_that_is_not_ready_has_no_still(self, library: Library) -> None:
        with pytest.raises(WrongState):
            library.services.thumbnails.link(library.viewer, library.announce().id, wanted(1.0))

    def test_clips_of_other_users_have_no_still(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        mallory = Library(library.services, "mallory")
        with pytest.raises(NotFound):
            library.services.thumbnails.link(mallory.viewer, clip.id, wanted(1.0))


class TestGrid:
    """However many times are requested, a clip has at most a thousand stills."""

    @pytest.mark.parametrize("duration", [0.5, 10.0, 100.0, 3600.0, 86_400.0])
    def test_number_of_stills_is_bounded(self, duration: float) -> None:
        asked = [duration * n / 20_000 for n in range(25_000)]
        points = {on_grid(time, duration) for time in asked}
        assert len(points) <= 1001
        assert max(points) <= duration

    def test_still_is_never_after_the_requested_time(self) -> None:
        assert on_grid(1.29, 10.0) == 1.2
        assert on_grid(0.3, 10.0) == 0.3
        assert on_grid(59.9, 3600.0) == 57.6


class TestStoryboard:
    def terms(self, ip: str | None = None) -> AccessTerms:
        return AccessTerms(
            life=timedelta(hours=1), ip=ip, download=None, variant=Variant.STORYBOARD
        )

    def test_cues_can_be_loaded_although_the_container_is_private(
        self, library: Library, longer_film: bytes
    ) -> None:
        clip = library.landed(longer_film)
        link = library.link(clip, self.terms())
        answer = httpx.get(link.url)
        assert answer.headers["Content-Type"] == "text/vtt"
        cues = CUE.findall(answer.text)
        assert len(cues) >= 2
        assert cues[0][0] == "00:00:00.000"
        assert [end for _, end, *_ in cues[:-1]] == [start for start, *_ in cues[1:]], "no gaps"
        with Image.open(BytesIO(httpx.get(cues[0][2]).content)) as sheet:
            for *_, x, y, width, height in cues:
                assert int(x) + int(width) <= sheet.width
                assert int(y) + int(height) <= sheet.height

    def test_links_of_one_window_are_the_same_and_share_a_copy(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        """It is written once: later callers find it."""
        clip = library.landed(film)
        clock.now = clock.now.replace(minute=16, second=0)
        first = library.link(clip, self.terms())
        (copy,) = library.blobs("temp")
        written = library.services.blobs.get(library.containers.temp, copy)
        clock.advance(minutes=10)
        assert library.link(clip, self.terms()) == first
        assert library.services.blobs.get(library.containers.temp, copy) == written
        assert library.blobs("temp") == {copy}
        clock.advance(minutes=10)
        assert library.link(clip, self.terms()).expires_at > first.expires_at
        assert len(library.blobs("temp")) == 2

    def test_sheet_can_be_loaded_as_long_as_its_cues(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        link = library.link(clip, self.terms())
        (copy,) = library.blobs("temp")
        cues = (library.read("temp", copy) or b"").decode()
        (ends,) = {said(url, "se") for _, _, url, *_ in CUE.findall(cues)}
        assert moment(ends) == link.expires_at
        assert link.expires_at >= clock.now + timedelta(hours=1)

    def test_overwritten_clip_has_its_new_cues_at_once(
        self, library: Library, film: bytes, longer_film: bytes
    ) -> None:
        """It has them even in the window in which the old cues were stored."""
        clip = library.landed(film)
        assert clip.blob_name is not None
        old = library.link(clip, self.terms())
        library.upload(clip.blob_name, longer_film)
        library.services.ingest.landed(clip.blob_name)
        new = library.link(library.clip(clip.id), self.terms())
        assert new.expires_at == old.expires_at
        (*_, before), (*_, after) = (CUE.findall(httpx.get(link.url).text) for link in (old, new))
        assert (before[1][:8], after[1][:8]) == ("00:00:02", "00:00:03")

    def test_copy_is_cleaned_up_when_its_links_have_ended(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        link = library.link(clip, self.terms())
        clock.now = link.expires_at - timedelta(seconds=1)
        assert library.services.cleanup.run()["temp_blobs_deleted"] == 0
        clock.advance(seconds=2)
        assert library.services.cleanup.run()["temp_blobs_deleted"] == 1

    def test_link_bound_to_an_address_is_not_shared(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        link = library.link(clip, self.terms("203.0.113.7"))
        assert "sip=203.0.113.7" in link.url
        (copy,) = library.blobs("temp")
        cues = library.read("temp", copy)
        assert cues is not None
        assert b"sip=203.0.113.7" in cues

    def test_preview_has_a_link(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        terms = AccessTerms(
            life=timedelta(hours=1), ip=None, download=None, variant=Variant.PREVIEW
        )
        answer = httpx.get(library.link(clip, terms).url)
        assert answer.headers["Content-Type"] == "image/webp"
