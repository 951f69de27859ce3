"""The table from answers of storage to errors, which both storage clients use."""

import pytest

from shared.errors import (
    BlobArchived,
    BlobChanged,
    BlobExists,
    BlobMissing,
    CliplinkError,
    StorageUnavailable,
)
from shared.storage.error_table import error_for, is_transient


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (404, "BlobNotFound", BlobMissing),
        (404, "", BlobMissing),
        (404, "ContainerNotFound", StorageUnavailable),
        (409, "ContainerBeingDeleted", StorageUnavailable),
        (409, "BlobAlreadyExists", BlobExists),
        (409, "BlobArchived", BlobArchived),
        (409, "BlobBeingRehydrated", BlobArchived),
        (412, "ConditionNotMet", BlobChanged),
        (412, "", BlobChanged),
        (412, "LeaseIdMissing", StorageUnavailable),
        (409, "LeaseAlreadyPresent", StorageUnavailable),
        (400, "InvalidBlockList", BlobChanged),
        (401, "NoAuthenticationInformation", StorageUnavailable),
        (403, "AuthorizationPermissionMismatch", StorageUnavailable),
        (403, "", StorageUnavailable),
    ],
)
def test_answer_has_one_meaning(status: int, code: str, kind: type[CliplinkError]) -> None:
    assert isinstance(error_for(status, code), kind)


@pytest.mark.parametrize(
    ("status", "code", "transient"),
    [
        (503, "ServerBusy", True),
        (500, "", True),
        (429, "", True),
        (409, "PendingCopyOperation", True),
        (400, "Md5Mismatch", True),
        (400, "InvalidHeaderValue", False),
        (416, "InvalidRange", False),
    ],
)
def test_other_answers_may_pass_or_not(status: int, code: str, transient: bool) -> None:  # noqa: FBT001 - a table
    assert error_for(status, code) is None
    assert is_transient(status, code) is transient
