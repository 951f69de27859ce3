"""Which media types a clip may be served as. Pure."""

from mimetypes import guess_type


def servable(media_type: str | None) -> str | None:
    """The type, unless a browser would run what is served as it.

    Blobs come from the storage account's own address: HTML or SVG there would be a page of it.
    """
    if media_type is not None and media_type.startswith(("video/", "audio/")):
        return media_type
    return None


def of_name(name: str) -> str | None:
    """The servable type that a file name's extension stands for, or None."""
    return servable(guess_type(name)[0])
