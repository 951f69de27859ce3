"""The catalogue in Postgres: who owns which videos and clips, and in what state they are.

One module for each reason to ask: `users`, `videos` and `clips` serve the API, `landings` and
`admission` the blob trigger, `upkeep` the cleanup. Every statement stands in the module that
runs it, named and with parameters only.
"""

from shared.catalogue.admission import Landing, Verdict
from shared.catalogue.clips import ClipChange, Clips, NewClip
from shared.catalogue.grants import Grant, Grants
from shared.catalogue.landings import Claim, Landings
from shared.catalogue.upkeep import DeletedClip, KnownBlob, Upkeep
from shared.catalogue.users import Users
from shared.catalogue.videos import Videos

__all__ = [
    "Claim",
    "ClipChange",
    "Clips",
    "DeletedClip",
    "Grant",
    "Grants",
    "KnownBlob",
    "Landing",
    "Landings",
    "NewClip",
    "Upkeep",
    "Users",
    "Verdict",
    "Videos",
]
