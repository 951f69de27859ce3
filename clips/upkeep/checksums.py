"""Adds the Content-MD5 to blobs that were uploaded in blocks; storage computes it for others.

Downloads can then be verified. Each blob is streamed once, by the cleanup and within a time
limit: the blob trigger never reads a whole file.
"""

import hashlib
import logging
from base64 import b64encode
from datetime import datetime, timedelta

from clips.upkeep.items import Tally, each, from_batches
from shared.blob_names.containers import Containers
from shared.catalogue.upkeep.upkeep_queries import Upkeep
from shared.clock import Clock
from shared.errors import BlobArchived, BlobChanged, BlobMissing
from shared.model.blob import Blob
from shared.storage.sdk.blobs import Blobs

_log = logging.getLogger(__name__)

_WORKING_TIME = timedelta(minutes=5)
_BATCH = 200
# The largest blob that can be read in the working time, with a reserve. A larger blob would start
# again in every run and delay all others; and a client can upload terabytes of zeros, which take
# no space.
_LARGEST = 8 * 1024**3
_PART = 8 * 1024 * 1024


class Checksums:
    def __init__(self, clock: Clock, blobs: Blobs, containers: Containers, upkeep: Upkeep) -> None:
        self._clock = clock
        self._blobs = blobs
        self._container = containers.clips
        self._upkeep = upkeep

    def run(self) -> Tally:
        """Counts the clips that got their checksum."""
        deadline = self._clock() + _WORKING_TIME
        return each(
            from_batches(
                lambda excluded: self._upkeep.clips_without_md5(excluded, _BATCH, _LARGEST)
            ),
            lambda name: self._attempt(name, deadline),
            lambda name: f"the checksum of {name}",
            may_go_on=lambda: self._clock() <= deadline,
        )

    def _attempt(self, name: str, deadline: datetime) -> bool:
        try:
            return self._add_md5(name, deadline)
        except (BlobMissing, BlobChanged, BlobArchived):
            _log.info(
                "The blob was deleted, overwritten or archived before its checksum was known: %s",
                name,
            )
            return False

    def _add_md5(self, name: str, deadline: datetime) -> bool:
        blob = self._blobs.get(self._container, name)
        etag, md5 = blob.etag, blob.content_md5
        if md5 is None:
            md5 = self._md5(blob, deadline)
            if md5 is None:
                return False
            # Setting a property gives the same bytes a new ETag, which the row has to follow.
            etag = self._blobs.set_md5(self._container, blob, md5)
        return self._upkeep.note_md5(name, old_etag=blob.etag, new_etag=etag, md5=md5)

    def _md5(self, blob: Blob, deadline: datetime) -> str | None:
        """The checksum in base64; None if the deadline passes before the end of the blob."""
        reader = self._blobs.reader(self._container, blob)
        digest = hashlib.md5(usedforsecurity=False)
        for offset in range(0, blob.size, _PART):
            digest.update(reader.read(offset, _PART))
            if self._clock() > deadline:
                _log.warning(
                    "The blob is too large for the time of one run: %s, %d bytes",
                    blob.name,
                    blob.size,
                )
                return None
        return b64encode(digest.digest()).decode()
