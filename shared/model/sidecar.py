"""Sidecars: the small JSON files from which the catalogue can be rebuilt."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID


class SidecarKind(StrEnum):
    """What a sidecar describes."""

    CLIP = "clip"
    SOURCE = "source"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class SidecarKey:
    """Which row a sidecar describes; `clip_id` is None unless it is a clip's."""

    kind: SidecarKind
    video_id: UUID
    clip_id: UUID | None = None
