"""Handlers of the links to a clip: /clips/{clip_id}/access-url and its like."""

from datetime import timedelta
from http import HTTPStatus

from clips.http import inputs, outputs, views
from clips.http.openapi.operations import (
    NEXT_PAGE,
    REDIRECT,
    RETRY_AFTER,
    Operation,
    ResponseSpec,
    Tag,
)
from clips.http.request import Request
from clips.http.response import Response
from clips.links.access import AccessTerms
from clips.links.lookup import find
from clips.links.thumbnails import Wanted
from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobMissing,
    Busy,
    NotFound,
    StorageUnavailable,
    WrongState,
)
from shared.model import Rehydration

_SWITCHES = {"true": "", "1": "", "false": None, "0": None}


@Operation(
    tag=Tag.LINKS,
    summary="Get a still of a clip",
    description="One that does not exist yet is made and kept.",
    parameters=inputs.Thumbnail,
    responses=(
        ResponseSpec(
            HTTPStatus.FOUND, "The still's link, good for 24 hours.", outputs.Redirect, (REDIRECT,)
        ),
    ),
    errors=(NotFound, WrongState, BlobMissing, BlobChanged, BlobArchived, StorageUnavailable, Busy),
)
def thumbnail(request: Request) -> Response:
    wanted = request.parameters(inputs.Thumbnail)
    link = request.services.thumbnails.link(
        request.viewer(wanted),
        wanted.clip_id,
        Wanted(time=wanted.time, width=wanted.width, image_format=wanted.format),
    )
    return Response(HTTPStatus.FOUND, views.redirect(link), {"Location": link.url})


@Operation(
    tag=Tag.LINKS,
    summary="Get a link to a clip",
    description="The link opens one blob, for reading only, until it expires.",
    parameters=inputs.AccessUrl,
    responses=(
        ResponseSpec(HTTPStatus.OK, "The link.", outputs.AccessUrl),
        ResponseSpec(
            HTTPStatus.ACCEPTED,
            "The clip is in the archive and is being fetched. Ask again later.",
            outputs.Rehydrating,
            (RETRY_AFTER,),
        ),
    ),
    errors=(NotFound, WrongState, BlobMissing, StorageUnavailable),
)
def access_url(request: Request) -> Response:
    wanted = request.parameters(inputs.AccessUrl)
    terms = AccessTerms(
        life=timedelta(hours=wanted.expiry_hours),
        ip=wanted.ip,
        download=_file_name(wanted),
        variant=wanted.variant,
    )
    viewer = request.viewer(wanted)
    link = request.services.access.link(viewer, wanted.clip_id, terms, wanted.rehydrate)
    if isinstance(link, Rehydration):
        return Response(
            HTTPStatus.ACCEPTED,
            views.rehydrating(wanted.clip_id, link),
            {"Retry-After": str(link.retry_after)},
        )
    return Response(HTTPStatus.OK, views.access_url(wanted.clip_id, link, wanted.expiry_hours))


@Operation(
    tag=Tag.LINKS,
    summary="Get links to many clips",
    description="The answers are in the order of `clip_ids`, each a link or an error. What is in "
    "the archive is not fetched from here.",
    parameters=inputs.Owned,
    body=inputs.AccessUrls,
    example={"clip_ids": ["0190a5c4-2222-7000-8000-00000000000b"], "expiry_hours": 1},
    responses=(ResponseSpec(HTTPStatus.OK, "The links.", list[outputs.AccessUrlOrError]),),
    errors=(StorageUnavailable,),
)
def access_urls(request: Request) -> Response:
    where, wanted = request.parameters_and_body(inputs.Owned, inputs.AccessUrls)
    terms = AccessTerms(
        life=timedelta(hours=wanted.expiry_hours),
        ip=wanted.ip,
        download=_file_name(wanted),
        variant=wanted.variant,
    )
    viewer = request.viewer(where, wanted.clip_ids)
    answers = request.services.access.many(viewer, wanted.clip_ids, terms)
    return Response(
        HTTPStatus.OK,
        [
            views.access_urls(clip_id, answer)
            for clip_id, answer in zip(wanted.clip_ids, answers, strict=True)
        ],
    )


@Operation(
    tag=Tag.LINKS,
    summary="List who was given links to a clip",
    description="Newest first: every link that was handed out, to whom, and from when until when "
    "it opens what.",
    parameters=inputs.RecordPage,
    responses=(
        ResponseSpec(HTTPStatus.OK, "A page of grants.", list[outputs.Grant], (NEXT_PAGE,)),
    ),
    errors=(NotFound,),
)
def grants(request: Request) -> Response:
    wanted = request.parameters(inputs.RecordPage)
    services, viewer = request.services, request.viewer(wanted)
    found = services.grants.page(viewer, wanted.clip_id, wanted.limit + 1, wanted.cursor)
    if not found:
        find(services.clips, viewer, wanted.clip_id)
    shown, headers = request.page(found, wanted.limit, lambda grant: (grant.granted_at, grant.id))
    return Response(HTTPStatus.OK, [views.grant(grant) for grant in shown], headers)


def _file_name(wanted: inputs.AccessUrl | inputs.AccessUrls) -> str | None:
    """A switch or a name, as AccessTerms has it."""
    if isinstance(wanted.download, bool):
        return "" if wanted.download else None
    return _SWITCHES.get((wanted.download or "0").lower(), wanted.download)
