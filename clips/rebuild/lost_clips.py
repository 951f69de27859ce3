"""The row of one clip that the catalogue has lost, when its blob is found without one.

This happens in a database that was restored from a backup, until `python -m clips.rebuild` has run.
Without the sidecar the blob would become a clip without title, times and dates.
"""

import logging
from uuid import UUID

from clips.rebuild.decisions import Addresses, StoredParts, restored_clip
from clips.rebuild.inventory import StoredBlobs
from clips.rebuild.sidecar_reader import content_of
from clips.sidecars.records import ClipRecord, Owner
from clips.sidecars.sidecar_file import Unreadable
from shared import blob_names
from shared.blob_names.containers import Containers
from shared.catalogue.rebuild.rebuild_queries import Rebuilding
from shared.model.blob import Blob
from shared.model.sidecar import SidecarKey, SidecarKind

_log = logging.getLogger(__name__)


class LostClips:
    def __init__(
        self,
        blobs: StoredBlobs,
        containers: Containers,
        catalogue: Rebuilding,
        addresses: Addresses,
    ) -> None:
        self._blobs = blobs
        self._container = containers.thumbnails
        self._catalogue = catalogue
        self._addresses = addresses

    def restore(self, blob: Blob, video_id: UUID) -> bool:
        """Makes the row of a blob that no row has, as its sidecar describes it, to be processed.

        False if there is no sidecar that fits: one for this clip, this video, its owner and this
        blob. Costs one HEAD request, and the read of a few kilobytes if there is a sidecar. Raises
        Unavailable.
        """
        clip_id = blob_names.clip_id_of(blob.name)
        if clip_id is None:
            return False
        key = SidecarKey(SidecarKind.CLIP, video_id, clip_id)
        record = content_of(self._blobs, self._container, key)
        if isinstance(record, Unreadable):
            _log.warning("The sidecar of %s is not used: %s", blob.name, record.detail)
        if not isinstance(record, ClipRecord) or record.blob_name != blob.name:
            return False
        if self._catalogue.revisions([key]) or self._catalogue.deleted([key]):
            return False
        if not self._is_owner(record.owner, video_id):
            _log.warning("The sidecar of %s is not used, because it names another owner", blob.name)
            return False
        # Its images are made again, so they need not be listed.
        stored = StoredParts(blob=blob, binned=None, images=(), video_is_hidden=False)
        restored = restored_clip(record, stored, self._addresses)
        cuts = [] if restored.cut is None else [restored.cut]
        self._catalogue.restore([], [], [restored.row], cuts)
        _log.info("The sidecar restored the clip %s", clip_id)
        return True

    def _is_owner(self, owner: Owner, video_id: UUID) -> bool:
        """Whether the video is visible and belongs to that user."""
        found = self._catalogue.owner_of(video_id)
        if found is None:
            return False
        user_id, subject = found
        return owner.subject == subject if owner.subject else owner.user_id == user_id
