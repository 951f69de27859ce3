"""Links to a thousand clips: one query, the same order, an error in its place."""

from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from azure.storage.blob import StandardBlobTier

from shared.errors import BlobArchived, CliplinkError, NotFound, WrongState
from shared.model.clip import Clip
from shared.model.link import AccessTerms, SignedLink, Variant
from shared.postgres.pool import Connection, Pool
from tests.integration.library import Library
from tests.media import clips


def terms(variant: Variant = Variant.CLIP) -> AccessTerms:
    return AccessTerms(life=timedelta(hours=2), ip=None, download=None, variant=variant)


def many(library: Library, *clip_ids: UUID) -> list[SignedLink | CliplinkError]:
    return list(library.services.access.many(library.viewer, clip_ids, terms()))


def archived(library: Library, clip: Clip, tier: StandardBlobTier) -> None:
    """Moves a clip's blob to a tier and lets the cleanup see it."""
    client = library.services.account.client
    client.get_blob_client(library.containers.clips, clip.blob_name or "").set_standard_blob_tier(
        tier
    )
    library.services.cleanup.run()


class TestMany:
    def test_answers_have_the_order_of_the_request(self, library: Library, film: bytes) -> None:
        """A clip may be named twice; a clip without a link has an error in its place."""
        clip, waiting, absent = library.landed(film), library.announce(), uuid4()
        answers = many(library, absent, clip.id, waiting.id, clip.id)
        assert [type(answer) for answer in answers] == [
            NotFound,
            SignedLink,
            WrongState,
            SignedLink,
        ]
        assert answers[1] == answers[3]
        assert isinstance(answers[1], SignedLink)
        assert httpx.get(answers[1].url).content == film

    def test_clip_of_another_user_looks_absent(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        mallory = Library(library.services, "mallory")
        [answer] = many(mallory, clip.id)
        [absent] = many(mallory, uuid4())
        assert isinstance(answer, NotFound)
        assert isinstance(absent, NotFound)
        assert answer.detail == absent.detail

    def test_link_of_a_list_equals_the_single_one(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        [answer] = many(library, clip.id)
        assert answer == library.link(clip, terms())

    @pytest.mark.parametrize("variant", [Variant.POSTER, Variant.STORYBOARD, Variant.PREVIEW])
    def test_every_variant_has_a_link(
        self, library: Library, film: bytes, variant: Variant
    ) -> None:
        clip = library.landed(film)
        answers = library.services.access.many(library.viewer, [clip.id, clip.id], terms(variant))
        for answer in answers:
            assert isinstance(answer, SignedLink)
            assert httpx.get(answer.url).status_code == 200

    def test_archived_clip_is_not_what_every_browser_plays(
        self, library: Library, tmp_path: Path
    ) -> None:
        recipe = clips.Clip(options={"movflags": "faststart"})
        clip = library.landed(clips.make(tmp_path / "film.mp4", recipe).read_bytes())

        def play() -> SignedLink | CliplinkError:
            [answer] = library.services.access.many(library.viewer, [clip.id], terms(Variant.PLAY))
            return answer

        assert isinstance(play(), SignedLink)
        archived(library, clip, StandardBlobTier.ARCHIVE)
        assert isinstance(play(), BlobArchived)

    def test_archived_clip_is_recorded_by_the_cleanup(self, library: Library, film: bytes) -> None:
        """Its poster stays hot; a clip in the cold tier needs no rehydration."""
        gone, cold = library.landed(film), library.landed(film)
        archived(library, gone, StandardBlobTier.ARCHIVE)
        archived(library, cold, StandardBlobTier.COLD)
        first, second = many(library, gone.id, cold.id)
        assert isinstance(first, BlobArchived)
        assert isinstance(second, SignedLink)
        [poster] = library.services.access.many(library.viewer, [gone.id], terms(Variant.POSTER))
        assert isinstance(poster, SignedLink)
        archived(library, gone, StandardBlobTier.HOT)
        [back] = many(library, gone.id)
        assert isinstance(back, SignedLink)

    def test_one_query_reads_a_thousand_clips_and_one_puts_their_links_on_record(
        self, library: Library, film: bytes, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ready = [library.landed(film).id for _ in range(3)]
        clip_ids = [*ready, *(library.announce().id for _ in range(17))]
        asked: list[Pool] = []
        connection = Pool.connection

        def counted(pool: Pool) -> AbstractContextManager[Connection]:
            asked.append(pool)
            return connection(pool)

        monkeypatch.setattr(Pool, "connection", counted)
        answers = many(library, *clip_ids * 50)
        assert sum(isinstance(answer, SignedLink) for answer in answers) == 150
        assert len(asked) == 2


def test_links_to_posters_change_twice_a_day(library: Library, film: bytes) -> None:
    """They change at midnight and noon: open pages still work, and browsers cache images."""
    (url,) = library.services.access.posters(library.viewer, [library.landed(film)])
    assert url is not None
    (ends,) = parse_qs(urlsplit(url).query)["se"]
    moment = datetime.fromisoformat(ends)
    assert (moment.hour % 12, moment.minute, moment.second) == (0, 0, 0)
    assert timedelta(hours=23) < moment - datetime.now(UTC) <= timedelta(hours=36)
