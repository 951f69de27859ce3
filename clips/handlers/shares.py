"""Handlers of /clips/{clip_id}/shares, and of the addresses that they give: /s/{token}."""

from http import HTTPStatus

from clips.http import inputs, outputs, views
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
from clips.http.request import AnonymousRequest, Request
from clips.http.response import Response
from clips.links.sharing import ShareTerms
from shared.errors import BlobMissing, DatabaseUnavailable, NotFound, StorageUnavailable, WrongState
from shared.model import Rehydration

# The page that the link leads to has no business with the secret in the address before it.
_NO_REFERRER = {"Referrer-Policy": "no-referrer"}
_REFERRER_POLICY = Header(
    "Referrer-Policy", "Keeps the secret from where the link leads.", {"const": "no-referrer"}
)


@Operation(
    tag=Tag.SHARES,
    summary="Share a clip",
    description="Makes an address that leads to the clip without a token, until it is revoked, "
    "expires or is used up. It is told in this answer only.",
    parameters=inputs.ClipId,
    body=inputs.NewShare,
    example={"expires_at": "2090-01-01T00:00:00Z", "max_views": 10},
    responses=(ResponseSpec(HTTPStatus.CREATED, "The new share.", outputs.Share, (LOCATION,)),),
    errors=(NotFound,),
)
def create(request: Request) -> Response:
    where, wanted = request.parameters_and_body(inputs.ClipId, inputs.NewShare)
    terms = ShareTerms(expires_at=wanted.expires_at, max_views=wanted.max_views, ip=wanted.ip)
    base_url = request.url_of("/api/s/")  # may fail: before a share exists that nobody can open
    share, token = request.services.sharing.create(request.viewer(where), where.clip_id, terms)
    return Response(
        HTTPStatus.CREATED,
        views.share(share, f"{base_url}{token}"),
        {"Location": f"/api/clips/{share.clip_id}/shares/{share.id}"},
    )


@Operation(
    tag=Tag.SHARES,
    summary="List the shares of a clip",
    description="Newest first, also those that are over. Their addresses are not told again.",
    parameters=inputs.RecordPage,
    responses=(
        ResponseSpec(HTTPStatus.OK, "A page of shares.", list[outputs.Share], (NEXT_PAGE,)),
    ),
    errors=(NotFound,),
)
def page(request: Request) -> Response:
    wanted = request.parameters(inputs.RecordPage)
    found = request.services.sharing.page(
        request.viewer(wanted), wanted.clip_id, wanted.limit + 1, wanted.cursor
    )
    shown, headers = request.page(found, wanted.limit, lambda share: (share.created_at, share.id))
    return Response(HTTPStatus.OK, [views.share(share, None) for share in shown], headers)


@Operation(
    tag=Tag.SHARES,
    summary="Revoke a share",
    description="It opens nothing from now on. A link that it gave before ends within minutes.",
    parameters=inputs.ShareId,
    responses=(ResponseSpec(HTTPStatus.OK, "It is revoked.", outputs.Message),),
    errors=(NotFound,),
)
def revoke(request: Request) -> Response:
    where = request.parameters(inputs.ShareId)
    request.services.sharing.revoke(request.viewer(where), where.clip_id, where.share_id)
    return Response(HTTPStatus.OK, views.message("Share revoked successfully"))


@Operation(
    tag=Tag.SHARES,
    summary="Open a share",
    description="Leads to the clip by a link of a few minutes, and counts a view. A share that "
    "is unknown, revoked, expired or used up is absent, and so is one whose clip is gone.",
    parameters=inputs.ShareToken,
    responses=(
        ResponseSpec(
            HTTPStatus.FOUND,
            "The link, good for five minutes.",
            outputs.Redirect,
            (REDIRECT, _REFERRER_POLICY),
        ),
        ResponseSpec(
            HTTPStatus.ACCEPTED,
            "The clip is in the archive and is being fetched. Ask again later.",
            outputs.Rehydrating,
            (RETRY_AFTER, _REFERRER_POLICY),
        ),
    ),
    errors=(NotFound, WrongState, BlobMissing, StorageUnavailable, DatabaseUnavailable),
)
def open_(request: AnonymousRequest) -> Response:
    opened = request.services.sharing.open(request.parameters(inputs.ShareToken).token)
    outcome = opened.outcome
    if isinstance(outcome, Rehydration):
        retry = {"Retry-After": str(outcome.retry_after)}
        view = views.rehydrating(opened.clip_id, outcome)
        return Response(HTTPStatus.ACCEPTED, view, _NO_REFERRER | retry)
    return Response(
        HTTPStatus.FOUND, views.redirect(outcome), _NO_REFERRER | {"Location": outcome.url}
    )
