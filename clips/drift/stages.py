"""The stages of a run: one container after the other, beside the rows that belong to it.

A stage looks at one page of a listing and at the rows in the same range of names. Neither side is
ever held as a whole.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

from clips.drift import bin_rules, image_rules, stored_rules
from clips.drift.moment import Moment
from clips.upkeep.blob_rules import is_left_alone, may_be_filled, ought_to_be_stored
from shared import blob_names
from shared.catalogue.drift_queries import (
    AT_A_TIME,
    DriftRows,
    ImagesKey,
    ImagesRow,
    StoredFile,
    Surroundings,
)
from shared.model import Blob, DriftAction, DriftKind, DriftLine
from shared.storage.sdk.blobs import Blobs

_FIRST: ImagesKey = (UUID(int=0), UUID(int=0))
_LAST: ImagesKey = (UUID(int=2**128 - 1), UUID(int=2**128 - 1))
_KEY_LENGTH = 2 * 36 + 1


@dataclass(slots=True)
class Look:
    """What a look at a range found; `end` is the last row, or None if the range ends with it.

    `missing` of `looked_at` clips have lost their blob.
    """

    end: str | None
    compared: int
    lines: list[DriftLine] = field(default_factory=list)
    missing: int = 0
    looked_at: int = 0


class Stage(Protocol):
    """The comparison of one container."""

    container: str

    def look(self, blobs: Sequence[Blob], after: str, upto: str | None, moment: Moment) -> Look:
        """Compares blobs with the rows in (after, upto], or with the first of them."""

    def bound(self, blobs: Sequence[Blob], after: str) -> str:
        """The end of the range of rows that belongs to a page."""


class StoredStage:
    """Blobs of clips, or of sources."""

    def __init__(
        self,
        container: str,
        rows: DriftRows,
        blobs: Blobs,
        *,
        of_sources: bool = False,
    ) -> None:
        self.container = container
        self._rows = rows
        self._blobs = blobs
        self._of_sources = of_sources
        self._find: Callable[[str, str | None], Sequence[StoredFile]] = (
            rows.sources if of_sources else rows.clips
        )

    def bound(self, blobs: Sequence[Blob], after: str) -> str:
        return _bound(blobs, after)

    def look(self, blobs: Sequence[Blob], after: str, upto: str | None, moment: Moment) -> Look:
        rows = self._find(after, upto)
        end = rows[-1].name if len(rows) == AT_A_TIME else None
        left = _within(blobs, after, end or upto)
        found = Look(end, len(rows))
        for row in rows:
            blob = left.pop(row.name, None)
            if blob is not None:
                found.lines += stored_rules.compare(self.container, blob, row, moment)
            else:
                self._add_missing(row, moment, found)
            found.looked_at += ought_to_be_stored(row, moment.quiet_since)
        found.lines += self._without_row(left.values(), moment)
        return found

    def _add_missing(self, row: StoredFile, moment: Moment, found: Look) -> None:
        stuck = stored_rules.never_stored(self.container, row, moment)
        if stuck is not None:
            found.lines.append(stuck)
        lost = stored_rules.row_without_blob(self.container, row, moment, is_held_back=False)
        if lost is None:
            return
        if row.clip_id is None:
            found.lines.append(lost)
        else:
            found.missing += 1  # a later stage lists them, when their number is known

    def _without_row(self, blobs: Iterable[Blob], moment: Moment) -> Iterable[DriftLine]:
        old = [blob for blob in blobs if not _is_passing(blob, moment)]
        of_videos = [self._owner_of(blob.name) for blob in old]
        named = [
            (None if blob_names.check_storable(blob.name) else blob.name, *owner)
            for blob, owner in zip(old, of_videos, strict=True)
        ]
        around = self._rows.surroundings(named)
        for blob, (video_id, clip_id), known in zip(old, of_videos, around, strict=True):
            if not known.has_row:  # a row that came meanwhile
                yield self._line(blob, video_id, clip_id, known, moment)

    def _line(
        self,
        blob: Blob,
        video_id: UUID | None,
        clip_id: UUID | None,
        known: Surroundings,
        moment: Moment,
    ) -> DriftLine:
        kind, detail, action = stored_rules.blob_without_row(
            known, moment, has_clip_id=clip_id is not None
        )
        if problem := blob_names.check_storable(blob.name):
            detail, action = f"It cannot become a clip: {problem}.", None
        elif action is DriftAction.PROCESS and self._of_sources:
            action = None  # no step of the cleanup lists this container
        verdict = (kind, detail, action)
        return _line_without_row(self.container, blob, (video_id, clip_id), verdict, moment)

    def _owner_of(self, name: str) -> tuple[UUID | None, UUID | None]:
        if self._of_sources:
            return blob_names.video_of_source(name), None
        return blob_names.video_of(name), blob_names.clip_of(name)


class LostStage(StoredStage):
    """Clips that have lost their blob: after the first stage, which counted them."""

    is_held_back: bool | None = None

    def look(self, blobs: Sequence[Blob], after: str, upto: str | None, moment: Moment) -> Look:
        rows = self._find(after, upto)
        end = rows[-1].name if len(rows) == AT_A_TIME else None
        stored = {blob.name for blob in blobs}
        found = Look(end, len(rows))
        for row in rows:
            if row.name in stored:
                continue
            line = stored_rules.row_without_blob(
                self.container, row, moment, is_held_back=bool(self.is_held_back)
            )
            # A listing may be in another order than the rows, of names that are not plain.
            if line and (row.name.isascii() or not self._blobs.exists(self.container, row.name)):
                found.lines.append(line)
        return found


class BinStage:
    """Bytes of deleted clips and sources in the bin."""

    def __init__(self, container: str, rows: DriftRows) -> None:
        self.container = container
        self._rows = rows

    def bound(self, blobs: Sequence[Blob], after: str) -> str:
        return _bound(blobs, after)

    def look(self, blobs: Sequence[Blob], after: str, upto: str | None, moment: Moment) -> Look:
        rows = self._rows.in_bin(after, upto)
        end = rows[-1].name if len(rows) == AT_A_TIME else None
        left = _within(blobs, after, end or upto)
        found = Look(end, 0)
        for row in rows:
            blob = left.pop(row.name, None)
            if blob is not None:
                found.lines += bin_rules.compare(self.container, blob, row, moment)
            elif line := bin_rules.row_without_blob(self.container, row):
                found.lines.append(line)
        found.lines += self._without_row(left.values(), moment)
        return found

    def _without_row(self, blobs: Iterable[Blob], moment: Moment) -> Iterable[DriftLine]:
        old = [blob for blob in blobs if blob.last_modified <= moment.quiet_since]
        owners = [
            (
                blob_names.video_of(blob.name) or blob_names.video_of_source(blob.name),
                # Of a clip, or of an image of it.
                blob_names.clip_of(blob.name) or blob_names.clip_of(blob.name[:_KEY_LENGTH])
                if "/" in blob.name
                else None,
            )
            for blob in old
        ]
        around = self._rows.surroundings(
            [
                (None if blob_names.check_storable(blob.name) else blob.name, *owner)
                for blob, owner in zip(old, owners, strict=True)
            ]
        )
        for blob, owner, known in zip(old, owners, around, strict=True):
            verdict = bin_rules.blob_without_row(known, moment)
            if verdict is not None:
                yield _line_without_row(self.container, blob, owner, verdict, moment)


class ImageStage:
    """Images of clips and sources; the row key is `{video_id}/{clip_id}`."""

    def __init__(self, container: str, rows: DriftRows, blobs: Blobs) -> None:
        self.container = container
        self._rows = rows
        self._blobs = blobs

    def bound(self, blobs: Sequence[Blob], after: str) -> str:
        for blob in reversed(blobs):
            if _images_key(blob.name) is not None:
                return max(after, blob.name[:_KEY_LENGTH])
        return after

    def look(self, blobs: Sequence[Blob], after: str, upto: str | None, moment: Moment) -> Look:
        first = _images_key(after) or _FIRST
        last = _LAST if upto is None else _images_key(upto) or first
        rows = self._rows.images(first, last)
        end = _key_of(rows[-1]) if len(rows) == AT_A_TIME else None
        stored: defaultdict[str, list[Blob]] = defaultdict(list)
        for blob in blobs:
            stored[blob.name[:_KEY_LENGTH]].append(blob)
        found = Look(end, len(rows))
        for row in rows:
            key = _key_of(row)
            names = {blob.name for blob in stored.pop(key, ())}
            found.lines += self._of_row(row, names, moment, may_continue=key == upto)
        # The clip that the page before ended with may go on here: `after` itself is included.
        strays = {k: v for k, v in stored.items() if after <= k and (end is None or k <= end)}
        found.lines += self._without_row(strays, moment)
        return found

    def _of_row(
        self, row: ImagesRow, names: set[str], moment: Moment, *, may_continue: bool
    ) -> Iterable[DriftLine]:
        if not image_rules.ought_to_have_images(row, moment):
            images = [name for name in names if not blob_names.is_sidecar(name)]
            line = image_rules.images_of_hidden(self.container, row, images, moment)
            return () if line is None else (line,)
        expected = image_rules.expected_images(row)
        if names.issuperset(expected):
            return ()
        if may_continue:  # on the next page
            pages = self._blobs.pages(self.container, _key_of(row))
            names = {blob.name for page in pages for blob in page}
        missing = [name for name in expected if name not in names]
        return (image_rules.images_missing(self.container, row, missing),) if missing else ()

    def _without_row(self, stored: dict[str, list[Blob]], moment: Moment) -> Iterable[DriftLine]:
        keys = {text: _owner_of_image(text) for text in stored}
        around = self._rows.surroundings(
            [(None, video_id, clip_id) for video_id, clip_id in keys.values()]
        )
        for (text, key), known in zip(keys.items(), around, strict=True):
            if known.clip_exists:
                continue
            for blob in stored[text]:
                is_young = blob.last_modified > moment.quiet_since
                if is_young or (known.video_is_known and _is_sidecar_of_video(blob.name)):
                    continue
                yield image_rules.image_without_clip(self.container, blob.name, key, known, moment)


def _bound(blobs: Sequence[Blob], after: str) -> str:
    # Postgres cannot compare a NUL.
    return max(after, blobs[-1].name.partition("\0")[0]) if blobs else after


def _within(blobs: Sequence[Blob], after: str, upto: str | None) -> dict[str, Blob]:
    return {
        blob.name: blob
        for blob in blobs
        if blob.name > after and (upto is None or blob.name <= upto)
    }


def _is_passing(blob: Blob, moment: Moment) -> bool:
    """Whether a blob without a row is none that counts, or too young to."""
    return (
        blob.last_modified > moment.quiet_since
        or is_left_alone(blob)
        or (blob.size == 0 and may_be_filled(blob, None, moment.now))
    )


def _key_of(row: ImagesRow) -> str:
    return f"{row.video_id}/{row.clip_id}"


def _images_key(text: str) -> ImagesKey | None:
    """The video and clip that a name in the thumbnails container begins with."""
    video_id, clip_id = _owner_of_image(text[:_KEY_LENGTH])
    return None if video_id is None or clip_id is None else (video_id, clip_id)


def _owner_of_image(text: str) -> tuple[UUID | None, UUID | None]:
    return blob_names.video_of(text), blob_names.clip_of(text)


def _is_sidecar_of_video(name: str) -> bool:
    key = blob_names.sidecar_of(name)
    return key is not None and key.clip_id is None


def _line_without_row(
    container: str,
    blob: Blob,
    owner: tuple[UUID | None, UUID | None],
    verdict: tuple[DriftKind, str, DriftAction | None],
    moment: Moment,
) -> DriftLine:
    """A line on a blob that no row expects; `owner` are the ids of video and clip in its name."""
    (video_id, clip_id), (kind, detail, action) = owner, verdict
    return DriftLine(
        kind=kind,
        container=container,
        blob=blob.name,
        video_id=video_id,
        clip_id=clip_id,
        detail=detail,
        action=action,
        by=moment.by if action is not None else None,
    )
