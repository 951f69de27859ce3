"""Every cut and every playable copy shows its true first frame, and its end, in real browsers.

The film comes from storage by a signed link, and so from another origin than the page.
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import pytest
from azure.storage.blob import BlobServiceClient, CorsRule

from local import azurite
from shared import blob_names
from shared.model.clip import Clip, ClipStatus, ShownClip
from shared.model.cut_method import Accuracy
from shared.model.cutting import CutDraft
from shared.model.link import AccessTerms, Variant
from tests.browsers.browser import PROGRAMS, Browser, found, running
from tests.integration.library import Library
from tests.media import clips
from tests.media.clips import make
from tests.media.counted import RATE, counted
from tests.services import AllServices

_B_FRAMES = {"preset": "fast", "bf": "2"}
_SIZE = (320, 180)
_COPIED: dict[str, clips.Clip] = {
    "faststart.mp4": counted(seconds=2.0, size=_SIZE, codec_options=_B_FRAMES),
    "remux.mkv": counted(seconds=2.0, size=_SIZE, codec_options=_B_FRAMES),
    "audio.mkv": counted(seconds=2.0, size=_SIZE, sounds=("ac3",)),
    "transcode.mp4": counted(seconds=2.0, size=_SIZE, codec="libx265"),
}


@pytest.fixture(scope="module", params=PROGRAMS)
def browser(request: pytest.FixtureRequest, azurite_account: azurite.Account) -> Iterator[Browser]:
    """A browser that may read the films of the storage account, as on Azure by its CORS rules."""
    program = found(request.param)
    if program is None:
        pytest.skip(f"this machine has no {' or '.join(PROGRAMS[request.param])}")
    everyone = CorsRule(["*"], ["GET", "HEAD"], allowed_headers=["*"], max_age_in_seconds=60)
    with BlobServiceClient.from_connection_string(azurite_account.connection_string) as client:
        client.set_service_properties(cors=[everyone])
    with running(request.param, program) as browser:
        yield browser


@pytest.fixture
def library(services: AllServices) -> Library:
    return Library(services)


@pytest.mark.parametrize(
    ("source", "accuracy", "first"),
    [
        ("film.mp4", Accuracy.KEYFRAME, 50),
        ("film.mkv", Accuracy.KEYFRAME, 50),
        ("film.mp4", Accuracy.FRAME, 63),
    ],
)
def test_cut_plays_from_its_first_to_its_last_frame(
    browser: Browser, library: Library, tmp_path: Path, source: str, accuracy: Accuracy, first: int
) -> None:
    film = make(tmp_path / source, counted(seconds=4.0, size=_SIZE, codec_options=_B_FRAMES))
    clip = _cut(library, film, CutDraft(start=2.52, end=3.6), accuracy)
    seen = browser.show(_link(library, clip, Variant.CLIP))
    assert seen.first == first
    assert 89 <= seen.last <= 89 + browser.shows_beyond_the_end
    assert seen.duration == pytest.approx((90 - first) / RATE, abs=0.03)
    assert seen.at == pytest.approx(seen.duration, abs=0.03)


@pytest.mark.parametrize("name", _COPIED)
def test_playable_copy_plays_from_its_first_to_its_last_frame(
    browser: Browser, library: Library, tmp_path: Path, name: str
) -> None:
    film = make(tmp_path / name, _COPIED[name])
    clip = library.announce(film.suffix)
    assert clip.blob_name is not None
    library.upload(clip.blob_name, film.read_bytes())
    library.services.ingest.landed(clip.blob_name)
    library.services.renditions.request(library.viewer, clip.id)
    library.services.renditions.work(clip.id)
    assert library.clip(clip.id).rendition.state == "ready"
    seen = browser.show(_link(library, clip, Variant.PLAY))
    assert (seen.first, seen.last, seen.size) == (0, 49, _SIZE)
    assert seen.duration == pytest.approx(2.0, abs=0.05)
    assert seen.at == pytest.approx(seen.duration, abs=0.05)


def _cut(library: Library, film: Path, draft: CutDraft, accuracy: Accuracy) -> Clip:
    """Cuts a clip from an uploaded source, by the call or by the queue."""
    services, video_id = library.services, library.video.id
    services.sources.announce(library.viewer, video_id, film.name, None)
    name = blob_names.source_blob(video_id, film.suffix)
    library.upload(name, film.read_bytes(), kind="videos")
    services.source_ingest.landed(name)
    (answer,) = services.cutting.cut(library.viewer, video_id, None, accuracy, [draft])
    clip = cast("ShownClip", answer).clip
    services.cut_worker.work(clip.id)
    assert clip.blob_name is not None
    services.ingest.landed(clip.blob_name)
    done = library.clip(clip.id)
    assert done.status is ClipStatus.READY
    return done


def _link(library: Library, clip: Clip, variant: Variant) -> str:
    terms = AccessTerms(life=timedelta(hours=1), ip=None, download=None, variant=variant)
    return library.link(clip, terms).url
