"""Storyboards for players: a WebVTT whose cues carry signed addresses of the sheet.

A cue's address is relative in the stored file, and a relative address loses the signature of
the file it stands in. So a copy with full addresses is kept in the temp container for as long
as its links are good: the cleanup removes it by its `expires_at`.
"""

from datetime import datetime, timedelta

from shared import blob_names
from shared.blob_names import Containers
from shared.clock import Clock
from shared.errors import NotFound
from shared.model import ClipFile, SignedLink
from shared.storage import Blobs, Links, LinkTerms

# Links asked for within a quarter of an hour end together and share one copy.
_WINDOW = timedelta(minutes=15)


class Storyboards:
    def __init__(self, clock: Clock, blobs: Blobs, containers: Containers, links: Links) -> None:
        self._clock = clock
        self._blobs = blobs
        self._containers = containers
        self._links = links

    def link(self, clip: ClipFile, life: timedelta, ip: str | None) -> SignedLink:
        """A link to a VTT that a player can load; good for `life` and up to 15 minutes more.

        Raises NotFound if the clip has no storyboard, StorageUnavailable.
        """
        name = clip.images.storyboard_name
        if name is None:
            raise NotFound("The clip has no storyboard.")
        now = self._clock().replace(microsecond=0)
        ends = _end_of_window(now + life)
        life = ends - now
        sheet = blob_names.storyboard_sheet(clip.video_id, clip.id)
        link = self._links.to_read(self._containers.thumbnails, sheet, life, LinkTerms(ip=ip))
        cues = self._blobs.read(self._containers.thumbnails, name).decode()
        copy = blob_names.signed_storyboard(clip.id, f"{ends:%Y%m%dT%H%M}-{ip or 'any'}")
        self._blobs.put(
            self._containers.temp,
            copy,
            cues.replace(blob_names.STORYBOARD_SHEET, link.url).encode(),
            "text/vtt",
            replace=True,
            metadata={"expires_at": ends.isoformat()},
        )
        return self._links.to_read(self._containers.temp, copy, life, LinkTerms(ip=ip))


def _end_of_window(moment: datetime) -> datetime:
    """`moment`, or the next full quarter of an hour after it."""
    seconds = _WINDOW.total_seconds()
    return datetime.fromtimestamp(-(-moment.timestamp() // seconds) * seconds, moment.tzinfo)
