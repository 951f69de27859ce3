"""Matches files with clips: by id first, then by the longest matching part of the old address.

A file belongs to the clip whose id is its name. Otherwise the last parts of its path are compared
with the last parts of old addresses: the longest match counts, and if several clips match equally
well, none is chosen. Everything happens inside the ledger, for any number of files.
"""

from clips.migration.ledger import Ledger

# The score of an id: higher than any number of parts of an address.
_ID_SCORE = 100

# Stands in place of a clip's id if several clips match.
MANY = b""

_FILE_KEYS_BY_KEY = "CREATE INDEX file_keys_by_key ON file_keys (level, key)"

# How many clips share a key, and one of them.
_TARGETS = """
CREATE TABLE targets AS
    SELECT level, key, count(*) AS clips, min(clip) AS clip FROM clip_keys
    WHERE reading = 0 GROUP BY level, key
"""
_TARGETS_BY_KEY = "CREATE UNIQUE INDEX targets_by_key ON targets (level, key)"

# The columns beside max() are those of the row that has the maximum.
_FIT_BY_ADDRESS = """
UPDATE files SET clip = best.clip, fit = best.level
FROM (
    SELECT f.path, max(f.level) AS level, CASE t.clips WHEN 1 THEN t.clip ELSE :many END AS clip
    FROM file_keys f JOIN targets t ON t.level = f.level AND t.key = f.key
    GROUP BY f.path
) AS best
WHERE files.path = best.path
"""

_FIT_BY_ID = """
UPDATE files SET clip = id_in_name, fit = :by_id
WHERE problem IS NULL AND kind = 'video' AND id_in_name IN (SELECT id FROM clips)
"""

# A later reading of an old address counts only for clips that no file has matched yet.
_OTHER_READINGS = "SELECT DISTINCT reading FROM clip_keys WHERE reading > 0 ORDER BY reading"
_CLEAR_OTHER_TARGETS = "DROP TABLE IF EXISTS other_targets"
_OTHER_TARGETS = """
CREATE TABLE other_targets AS
    SELECT level, key, count(*) AS clips, min(clip) AS clip FROM clip_keys
    WHERE reading = :reading
      AND clip NOT IN (SELECT clip FROM files WHERE clip IS NOT NULL AND kind <> 'image')
    GROUP BY level, key
"""

# Starts from the targets, of which there are few, and only looks at files that have matched no clip
# yet.
_FIT_BY_OTHER_READING = """
UPDATE files SET clip = best.clip, fit = best.level
FROM (
    SELECT f.path, max(f.level) AS level, CASE t.clips WHEN 1 THEN t.clip ELSE :many END AS clip
    FROM other_targets t
    CROSS JOIN file_keys f ON f.level = t.level AND f.key = t.key
    JOIN files unmatched ON unmatched.path = f.path AND unmatched.clip IS NULL
    GROUP BY f.path
) AS best
WHERE files.path = best.path
"""

_VIDEOS_BY_STEM = "CREATE INDEX videos_by_stem ON files (stem) WHERE kind = 'video'"

# An image belongs to the clip whose id is its name, or to the video file beside it of that name.
_FIT_IMAGES = """
UPDATE files SET clip = owner.clip, fit = owner.fit
FROM (
    SELECT image.path, coalesce(named.id, min(beside.clip)) AS clip,
           2 * (named.id IS NOT NULL) + image.is_thumbnail AS fit
    FROM files AS image
    LEFT JOIN clips AS named ON named.id = image.id_in_name
    LEFT JOIN files AS beside
           ON beside.stem = image.stem AND beside.kind = 'video' AND beside.clip <> :many
    WHERE image.kind = 'image' AND image.problem IS NULL
    GROUP BY image.path
) AS owner
WHERE files.path = owner.path AND owner.clip IS NOT NULL
"""

# How well the best files of a clip match it; and the first of these files.
_BEST = """
CREATE TABLE best AS
    SELECT clip, kind = 'image' AS image, max(fit) AS fit
    FROM files WHERE clip IS NOT NULL AND clip <> :many GROUP BY 1, 2
"""
_BEST_BY_CLIP = "CREATE UNIQUE INDEX best_by_clip ON best (clip, image)"
_CHOSEN = """
CREATE TABLE chosen AS
    SELECT min(f.path) AS path, count(*) AS files
    FROM files f JOIN best b ON b.clip = f.clip AND b.image = (f.kind = 'image') AND b.fit = f.fit
    GROUP BY b.clip, b.image
"""
_CHOSEN_BY_PATH = "CREATE UNIQUE INDEX chosen_by_path ON chosen (path)"
_FILES_BY_CLIP = "CREATE INDEX files_by_clip ON files (clip, fit) WHERE clip IS NOT NULL"

_BY_ADDRESS_AND_ID = (
    _FILE_KEYS_BY_KEY,
    _TARGETS,
    _TARGETS_BY_KEY,
    _FIT_BY_ADDRESS,
    _FIT_BY_ID,
)
_BY_OTHER_READING = (_CLEAR_OTHER_TARGETS, _OTHER_TARGETS, _FIT_BY_OTHER_READING)
_IMAGES_AND_CHOICE = (
    _VIDEOS_BY_STEM,
    _FIT_IMAGES,
    _BEST,
    _BEST_BY_CLIP,
    _CHOSEN,
    _CHOSEN_BY_PATH,
    _FILES_BY_CLIP,
)


def match(ledger: Ledger) -> None:
    """Writes to each file its clip and how well they match, and which files are chosen.

    The table `best` has the score of the best files of a clip, `chosen` the first of these files.
    """
    _run(ledger, _BY_ADDRESS_AND_ID)
    for (reading,) in list(ledger.rows(_OTHER_READINGS)):
        _run(ledger, _BY_OTHER_READING, reading)
    _run(ledger, _IMAGES_AND_CHOICE)


def _run(ledger: Ledger, steps: tuple[str, ...], reading: int = 0) -> None:
    for step in steps:
        ledger.run(step, {"many": MANY, "by_id": _ID_SCORE, "reading": reading})
