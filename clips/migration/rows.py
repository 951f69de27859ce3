"""The rows of files that were verified: switched together, with patience for the database."""

import os
from collections.abc import Mapping, Sequence
from uuid import UUID

from clips.migration import names
from clips.migration.move import Verified
from clips.migration.names import Kind
from shared import media_types
from shared.blob_names import Containers
from shared.catalogue.migration_clip_queries import BroughtThumbnail, MovedClip, Moving, Switched
from shared.errors import DatabaseUnavailable
from shared.storage import RetryPolicy, StorageAccount


class Rows:
    def __init__(
        self,
        moving: Moving,
        account: StorageAccount,
        containers: Containers,
        retry_policy: RetryPolicy,
    ) -> None:
        self._moving = moving
        self._account = account
        self._containers = containers
        self._retry_policy = retry_policy

    def switch(self, results: Sequence[Verified]) -> Mapping[UUID, Switched]:
        """What became of the rows of clips, by id; raises DatabaseUnavailable."""
        pauses = self._retry_policy.pauses()
        while True:
            try:
                return self._switch(results)
            except DatabaseUnavailable:
                pause = next(pauses, None)
                if pause is None:
                    raise
                self._retry_policy.pause(pause)

    def _switch(self, results: Sequence[Verified]) -> Mapping[UUID, Switched]:
        # Where the catalogue speaks of the blob already there is nothing to switch.
        clips = [r for r in results if r.item.kind is not Kind.IMAGE and not r.item.there]
        images = [r for r in results if r.item.kind is Kind.IMAGE]
        states = self._moving.switch([self._clip(r) for r in clips]) if clips else {}
        if images:
            self._moving.bring_thumbnails([self._thumbnail(r) for r in images])
        return states

    def _clip(self, result: Verified) -> MovedClip:
        item = result.item
        return MovedClip(
            id=item.clip_id,
            video_id=item.video_id,
            blob_name=item.blob_name,
            blob_url=self._account.url(self._containers.clips, item.blob_name),
            size=result.size,
            md5=result.md5,
            content_type=media_types.servable(item.content_type),
            adopted=item.adopted,
            title=names.title_of(os.path.basename(item.path)) if item.adopted else None,
        )

    def _thumbnail(self, result: Verified) -> BroughtThumbnail:
        item = result.item
        url = self._account.url(self._containers.thumbnails, item.blob_name)
        return BroughtThumbnail(item.clip_id, item.blob_name, url)
