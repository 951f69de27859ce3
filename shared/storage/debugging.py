"""The switch that puts every request to storage into the log."""

import logging

# Of the vendor's library, which logs each request and answer at INFO, and of the headers and the
# query only what it knows to be harmless: no signature, no token, no body.
_REQUESTS = logging.getLogger("azure.core.pipeline.policies.http_logging_policy")


def log_requests(*, wanted: bool) -> None:
    """For all clients of the process, whether made already or not."""
    _REQUESTS.setLevel(logging.INFO if wanted else logging.WARNING)
