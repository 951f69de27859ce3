"""The catalogue in Postgres: who owns which videos and clips, and in what state they are.

One module for each group of callers: `users`, `videos`, `clips`, `grants`, `shares`, `owners` and
`view_log` serve the API, `landings` and `admission` the blob trigger, `upkeep` the cleanup,
`moving`, `migrations`, `migration_files` and `migration_counts` those who move clips in.
Every statement stands in the module that runs it, named and with parameters only.
"""

from shared.catalogue.admission import Landing, Verdict
from shared.catalogue.clip_queries import ClipChange, Clips, NewClip
from shared.catalogue.grant_queries import Grant, Grants
from shared.catalogue.landing_queries import Claim, Landings
from shared.catalogue.migration_clip_queries import Moving
from shared.catalogue.migration_file_queries import MigrationFiles
from shared.catalogue.migration_queries import Job, Migrations
from shared.catalogue.owner_queries import Owners
from shared.catalogue.row_mapping import TimeKey
from shared.catalogue.share_queries import NewShare, OpenShare, Shares
from shared.catalogue.upkeep_queries import DeletedClip, KnownBlob, Upkeep
from shared.catalogue.user_queries import Users
from shared.catalogue.video_queries import Videos
from shared.catalogue.view_queries import ViewLog

__all__ = [
    "Claim",
    "ClipChange",
    "Clips",
    "DeletedClip",
    "Grant",
    "Grants",
    "Job",
    "KnownBlob",
    "Landing",
    "Landings",
    "MigrationFiles",
    "Migrations",
    "Moving",
    "NewClip",
    "NewShare",
    "OpenShare",
    "Owners",
    "Shares",
    "TimeKey",
    "Upkeep",
    "Users",
    "Verdict",
    "Videos",
    "ViewLog",
]
