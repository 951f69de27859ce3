"""Points the rows of verified files at their blobs, many at once; retries in an outage."""

import os
from collections.abc import Mapping, Sequence
from uuid import UUID

from clips.migration.old_files import file_names
from clips.migration.outcomes import VerifiedFile
from clips.transfer.file_types import FileKind
from shared.blob_names.containers import Containers
from shared.catalogue.migration.migration_clip_queries import (
    LegacyThumbnail,
    MigrationClips,
    RowUpdate,
    StoredClip,
)
from shared.errors import DatabaseUnavailable
from shared.model import media_types
from shared.storage.rest import RetryPolicy
from shared.storage.sdk.account import StorageAccount


class RowUpdater:
    def __init__(
        self,
        clips: MigrationClips,
        account: StorageAccount,
        containers: Containers,
        retry_policy: RetryPolicy,
    ) -> None:
        self._clips = clips
        self._account = account
        self._containers = containers
        self._retry_policy = retry_policy

    def update(self, files: Sequence[VerifiedFile]) -> Mapping[UUID, RowUpdate]:
        """The results for rows of clips, by id; rows that needed no update are absent.

        Raises DatabaseUnavailable when all retries have failed.
        """
        pauses = self._retry_policy.pauses()
        while True:
            try:
                return self._update(files)
            except DatabaseUnavailable:
                pause = next(pauses, None)
                if pause is None:
                    raise
                self._retry_policy.pause(pause)

    def _update(self, files: Sequence[VerifiedFile]) -> Mapping[UUID, RowUpdate]:
        images = [file for file in files if file.item.kind is FileKind.IMAGE]
        clips = [
            file
            for file in files
            if file.item.kind is not FileKind.IMAGE and not file.item.already_stored
        ]
        updates = self._clips.set_blobs([self._clip(file) for file in clips]) if clips else {}
        if images:
            self._clips.set_legacy_thumbnails([self._thumbnail(file) for file in images])
        return updates

    def _clip(self, file: VerifiedFile) -> StoredClip:
        item = file.item
        return StoredClip(
            id=item.clip_id,
            video_id=item.video_id,
            blob_name=item.blob_name,
            blob_url=self._account.url(self._containers.clips, item.blob_name),
            size=file.size,
            md5=file.md5,
            content_type=media_types.servable(item.content_type),
            adopted=item.adopted,
            title=file_names.title_of(os.path.basename(item.path)) if item.adopted else None,
        )

    def _thumbnail(self, file: VerifiedFile) -> LegacyThumbnail:
        item = file.item
        url = self._account.url(self._containers.thumbnails, item.blob_name)
        return LegacyThumbnail(item.clip_id, item.blob_name, url)
