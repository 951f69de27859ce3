"""Handlers of the links to a clip: /clips/{clip_id}/access-url and its like."""

from datetime import timedelta
from http import HTTPStatus

from clips.access import AccessTerms
from clips.http import inputs, shapes, views
from clips.http.answers import Answer
from clips.http.calls import Call
from clips.http.operations import NEXT_PAGE, REDIRECT, RETRY_AFTER, Operation, Reply, Tag
from clips.lookup import find
from clips.thumbnails import Wanted
from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobMissing,
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
    replies=(
        Reply(
            HTTPStatus.FOUND, "The still's link, good for 24 hours.", shapes.Redirect, (REDIRECT,)
        ),
    ),
    errors=(NotFound, WrongState, BlobMissing, BlobChanged, BlobArchived, StorageUnavailable),
)
def thumbnail(call: Call) -> Answer:
    wanted = call.parameters(inputs.Thumbnail)
    link = call.services.thumbnails.link(
        call.viewer(wanted),
        wanted.clip_id,
        Wanted(time=wanted.time, width=wanted.width, image_format=wanted.format),
    )
    return Answer(HTTPStatus.FOUND, views.redirect(link), {"Location": link.url})


@Operation(
    tag=Tag.LINKS,
    summary="Get a link to a clip",
    description="The link opens one blob, for reading only, until it expires.",
    parameters=inputs.AccessUrl,
    replies=(
        Reply(HTTPStatus.OK, "The link.", shapes.AccessUrl),
        Reply(
            HTTPStatus.ACCEPTED,
            "The clip is in the archive and is being fetched. Ask again later.",
            shapes.Rehydrating,
            (RETRY_AFTER,),
        ),
    ),
    errors=(NotFound, WrongState, BlobMissing, StorageUnavailable),
)
def access_url(call: Call) -> Answer:
    wanted = call.parameters(inputs.AccessUrl)
    terms = AccessTerms(
        life=timedelta(hours=wanted.expiry_hours),
        ip=wanted.ip,
        download=_file_name(wanted),
        variant=wanted.variant,
    )
    viewer = call.viewer(wanted)
    link = call.services.access.link(viewer, wanted.clip_id, terms, wanted.rehydrate)
    if isinstance(link, Rehydration):
        return Answer(
            HTTPStatus.ACCEPTED,
            views.rehydrating(wanted.clip_id, link),
            {"Retry-After": str(link.retry_after)},
        )
    return Answer(HTTPStatus.OK, views.access_url(wanted.clip_id, link, wanted.expiry_hours))


@Operation(
    tag=Tag.LINKS,
    summary="Get links to many clips",
    description="The answers are in the order of `clip_ids`, each a link or an error. What is in "
    "the archive is not fetched from here.",
    parameters=inputs.Owned,
    body=inputs.AccessUrls,
    example={"clip_ids": ["0190a5c4-2222-7000-8000-00000000000b"], "expiry_hours": 1},
    replies=(Reply(HTTPStatus.OK, "The links.", list[shapes.AccessUrlOrError]),),
    errors=(StorageUnavailable,),
)
def access_urls(call: Call) -> Answer:
    where, wanted = call.parameters_and_body(inputs.Owned, inputs.AccessUrls)
    terms = AccessTerms(
        life=timedelta(hours=wanted.expiry_hours),
        ip=wanted.ip,
        download=_file_name(wanted),
        variant=wanted.variant,
    )
    viewer = call.viewer(where, wanted.clip_ids)
    answers = call.services.access.many(viewer, wanted.clip_ids, terms)
    return Answer(
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
    replies=(Reply(HTTPStatus.OK, "A page of grants.", list[shapes.Grant], (NEXT_PAGE,)),),
    errors=(NotFound,),
)
def grants(call: Call) -> Answer:
    wanted = call.parameters(inputs.RecordPage)
    services, viewer = call.services, call.viewer(wanted)
    found = services.grants.page(viewer, wanted.clip_id, wanted.limit + 1, wanted.cursor)
    if not found:
        find(services.clips, viewer, wanted.clip_id)
    shown, headers = call.page(found, wanted.limit, lambda grant: (grant.granted_at, grant.id))
    return Answer(HTTPStatus.OK, [views.grant(grant) for grant in shown], headers)


def _file_name(wanted: inputs.AccessUrl | inputs.AccessUrls) -> str | None:
    """A switch or a name, as AccessTerms has it."""
    if isinstance(wanted.download, bool):
        return "" if wanted.download else None
    return _SWITCHES.get((wanted.download or "0").lower(), wanted.download)
