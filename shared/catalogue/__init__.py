"""The catalogue in Postgres: who owns which videos and clips, and in what state they are.

One module for each subject: the API uses the queries of users, videos, clips, grants and shares,
the blob trigger those of landings with `admission`, the cleanup those of upkeep, and migrations
the `migration_*` modules.
Every statement is a named constant of the module that runs it, with parameters only.
"""

from shared.catalogue.admission import Landing, Verdict
from shared.catalogue.clip_queries import Clips, NewClip, ViewLog
from shared.catalogue.grant_queries import Grant, Grants
from shared.catalogue.landing_queries import Claim, Landings, Standing
from shared.catalogue.legacy_user_queries import LegacyUsers
from shared.catalogue.loss_queries import BulkLoss, BulkLosses
from shared.catalogue.migration_clip_queries import MigrationClips
from shared.catalogue.migration_file_queries import MigrationFiles
from shared.catalogue.migration_queries import Job, Migrations
from shared.catalogue.retention_queries import Retention
from shared.catalogue.row_mapping import StartKey, TimeKey
from shared.catalogue.run_queries import CleanupRuns
from shared.catalogue.share_queries import NewShare, OpenShare, Shares, ShareViewer
from shared.catalogue.upkeep_queries import AwaitedClip, KnownBlob, Upkeep
from shared.catalogue.user_queries import Owners, Users
from shared.catalogue.video_queries import Videos

__all__ = [
    "AwaitedClip",
    "BulkLoss",
    "BulkLosses",
    "Claim",
    "CleanupRuns",
    "Clips",
    "Grant",
    "Grants",
    "Job",
    "KnownBlob",
    "Landing",
    "Landings",
    "LegacyUsers",
    "MigrationClips",
    "MigrationFiles",
    "Migrations",
    "NewClip",
    "NewShare",
    "OpenShare",
    "Owners",
    "Retention",
    "ShareViewer",
    "Shares",
    "Standing",
    "StartKey",
    "TimeKey",
    "Upkeep",
    "Users",
    "Verdict",
    "Videos",
    "ViewLog",
]
