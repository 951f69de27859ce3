"""The report of a rebuild: counts, what was left out and why, and what cannot be restored."""

import json
from collections import Counter
from dataclasses import dataclass, field
from uuid import UUID

from clips.terminal.control_characters import without_control_characters

_LISTED = 10_000  # of each kind; the others are counted

# What no sidecar records, with a sentence for the operator.
LOST = {
    "shares": "Shares no longer open anything, because only the catalogue had them.",
    "grants": "The records of which user received which link.",
    "views": "The number of views and the users who viewed: every count begins at 0.",
    "keys and migrations": "Idempotency keys of the last day, and the records of migrations.",
    "deleted for ever": "The records of permanently deleted clips: they answer 404 instead of 410.",
}

_PARTS = ("videos", "clips", "sources")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Something that was not restored; `code` is one of docs/rebuild.md."""

    name: str
    code: str
    detail: str


@dataclass(slots=True)
class Report:
    """Counts by part of the catalogue; `clip_states` are the states of clips that were restored."""

    dry_run: bool
    restored: Counter[str] = field(default_factory=Counter)
    updated: Counter[str] = field(default_factory=Counter)
    already_there: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    clip_states: Counter[str] = field(default_factory=Counter)
    left_out: list[LeftOut] = field(default_factory=list)
    left_out_count: Counter[str] = field(default_factory=Counter)
    unknown_videos: dict[UUID, int] = field(default_factory=dict)
    other_unknown_blobs: int = 0
    complete: bool = False

    def leave_out(self, name: str, code: str, detail: str) -> None:
        self.left_out_count[code] += 1
        if len(self.left_out) < _LISTED:
            self.left_out.append(LeftOut(name, code, detail))

    def add_unknown(self, video_id: UUID) -> None:
        """A blob in the folder of a video that neither catalogue nor sidecar knows."""
        if video_id in self.unknown_videos or len(self.unknown_videos) < _LISTED:
            self.unknown_videos[video_id] = self.unknown_videos.get(video_id, 0) + 1
        else:
            self.other_unknown_blobs += 1

    @property
    def has_gaps(self) -> bool:
        """Whether something that is stored was not restored."""
        return bool(self.left_out_count or self.unknown_videos)

    def to_json(self) -> str:
        return json.dumps(
            {
                "dry_run": self.dry_run,
                "complete": self.complete,
                "restored": {part: self.restored[part] for part in _PARTS},
                "updated": {part: self.updated[part] for part in _PARTS},
                "already_there": {part: self.already_there[part] for part in _PARTS},
                "found": {part: self.found[part] for part in _PARTS},
                "clips": dict(sorted(self.clip_states.items())),
                "left_out": {
                    "counts": dict(sorted(self.left_out_count.items())),
                    "items": [
                        {"name": item.name, "code": item.code, "detail": item.detail}
                        for item in self.left_out
                    ],
                },
                "unknown_videos": {
                    "items": [
                        {"video_id": str(video_id), "blobs": count}
                        for video_id, count in self.unknown_videos.items()
                    ],
                    "blobs_of_others": self.other_unknown_blobs,
                },
                "cannot_be_restored": LOST,
            },
            indent=1,
        )

    def to_text(self) -> str:
        verb = "would restore" if self.dry_run else "restored"
        lines = [f"{'':14}{verb:>14}{'updated':>10}{'present':>10}{'found':>10}"]
        lines += [
            f"{part:14}{self.restored[part]:14,}{self.updated[part]:10,}"
            f"{self.already_there[part]:10,}{self.found[part]:10,}"
            for part in _PARTS
        ]
        if self.clip_states:
            states = ", ".join(f"{state} {n:,}" for state, n in sorted(self.clip_states.items()))
            lines.append(f"clips by state: {states}")
        lines += [f"left out, {code}: {n:,}" for code, n in sorted(self.left_out_count.items())]
        lines += [f"  {without_control_characters(i.name)}: {i.detail}" for i in self.left_out[:10]]
        if self.unknown_videos:
            blobs = sum(self.unknown_videos.values()) + self.other_unknown_blobs
            lines.append(
                f"blobs of unknown videos: {blobs:,} of {len(self.unknown_videos):,} videos; "
                "`--owner SUBJECT` makes clips from them"
            )
            lines += [f"  {video}: {n:,}" for video, n in list(self.unknown_videos.items())[:10]]
        lines.append("cannot be restored:")
        lines += [f"  {what}: {sentence}" for what, sentence in LOST.items()]
        if self.dry_run:
            lines.append("nothing was changed")
        return "\n".join(lines)
