"""Handlers of shares: /clips/{clip_id}/shares, and /s/{token}, which opens one."""

from http import HTTPStatus

from clips.http.inputs.clips import ClipId
from clips.http.inputs.links import NewShare, RecordPage, ShareId, ShareToken
from clips.http.openapi.operations import (
    LOCATION,
    NEXT_PAGE,
    REDIRECT,
    RETRY_AFTER,
    Header,
    Operation,
    ResponseSpec,
    Tag,
)
from clips.http.outputs import links as outputs
from clips.http.outputs.base import Message
from clips.http.request import AnonymousRequest, Request
from clips.http.response import Response
from clips.http.views import links as views
from clips.http.views.base import message
from shared.errors import (
    BlobMissing,
    DatabaseUnavailable,
    InvalidRequest,
    NotFound,
    StorageUnavailable,
    WrongState,
)
from shared.model.blob import Rehydration
from shared.model.link import ShareTerms, ShareVariant

# Keep the share's token out of the Referer header.
_NO_REFERRER = {"Referrer-Policy": "no-referrer"}
_REFERRER_POLICY = Header(
    "Referrer-Policy",
    "Keeps the share's token out of the Referer header.",
    {"const": "no-referrer"},
)


@Operation(
    tag=Tag.SHARES,
    summary="Share a clip",
    description="Creates a URL that opens the clip without a bearer token, until it is revoked, "
    "expires or is used up. The URL is shown only in this response. With `variant` `play` it "
    "opens a version that every browser plays: the clip or its playable copy.",
    parameters=ClipId,
    body=NewShare,
    example={"expires_at": "2090-01-01T00:00:00Z", "max_views": 10},
    responses=(ResponseSpec(HTTPStatus.CREATED, "The new share.", outputs.Share, (LOCATION,)),),
    errors=(NotFound,),
)
def create(request: Request, where: ClipId, new: NewShare) -> Response:
    terms = ShareTerms(expires_at=new.expires_at, max_views=new.max_views, ip=new.ip)
    base_url = request.url_of("/api/s/")  # may raise: before a share exists whose token is lost
    query = "" if new.variant is ShareVariant.CLIP else f"?variant={new.variant}"
    share, token = request.services.sharing.create(request.viewer, where.clip_id, terms)
    return Response(
        HTTPStatus.CREATED,
        views.share(share, f"{base_url}{token}{query}"),
        {"Location": request.location_of(f"/api/clips/{share.clip_id}/shares/{share.id}")},
    )


@Operation(
    tag=Tag.SHARES,
    summary="List the shares of a clip",
    description="The shares, newest first, including ended ones. Their URLs are not shown again.",
    parameters=RecordPage,
    responses=(
        ResponseSpec(HTTPStatus.OK, "A page of shares.", list[outputs.Share], (NEXT_PAGE,)),
    ),
    errors=(NotFound,),
)
def page(request: Request, where: RecordPage) -> Response:
    found = request.services.sharing.page(
        request.viewer, where.clip_id, where.limit + 1, where.cursor
    )
    shown, headers = request.page(found, where.limit, lambda share: (share.created_at, share.id))
    return Response(HTTPStatus.OK, [views.share(share, None) for share in shown], headers)


@Operation(
    tag=Tag.SHARES,
    summary="Revoke a share",
    description="After this call the share opens nothing. A link from an earlier visit expires "
    "within minutes.",
    parameters=ShareId,
    responses=(ResponseSpec(HTTPStatus.OK, "The share is revoked.", Message),),
    errors=(NotFound,),
)
def revoke(request: Request, where: ShareId) -> Response:
    request.services.sharing.revoke(request.viewer, where.clip_id, where.share_id)
    return Response(HTTPStatus.OK, message("Share revoked successfully"))


@Operation(
    tag=Tag.SHARES,
    summary="Open a share",
    description="Redirects to the clip with a link that is valid for a few minutes, and counts a "
    "view. Further requests from the same address and program count as the same view while such a "
    "link is valid, so that players can seek and downloads can resume. Answers 404 for a share "
    "that is unknown, revoked, expired or used up, and for one whose clip is deleted.",
    parameters=ShareToken,
    responses=(
        ResponseSpec(
            HTTPStatus.FOUND,
            "The link, valid for five minutes.",
            outputs.Redirect,
            (REDIRECT, _REFERRER_POLICY),
        ),
        ResponseSpec(
            HTTPStatus.ACCEPTED,
            "The clip is archived and is being restored. Try again later.",
            outputs.Rehydrating,
            (RETRY_AFTER, _REFERRER_POLICY),
        ),
    ),
    errors=(
        InvalidRequest,
        NotFound,
        WrongState,
        BlobMissing,
        StorageUnavailable,
        DatabaseUnavailable,
    ),
)
def open_(request: AnonymousRequest, where: ShareToken) -> Response:
    sharing = request.services.sharing
    open_share = sharing.peek if request.is_head else sharing.open
    opened = open_share(where.token, request.client, where.variant)
    outcome = opened.outcome
    if isinstance(outcome, Rehydration):
        retry = {"Retry-After": str(outcome.retry_after)}
        view = views.rehydrating(opened.clip_id, outcome)
        return Response(HTTPStatus.ACCEPTED, view, _NO_REFERRER | retry)
    return Response(
        HTTPStatus.FOUND, views.redirect(outcome), _NO_REFERRER | {"Location": outcome.url}
    )
