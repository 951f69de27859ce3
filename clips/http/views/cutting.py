"""Views of sources and cuts. Pure."""

from typing import cast

from clips.http.outputs import cutting as outputs
from clips.http.views.base import fields_of, item_error, stored_media
from shared.errors import CliplinkError
from shared.model.clip import Upload
from shared.model.cutting import Source

_SOURCE = fields_of(outputs.AnnouncedSource, "storyboard_access_url", "media", "upload")


def source(
    value: Source, storyboard_url: str | None, upload: Upload | None
) -> outputs.AnnouncedSource:
    fields = _SOURCE(value)
    fields["storyboard_access_url"] = storyboard_url
    fields["media"] = stored_media(value.media)
    fields["upload"] = upload
    return cast("outputs.AnnouncedSource", fields)


def cut_failure(error: CliplinkError, client_id: str | None) -> outputs.CutFailure:
    return {"error": item_error(error), "client_id": client_id}
