"""Whether the file in a blob may still be unfinished, so that it cannot fail yet. Pure.

Some writers create a blob first and fill it later, some append to it or commit it block by block,
and a copy inside storage may take hours.
"""

from datetime import datetime, timedelta

from shared.model.blob import Blob

# How long a blob without bytes may wait for them, unless its upload link lives longer.
FILL_TIME = timedelta(minutes=10)
# How long after its last change a blob that is written piece by piece counts as unfinished.
_CONTINUE_TIME = timedelta(minutes=2)


def may_be_filled(blob: Blob, now: datetime, link_ends_at: datetime | None) -> bool:
    """Whether a blob may still get its first bytes; False if it has some.

    It was created a moment ago, the upload link to it is still valid, or it is being copied.
    """
    if blob.copy_status == "pending":
        return True
    is_young = now - blob.last_modified < FILL_TIME
    return blob.size == 0 and (is_young or (link_ends_at is not None and now < link_ends_at))


def may_be_continued(blob: Blob, now: datetime) -> bool:
    """Whether more may be appended to a blob; a blob with an MD5 came whole, in one request."""
    return blob.content_md5 is None and now - blob.last_modified < _CONTINUE_TIME
