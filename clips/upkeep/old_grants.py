"""Deletes the records of links that expired long ago."""

from datetime import timedelta

from clips.upkeep.time_limit import STEP_SECONDS, for_seconds
from shared.catalogue.links.grant_queries import Grants
from shared.clock import Clock

# How long a grant stays on record after its link has expired.
GRANT_LIFE = timedelta(days=30)

_GRANTS_AT_ONCE = 5000


def forget_grants(clock: Clock, grants: Grants) -> int:
    """Deletes the grants whose GRANT_LIFE is over; returns how many."""
    before, may_go_on = clock() - GRANT_LIFE, for_seconds(STEP_SECONDS)
    forgotten = 0
    while may_go_on() and (more := grants.forget(before, _GRANTS_AT_ONCE)) > 0:
        forgotten += more
    return forgotten
