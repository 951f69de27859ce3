"""A share opens its clip for anyone who has its URL, within its limits."""

import hashlib
import itertools
from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta
from typing import LiteralString
from urllib.parse import parse_qs, quote, urlsplit
from uuid import uuid4

import azure.functions as func
import httpx
import psycopg
import pytest
from azure.storage.blob import StandardBlobTier

from clips.handlers import shares
from clips.http.routes import Routes
from clips.links.archive import Archive
from clips.links.sharing import LINK_LIFE, Sharing
from shared.catalogue.links.share_queries import _FIND, OpenShare, Shares, ShareViewer
from shared.errors import BlobMissing, NotFound, StorageUnavailable, WrongState
from shared.model.blob import RehydratePriority, Rehydration
from shared.model.clip import Clip
from shared.model.link import Client, Share, ShareTerms, SignedLink
from shared.model.user import Viewer
from shared.storage.signing.signed_links import Links
from tests.at_once import at_once
from tests.conftest import SetClock
from tests.integration.library import Library


class AwayArchive(Archive):
    """A storage that does not answer requests for the tier of a blob."""

    def __init__(self) -> None:
        """Needs no backends, because every call fails."""

    def state(
        self, blob_name: str, priority: RehydratePriority, *, start: bool = True
    ) -> Rehydration | None:
        assert start
        raise StorageUnavailable(f"Away: {blob_name} {priority}.")


def shared(library: Library, clip: Clip, **terms: object) -> tuple[Share, str]:
    bounds = {"expires_at": None, "max_views": None, "ip": None} | terms
    return library.services.sharing.create(library.viewer, clip.id, ShareTerms(**bounds))  # type: ignore[arg-type]  # bounds of several types


_numbers = itertools.count(1)


def new_client() -> Client:
    """A client that has opened no share before."""
    return Client(f"2001:db8::{next(_numbers):x}", "curl")


def opened(library: Library, token: str, client: Client | None = None) -> SignedLink:
    outcome = library.services.sharing.open(token, client or new_client()).outcome
    assert isinstance(outcome, SignedLink)
    return outcome


def refused(library: Library, token: str, client: Client | None = None) -> str:
    with pytest.raises(NotFound) as caught:
        library.services.sharing.open(token, client or new_client())
    return caught.value.detail


def found(library: Library, token: str) -> OpenShare | None:
    viewer = ShareViewer(address=b"a", program=b"p", any_program=False)
    digest, now = hashlib.sha256(token.encode()).digest(), library.services.clock()
    return Shares(library.services.database).find(digest, viewer, now)


def claimed(library: Library, share: Share, link: SignedLink) -> bool:
    viewer = ShareViewer(address=b"a", program=b"p", any_program=False)
    now = library.services.clock()
    return Shares(library.services.database).claim(share.id, link, viewer, now)


def shares_of(library: Library, clip: Clip) -> list[Share]:
    return list(library.services.sharing.page(library.viewer, clip.id, 1000, None))


def said(link: SignedLink) -> dict[str, str]:
    return {name: value for name, [value] in parse_qs(urlsplit(link.url).query).items()}


def run(library: Library, statement: LiteralString, clip: Clip) -> None:
    library.services.database.run(statement, {"clip": clip.id, "video": clip.video_id})


