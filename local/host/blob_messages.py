"""Owns the message of a blob trigger, which names a function and a version of a blob.

The JSON, with its line breaks, is that of the real host in its queues
`azure-webjobs-blobtrigger-<host id>` and, after the last attempt, `webjobs-blobtrigger-poison`.
Also owns the patterns of blob paths.
"""

import json
import re
from dataclasses import dataclass
from typing import Any, Self

from local.host.blob_addresses import container_and_name

_PARAMETER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class BlobMessage:
    """`etag` is without quotation marks."""

    function: str
    blob_type: str
    container: str
    blob: str
    etag: str

    def to_json(self) -> str:
        """The text of the message."""
        return json.dumps(
            {
                "Type": "BlobTrigger",
                "FunctionId": self.function,
                "BlobType": self.blob_type,
                "ContainerName": self.container,
                "BlobName": self.blob,
                "ETag": f'"{self.etag}"',
            },
            ensure_ascii=False,
            indent=2,
        )

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Reads a message; raises ValueError, KeyError or TypeError for anything else."""
        fields = json.loads(text)
        return cls(
            fields["FunctionId"],
            fields["BlobType"],
            fields["ContainerName"],
            fields["BlobName"],
            fields["ETag"].strip('"'),
        )

    @classmethod
    def from_event(cls, function: str, data: dict[str, Any]) -> Self:
        """From the data of an event, whose URL names the blob; raises ValueError or KeyError."""
        container, blob = container_and_name(data["url"])
        etag = data.get("eTag", data.get("etag", "")).strip('"')
        return cls(function, data["blobType"], container, blob, etag)


@dataclass(frozen=True, slots=True)
class BlobPattern:
    """A trigger's path, such as `clips/{name}.mp4`.

    `{name}` is greedy, crosses slashes, may be empty and holds no line feed.
    """

    container: str
    prefix: str
    expression: re.Pattern[str]

    @classmethod
    def parse(cls, path: str) -> Self:
        """Compiles a path; a container alone means all of its blobs."""
        container, _, blob = path.partition("/")
        position, expression = 0, ""
        for found in _PARAMETER.finditer(blob):
            expression += re.escape(blob[position : found.start()]) + f"(?P<{found[1]}>.*)"
            position = found.end()
        expression += re.escape(blob[position:]) if blob else "(?s:.+)"
        return cls(container, blob.partition("{")[0], re.compile(expression))

    def match(self, blob: str) -> dict[str, str] | None:
        """The parameters in a blob's name, or None if the name does not match."""
        found = self.expression.fullmatch(blob)
        return None if found is None else found.groupdict()
