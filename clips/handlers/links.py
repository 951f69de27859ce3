"""Handlers of links to clips: access URLs, stills, and the grants that record them."""

from datetime import timedelta
from http import HTTPStatus

from clips.http.inputs.base import Owned
from clips.http.inputs.links import AccessUrl, AccessUrls, RecordPage, Thumbnail
from clips.http.openapi.operations import (
    NEXT_PAGE,
    REDIRECT,
    RETRY_AFTER,
    Operation,
    ResponseSpec,
    Tag,
)
from clips.http.outputs import links as outputs
from clips.http.request import Request
from clips.http.response import Response
from clips.http.views import links as views
from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobMissing,
    Busy,
    NotFound,
    StorageUnavailable,
    WrongState,
)
from shared.model.blob import Rehydration
from shared.model.link import AccessTerms, StillOptions

_SWITCHES = {"true": "", "1": "", "false": None, "0": None}


@Operation(
    tag=Tag.LINKS,
    summary="Get a still of a clip",
    description="If the still does not exist yet, the service makes and stores it.",
    parameters=Thumbnail,
    responses=(
        ResponseSpec(
            HTTPStatus.FOUND,
            "A link to the still, valid for 24 hours.",
            outputs.Redirect,
            (REDIRECT,),
        ),
    ),
    errors=(NotFound, WrongState, BlobMissing, BlobChanged, BlobArchived, StorageUnavailable, Busy),
)
def thumbnail(request: Request, where: Thumbnail) -> Response:
    options = StillOptions(time=where.time, width=where.width, image_format=where.format)
    link = request.services.thumbnails.link(request.viewer, where.clip_id, options)
    return Response(HTTPStatus.FOUND, views.redirect(link), {"Location": link.url})


@Operation(
    tag=Tag.LINKS,
    summary="Get a link to a clip",
    description="The link can only read one blob, until it expires.",
    parameters=AccessUrl,
    responses=(
        ResponseSpec(HTTPStatus.OK, "The link.", outputs.AccessUrl),
        ResponseSpec(
            HTTPStatus.ACCEPTED,
            "The clip is archived and is being restored. Try again later.",
            outputs.Rehydrating,
            (RETRY_AFTER,),
        ),
    ),
    errors=(NotFound, WrongState, BlobMissing, StorageUnavailable),
)
def access_url(request: Request, where: AccessUrl) -> Response:
    link = request.services.access.link(
        request.viewer, where.clip_id, _terms(where), where.rehydrate
    )
    if isinstance(link, Rehydration):
        return Response(
            HTTPStatus.ACCEPTED,
            views.rehydrating(where.clip_id, link),
            {"Retry-After": str(link.retry_after)},
        )
    return Response(HTTPStatus.OK, views.access_url(where.clip_id, link, where.expiry_hours))


@Operation(
    tag=Tag.LINKS,
    summary="Get links to many clips",
    description="The result has a link or an error for each of `clip_ids`, in their order. "
    "Archived clips are not restored by this call.",
    parameters=Owned,
    body=AccessUrls,
    example={"clip_ids": ["0190a5c4-2222-7000-8000-00000000000b"], "expiry_hours": 1},
    responses=(ResponseSpec(HTTPStatus.OK, "The links.", list[outputs.AccessUrlOrError]),),
    errors=(StorageUnavailable,),
)
def access_urls(request: Request, _: Owned, body: AccessUrls) -> Response:
    answers = request.services.access.many(request.viewer, body.clip_ids, _terms(body))
    return Response(
        HTTPStatus.OK,
        [
            views.access_urls(clip_id, answer)
            for clip_id, answer in zip(body.clip_ids, answers, strict=True)
        ],
    )


@Operation(
    tag=Tag.LINKS,
    summary="List the grants of a clip",
    description="Every link to the clip that was given to a user, newest first: its receiver, "
    "what it opens, its start and its end.",
    parameters=RecordPage,
    responses=(
        ResponseSpec(HTTPStatus.OK, "A page of grants.", list[outputs.Grant], (NEXT_PAGE,)),
    ),
    errors=(NotFound,),
)
def grants(request: Request, where: RecordPage) -> Response:
    found = request.services.access.grants(
        request.viewer, where.clip_id, where.limit + 1, where.cursor
    )
    shown, headers = request.page(found, where.limit, lambda grant: (grant.granted_at, grant.id))
    return Response(HTTPStatus.OK, [views.grant(grant) for grant in shown], headers)


def _terms(asked: AccessUrl | AccessUrls) -> AccessTerms:
    return AccessTerms(
        life=timedelta(hours=asked.expiry_hours),
        ip=asked.ip,
        download=_file_name(asked.download),
        variant=asked.variant,
    )


def _file_name(download: bool | str | None) -> str | None:  # noqa: FBT001 - a field of the request
    """A switch or a file name, as AccessTerms has it."""
    if isinstance(download, bool):
        return "" if download else None
    return _SWITCHES.get((download or "0").lower(), download)
