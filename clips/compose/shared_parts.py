"""What several services share, each part loaded at its first use."""

from typing import TYPE_CHECKING

from clips.compose.at_first_use import at_first_use
from clips.compose.backends import Backends
from shared.settings import Settings

if TYPE_CHECKING:
    from clips.bin.worker import DeletionSender
    from clips.cutting.films import FilmWriter
    from clips.links.archive import Archive
    from clips.links.storyboards import Storyboards
    from shared.catalogue.links.grant_queries import Grants
    from shared.storage.sdk.queue import Queue
    from shared.storage.signing.signed_links import Links


class SharedParts:
    def __init__(self, backends: Backends, settings: Settings) -> None:
        self.backends = backends
        self.settings = settings

    @at_first_use
    def links(self) -> "Links":
        """Links for clients: through the CDN, if there is one."""
        from shared.storage.signing.signed_links import Links

        return Links(self.backends.account, self.backends.clock, self.settings.cdn_endpoint)

    @at_first_use
    def account_links(self) -> "Links":
        """Links for requests of the app itself: a CDN would answer them from its cache."""
        from shared.storage.signing.signed_links import Links

        return Links(self.backends.account, self.backends.clock)

    @at_first_use
    def grants(self) -> "Grants":
        from shared.catalogue.links.grant_queries import Grants

        return Grants(self.backends.database, self.backends.clock)

    @at_first_use
    def archive(self) -> "Archive":
        from clips.compose.library_services import make_archive

        return make_archive(self)

    @at_first_use
    def storyboards(self) -> "Storyboards":
        from clips.compose.library_services import make_storyboards

        return make_storyboards(self)

    @at_first_use
    def cuts_queue(self) -> "Queue":
        from shared.storage.sdk.queue import Queue

        return Queue(self.backends.account, self.backends.containers.cuts_queue)

    @at_first_use
    def film_writer(self) -> "FilmWriter":
        from clips.compose.cutting_services import make_film_writer

        return make_film_writer(self)

    @at_first_use
    def deletion_sender(self) -> "DeletionSender":
        from clips.compose.bin_services import make_deletion_sender

        return make_deletion_sender(self)
