"""The stage of images, beside the clips and sources that they were made from.

A clip has a dozen images, so this is nearly all of a run. Most clips have all that they should:
these are compared by names alone, and neither blob nor row is made into an object.
"""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from clips.drift.comparison_times import ComparisonTimes
from clips.drift.rules import image_rules
from clips.drift.stages.stage import Findings, Listed
from shared import blob_names
from shared.blob_names import KEY_LENGTH
from shared.catalogue.drift.drift_image_queries import (
    DriftImages,
    ImagesInShort,
    ImagesKey,
    ImagesRow,
)
from shared.catalogue.drift.drift_queries import DriftRows
from shared.model.drift import DriftLine
from shared.storage.sdk.blobs import Blobs

_FIRST: ImagesKey = (UUID(int=0), UUID(int=0))
_LAST: ImagesKey = (UUID(int=2**128 - 1), UUID(int=2**128 - 1))
_VIDEO_LENGTH = 36
_SIDECARS_OF_VIDEO = {"/video.json", "/source.json"}


class ImageStage:
    """Compares images of clips and sources; the key of a row is `{video_id}/{clip_id}`."""

    needs_metadata = False

    def __init__(self, container: str, rows: DriftRows, images: DriftImages, blobs: Blobs) -> None:
        self.container = container
        self._rows = rows
        self._images = images
        self._blobs = blobs

    def bound(self, page: Listed, after: str) -> str:
        for name in reversed(page.names):
            if _images_key(name) is not None:
                return max(after, name[:KEY_LENGTH])
        return after

    def compare(
        self, page: Listed, after: str, upto: str | None, times: ComparisonTimes
    ) -> Findings:
        first = _images_key(after) or _FIRST
        last = _LAST if upto is None else _images_key(upto) or first
        rows = self._images.in_short(first, last, times.quiet_since)
        end = rows[-1].key if len(rows) == self._images.at_a_time else None
        found = Findings(end, len(rows))
        # The clip that the page before ended with may go on here: `after` itself is included.
        names = _between(sorted(page.names), after, end)
        unequal, strays = _unequal(rows, names)
        for row in self._images.named(list(unequal)):
            key = _key_of(row)
            found.lines += self._of_row(row, unequal[key], times, may_continue=key == upto)
        videos = {row.key[:_VIDEO_LENGTH] for row in rows}
        found.lines += self._without_row(_by_key(strays, videos), page, times)
        return found

    def _of_row(
        self, row: ImagesRow, names: set[str], times: ComparisonTimes, *, may_continue: bool
    ) -> Iterable[DriftLine]:
        if not image_rules.should_have_images(row, times):
            images = [name for name in names if not blob_names.is_sidecar(name)]
            line = image_rules.images_of_hidden(self.container, row, images, times)
            return () if line is None else (line,)
        expected = image_rules.expected_images(row)
        if names.issuperset(expected):
            return ()
        if may_continue:  # on the next page
            pages = self._blobs.pages(self.container, _key_of(row))
            names = {blob.name for page in pages for blob in page}
        missing = [name for name in expected if name not in names]
        return (image_rules.images_missing(self.container, row, missing),) if missing else ()

    def _without_row(
        self, strays: Mapping[str, Sequence[str]], page: Listed, times: ComparisonTimes
    ) -> Iterable[DriftLine]:
        keys = {text: blob_names.owner_of_image(text) for text in strays}
        around = self._rows.surroundings(
            [(None, video_id, clip_id) for video_id, clip_id in keys.values()]
        )
        found = [
            (name, key, known)
            for (text, key), known in zip(keys.items(), around, strict=True)
            if not known.clip_exists
            for name in strays[text]
            if not (known.video_is_known and _is_sidecar_of_video(name))
        ]
        young = _young_names(page, times) if found else set()
        for name, key, known in found:
            if name not in young:
                yield image_rules.image_without_clip(self.container, name, key, known, times)


def _unequal(
    rows: Sequence[ImagesInShort], names: Sequence[str]
) -> tuple[dict[str, set[str]], list[str]]:
    """The names of clips that have to be compared in full, and those of no clip.

    Rows and names are in the same order.
    """
    unequal: dict[str, set[str]] = {}
    strays: list[str] = []
    at, count = 0, len(names)
    for key, images in rows:
        if at < count and not names[at].startswith(key):
            start = bisect_left(names, key, at)
            strays += names[at:start]
            at = start
        end = at
        while end < count and names[end].startswith(key):
            end += 1
        endings = {name[KEY_LENGTH:] for name in names[at:end]}
        expected = None if images is None else image_rules.expected_endings(images)
        if expected is None or not endings >= expected:
            unequal[key] = set(names[at:end])
        at = end
    strays += names[at:]
    return unequal, strays


def _between(names: Sequence[str], after: str, upto: str | None) -> Sequence[str]:
    """Names, in their order, from `after` on, and those that begin with `upto` included."""
    start = bisect_left(names, after)
    stop = len(names) if upto is None else bisect_left(names, _following(upto), start)
    return names[start:stop]


def _following(key: str) -> str:
    """What comes after all names that begin with the key."""
    return key[:-1] + chr(ord(key[-1]) + 1)


def _by_key(strays: Sequence[str], videos: set[str]) -> Mapping[str, Sequence[str]]:
    """Groups names without a clip by what they begin with.

    Leaves out the sidecars of known videos.
    """
    by_key: defaultdict[str, list[str]] = defaultdict(list)
    for name in strays:
        if name[_VIDEO_LENGTH:] in _SIDECARS_OF_VIDEO and name[:_VIDEO_LENGTH] in videos:
            continue
        by_key[name[:KEY_LENGTH]].append(name)
    return by_key


def _young_names(page: Listed, times: ComparisonTimes) -> set[str]:
    return {blob.name for blob in page.blobs if blob.last_modified > times.quiet_since}


def _key_of(row: ImagesRow) -> str:
    return f"{row.video_id}/{row.clip_id}"


def _images_key(name: str) -> ImagesKey | None:
    """The video and clip that a name in the thumbnails container begins with."""
    video_id, clip_id = blob_names.owner_of_image(name)
    return None if video_id is None or clip_id is None else (video_id, clip_id)


def _is_sidecar_of_video(name: str) -> bool:
    key = blob_names.sidecar_of(name)
    return key is not None and key.clip_id is None
