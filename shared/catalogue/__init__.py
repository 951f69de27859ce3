"""The catalogue in Postgres: who owns which videos and clips, and in what state they are.

One module for each group of callers: `users`, `videos`, `clips`, `grants`, `shares`, `owners` and
`view_log` serve the API, `landings` and `admission` the blob trigger, `upkeep` the cleanup,
`moving`, `migrations`, `migration_files` and `migration_counts` those who move clips in.
Every statement stands in the module that runs it, named and with parameters only.
"""

from shared.catalogue.admission import Landing, Verdict
from shared.catalogue.clips import ClipChange, Clips, NewClip
from shared.catalogue.grants import Grant, Grants
from shared.catalogue.landings import Claim, Landings
from shared.catalogue.migration_files import MigrationFiles
from shared.catalogue.migrations import Job, Migrations
from shared.catalogue.moving import Moving
from shared.catalogue.owners import Owners
from shared.catalogue.rows import TimeKey
from shared.catalogue.shares import NewShare, OpenShare, Shares
from shared.catalogue.upkeep import DeletedClip, KnownBlob, Upkeep
from shared.catalogue.users import Users
from shared.catalogue.videos import Videos
from shared.catalogue.view_log import ViewLog

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