class TestOpening:
    def test_share_leads_to_the_clip_for_a_few_minutes(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        share, token = shared(library, clip)
        link = opened(library, token)
        answer = httpx.get(link.url)
        assert (answer.content, answer.headers["Content-Type"]) == (film, "video/mp4")
        assert link.expires_at == clock.now.replace(microsecond=0) + LINK_LIFE
        assert [s.views for s in shares_of(library, clip)] == [1]
        assert shares_of(library, clip)[0].id == share.id

    def test_share_serves_no_type_that_browsers_run(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        run(library, "UPDATE clips SET content_type = NULL WHERE id = %(clip)s", clip)
        _, token = shared(library, clip)
        assert said(opened(library, token))["rsct"] == "application/octet-stream"

    def test_links_of_a_share_are_bound_to_its_address(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, ip="203.0.113.4-203.0.113.9")
        assert said(opened(library, token))["sip"] == "203.0.113.4-203.0.113.9"
        _, token = shared(library, clip)
        assert "sip" not in said(opened(library, token))

    def test_link_does_not_outlive_its_share(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        ends = clock.now + timedelta(seconds=90)
        _, token = shared(library, library.landed(film), expires_at=ends)
        assert opened(library, token).expires_at <= ends

    def test_clip_that_is_not_ready_is_not_opened_yet(self, library: Library, film: bytes) -> None:
        """It can be shared before its upload; visitors are asked to come back."""
        clip = library.announce()
        _, token = shared(library, clip, max_views=1)
        with pytest.raises(WrongState):
            library.services.sharing.open(token, new_client())
        assert clip.blob_name is not None
        library.upload(clip.blob_name, film)
        library.services.ingest.landed(clip.blob_name)
        assert httpx.get(opened(library, token).url).content == film

    def test_clip_in_the_archive_is_fetched_and_costs_no_view_yet(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        blob = library.services.account.client.get_blob_client(
            library.containers.clips, clip.blob_name or ""
        )
        blob.set_standard_blob_tier(StandardBlobTier.ARCHIVE)
        _, token = shared(library, clip, max_views=1)
        waiting = library.services.sharing.open(token, new_client())
        assert waiting.clip_id == clip.id
        assert isinstance(waiting.outcome, Rehydration)
        assert waiting.outcome.priority is RehydratePriority.STANDARD
        assert shares_of(library, clip)[0].views == 0
        assert httpx.get(opened(library, token).url).content == film

    def test_outage_of_storage_costs_no_view(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        services, clip = library.services, library.landed(film)
        shares, links = Shares(services.database), Links(services.account, clock)
        sharing = Sharing(clock, services.clips, shares, services.containers, links, AwayArchive())
        _, token = shared(library, clip, max_views=1)
        with pytest.raises(StorageUnavailable):
            sharing.open(token, new_client())
        opened(library, token)

    def test_missing_blob_counts_no_view(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=1)
        library.services.blobs.delete(library.containers.clips, clip.blob_name or "")
        with pytest.raises(BlobMissing):
            library.services.sharing.open(token, new_client())
        assert shares_of(library, clip)[0].views == 0


class TestTheEnd:
    def test_every_ended_share_gets_the_same_answer(self, library: Library, film: bytes) -> None:
        """The answer does not show whether a share existed, and why it has ended."""
        clips = [library.landed(film) for _ in range(5)]
        shares = [shared(library, clip, max_views=1) for clip in clips]
        tokens = [token for _, token in shares]
        for token in tokens[1:]:  # remembered as good, if anything were remembered
            assert found(library, token)
        library.services.sharing.revoke(library.viewer, clips[0].id, shares[0][0].id)
        run(library, "UPDATE shares SET expires_at = now() WHERE clip_id = %(clip)s", clips[1])
        opened(library, tokens[2])
        run(library, "UPDATE clips SET expires_at = now() WHERE id = %(clip)s", clips[3])
        library.services.bin_rows.hide_clips(library.viewer, [clips[4].id], permanent=True)
        words = {refused(library, token) for token in [*tokens, "x" * 43, "", "x", "ž" * 43]}
        assert len(words) == 1

    def test_share_ends_with_the_video_of_its_clip(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip)
        run(library, "UPDATE videos SET deleted_at = now() WHERE id = %(video)s", clip)
        refused(library, token)

    def test_revocation_counts_at_once_and_permanently(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        share, token = shared(library, clip)
        opened(library, token)
        for _ in range(2):
            library.services.sharing.revoke(library.viewer, clip.id, share.id)
            refused(library, token)
        (first,) = shares_of(library, clip)
        library.services.sharing.revoke(library.viewer, clip.id, share.id)
        assert shares_of(library, clip) == [first]
        assert first.revoked_at is not None

    def test_revoking_a_share_leaves_the_others(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        (share, token), (_, other) = shared(library, clip), shared(library, clip)
        library.services.sharing.revoke(library.viewer, clip.id, share.id)
        refused(library, token)
        opened(library, other)

    def test_share_opens_up_to_its_maximum_of_views(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=2)
        opened(library, token)
        opened(library, token)
        refused(library, token)
        assert shares_of(library, clip)[0].views == 2

    def test_concurrent_viewers_stay_within_the_maximum(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=3)

        def opens() -> bool:
            try:
                opened(library, token)
            except NotFound:
                return False
            return True

        assert sum(at_once(16, opens)) == 3
        assert shares_of(library, clip)[0].views == 3

    def test_share_revoked_before_the_view_is_counted_opens_nothing(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        share, token = shared(library, clip)
        link = opened(library, token)
        library.services.sharing.revoke(library.viewer, clip.id, share.id)
        assert not claimed(library, share, link)
        assert shares_of(library, clip)[0].views == 1

    def test_clip_deleted_before_the_view_is_counted_opens_nothing(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        share, token = shared(library, clip)
        link = opened(library, token)
        library.services.bin_rows.hide_clips(library.viewer, [clip.id], permanent=True)
        assert not claimed(library, share, link)

    def test_share_is_deleted_with_its_clip(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        shared(library, clip)
        library.services.bin.delete_clip(library.viewer, clip.id, permanent=True)
        assert library.services.database.all("SELECT id FROM shares", {}) == []


class TestViewers:
    """Requests of one viewer count as one view while a link of the share is alive."""

    VIEWER = Client("203.0.113.4", "Lavf/60.16.100")

    def test_player_seeks_and_download_resumes_within_one_view(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=1)
        for _ in range(4):
            opened(library, token, self.VIEWER)
            clock.advance(minutes=4)
        assert shares_of(library, clip)[0].views == 1

    def test_parallel_requests_of_one_viewer_are_one_view(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=1)
        at_once(8, lambda: opened(library, token, self.VIEWER))
        assert shares_of(library, clip)[0].views == 1

    @pytest.mark.parametrize(
        "other", [Client("203.0.113.5", VIEWER.program), Client(VIEWER.address, "VLC/3.0.20")]
    )
    def test_another_address_or_program_is_another_viewer(
        self, library: Library, film: bytes, other: Client
    ) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=1)
        opened(library, token, self.VIEWER)
        refused(library, token, other)
        opened(library, token, self.VIEWER)

    @pytest.mark.parametrize(
        "program", ["AppleCoreMedia/1.0.0.21E236 (iPhone; U)", "stagefright/1.2 (Linux)"]
    )
    def test_media_stack_of_a_browser_is_the_same_viewer(
        self, library: Library, film: bytes, program: str
    ) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=1)
        opened(library, token, Client("203.0.113.4", "Mozilla/5.0 (iPhone)"))
        opened(library, token, Client("203.0.113.4", program))
        refused(library, token, Client("203.0.113.5", program))

    def test_viewer_counts_again_when_the_link_has_ended(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=2)
        opened(library, token, self.VIEWER)
        clock.advance(minutes=5, seconds=1)
        opened(library, token, self.VIEWER)
        assert shares_of(library, clip)[0].views == 2
        clock.advance(minutes=5, seconds=1)
        refused(library, token, self.VIEWER)

    def test_revoked_share_opens_for_no_one_who_is_watching(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        share, token = shared(library, clip, max_views=1)
        opened(library, token, self.VIEWER)
        library.services.sharing.revoke(library.viewer, clip.id, share.id)
        refused(library, token, self.VIEWER)

    def test_database_holds_neither_address_nor_program(
        self, library: Library, film: bytes, database_url: str
    ) -> None:
        _, token = shared(library, library.landed(film))
        opened(library, token, self.VIEWER)
        dump = _dump(database_url)
        assert self.VIEWER.address not in dump
        assert hashlib.sha256(self.VIEWER.address.encode()).hexdigest() not in dump

    @pytest.mark.parametrize("title", ["Goal", "Tor für Köln", None])
    def test_saved_file_has_the_name_of_the_clip(
        self, library: Library, film: bytes, title: str | None
    ) -> None:
        clip = library.landed(film, title)
        _, token = shared(library, clip)
        disposition = httpx.get(opened(library, token).url).headers["Content-Disposition"]
        assert disposition.startswith("inline; ")
        assert disposition.endswith(f"filename*=UTF-8''{quote(f'{title or clip.id}.mp4')}")
        assert token not in disposition


class TestHead:
    """HEAD on a share, as the handler gets it if the host passes it on."""

    def head(self, library: Library, token: str) -> func.HttpResponse:
        app = func.FunctionApp()
        Routes(app, library.services).add_public("open", "GET", "s/{token}", lambda: shares.open_)
        (function,) = app.get_functions()
        request = func.HttpRequest(
            "HEAD", f"http://localhost/api/s/{token}", route_params={"token": token}, body=b""
        )
        answer: func.HttpResponse = function.get_user_function()(request, None)
        assert answer.get_body() == b""
        return answer

    def test_head_has_the_answer_of_get_and_counts_no_view(
        self, library: Library, film: bytes, clock: SetClock
    ) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=1)
        for _ in range(3):
            answer = self.head(library, token)
            assert answer.status_code == 302
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert httpx.head(answer.headers["Location"]).headers["Content-Length"] == str(len(film))
        assert shares_of(library, clip)[0].views == 0
        grants = library.services.grants.page(library.viewer, clip.id, 10, None)
        assert {grant.expires_at - clock.now < timedelta(minutes=1) for grant in grants} == {True}
        opened(library, token)
        assert self.head(library, token).status_code == 404

    def test_head_restores_no_archived_clip(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        blob = library.services.account.client.get_blob_client(
            library.containers.clips, clip.blob_name or ""
        )
        blob.set_standard_blob_tier(StandardBlobTier.ARCHIVE)
        _, token = shared(library, clip)
        assert self.head(library, token).status_code == 202
        assert blob.get_blob_properties().blob_tier == "Archive"

    @pytest.mark.parametrize("token", ["x" * 43, "x", "ž" * 43])
    def test_head_of_an_unknown_share_is_absent(self, library: Library, token: str) -> None:
        assert self.head(library, token).status_code == 404


class TestOnRecord:
    def test_grants_show_links_of_visitors(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        share, token = shared(library, clip, ip="203.0.113.4")
        link = opened(library, token)
        (grant,) = library.services.grants.page(library.viewer, clip.id, 10, None)
        assert (grant.link_id, grant.share_id, grant.who) == (link.id, share.id, None)
        assert (grant.variant, grant.ip) == ("clip", "203.0.113.4")
        assert (grant.starts_at, grant.expires_at) == (link.starts_at, link.expires_at)

    def test_two_views_within_a_second_share_a_link_and_count_twice(
        self, library: Library, film: bytes
    ) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip)
        assert opened(library, token) == opened(library, token)
        assert shares_of(library, clip)[0].views == 2
        assert len(library.services.grants.page(library.viewer, clip.id, 10, None)) == 1

    def test_refused_visitor_gets_no_grant(self, library: Library, film: bytes) -> None:
        clip = library.landed(film)
        _, token = shared(library, clip, max_views=1)
        opened(library, token)
        before = library.services.grants.page(library.viewer, clip.id, 10, None)
        refused(library, token)
        assert library.services.grants.page(library.viewer, clip.id, 10, None) == before


class TestSecret:
    def test_database_does_not_hold_the_secret(
        self, library: Library, film: bytes, database_url: str
    ) -> None:
        """No table holds it in any form: a copy of the database opens no share."""
        _, token = shared(library, library.landed(film))
        opened(library, token)
        dump = _dump(database_url)
        assert hashlib.sha256(token.encode()).hexdigest() in dump
        for form in (token, token.encode().hex(), urlsafe_b64decode(token + "=").hex()):
            assert form not in dump

    def test_database_holds_no_secret_of_a_share(self, library: Library, film: bytes) -> None:
        _, token = shared(library, library.landed(film))
        digest = hashlib.sha256(token.encode())
        for stolen in (
            digest.hexdigest(),
            "\\x" + digest.hexdigest(),
            digest.digest().decode("latin-1"),
        ):
            refused(library, stolen)

    def test_every_share_has_its_own_secret(self, library: Library) -> None:
        clip = library.announce()
        tokens = {shared(library, clip)[1] for _ in range(50)}
        assert len(tokens) == 50
        assert {len(urlsafe_b64decode(token + "=")) for token in tokens} == {32}

    def test_share_is_found_by_its_digest_only(self, library: Library, database_url: str) -> None:
        """One index lookup for every token: timing reveals nothing."""
        _, token = shared(library, library.announce())
        digest = hashlib.sha256(token.encode()).digest()
        with psycopg.connect(database_url) as connection:
            connection.execute("SET enable_seqscan = off")
            viewer = {"address": b"a", "program": b"p", "any_program": False}
            parameters = viewer | {"digest": digest, "now": datetime.now(UTC)}
            plan = connection.execute(f"EXPLAIN {_FIND}", parameters).fetchall()
        steps = [line for (line,) in plan if "token_digest" in line]
        assert "Index Scan using shares_token_digest_key" in steps[0]
        assert "Index Cond: (token_digest = " in steps[1]


class TestOwners:
    def test_owner_lists_shares_newest_first_with_ended_ones(self, library: Library) -> None:
        clip = library.announce()
        made = [shared(library, clip, max_views=n, ip="203.0.113.4")[0] for n in range(1, 6)]
        library.services.sharing.revoke(library.viewer, clip.id, made[2].id)
        listed: list[Share] = []
        while page := library.services.sharing.page(
            library.viewer, clip.id, 2, (listed[-1].created_at, listed[-1].id) if listed else None
        ):
            listed += page
            if len(page) < 2:
                break
        assert [share.id for share in listed] == [share.id for share in made[::-1]]
        assert [share.revoked_at is not None for share in listed] == [
            False,
            False,
            True,
            False,
            False,
        ]

    def test_clip_of_another_user_is_absent(self, library: Library) -> None:
        clip, sharing = library.announce(), library.services.sharing
        share, _ = shared(library, clip)
        mallory = Viewer(library.services.users.id_of("mallory", None))
        bounds = ShareTerms(expires_at=None, max_views=None, ip=None)
        with pytest.raises(NotFound):
            sharing.create(mallory, clip.id, bounds)
        with pytest.raises(NotFound):
            sharing.page(mallory, clip.id, 10, None)
        with pytest.raises(NotFound):
            sharing.revoke(mallory, clip.id, share.id)
        assert shares_of(library, clip) == [share]

    def test_share_is_revoked_under_its_own_clip_only(self, library: Library) -> None:
        clip, other = library.announce(), library.announce()
        share, _ = shared(library, clip)
        for clip_id, share_id in ((other.id, share.id), (clip.id, uuid4())):
            with pytest.raises(NotFound):
                library.services.sharing.revoke(library.viewer, clip_id, share_id)

    def test_admin_can_share_and_revoke_for_owners(self, library: Library) -> None:
        root = Viewer(library.services.users.id_of("root", None), as_admin=True)
        clip, sharing = library.announce(), library.services.sharing
        share, _ = sharing.create(root, clip.id, ShareTerms(expires_at=None, max_views=1, ip=None))
        sharing.revoke(root, clip.id, share.id)
        assert [s.revoked_at is not None for s in shares_of(library, clip)] == [True]

    def test_deleted_clip_cannot_be_shared(self, library: Library) -> None:
        clip = library.announce()
        library.services.bin_rows.hide_clips(library.viewer, [clip.id], permanent=True)
        with pytest.raises(NotFound):
            shared(library, clip)

    def test_times_are_in_utc(self, library: Library) -> None:
        ends = datetime(2090, 1, 1, tzinfo=UTC)
        share, _ = shared(library, library.announce(), expires_at=ends)
        assert share.expires_at == ends
        assert share.created_at.tzinfo is not None


def _dump(url: str) -> str:
    """Every row of every table, as text."""
    with psycopg.connect(url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        rows = [
            row[0]
            for (table,) in tables
            for row in connection.execute(
                psycopg.sql.SQL("SELECT t::text FROM {} t").format(psycopg.sql.Identifier(table))
            )
        ]
    return "\n".join(rows)
