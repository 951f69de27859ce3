"""Which file is which clip's: by id first, then by as much of the old address as fits.

A file goes with the clip whose id is its name. Otherwise the last parts of its path are compared
with the last parts of old addresses: the longest that fit count, and if several clips fit as
well, none is taken. All of it is done within the ledger, however much there is in it.
"""

from clips.migration.ledger import Ledger

# Better than any number of parts of an address.
_BY_ID = 100
MANY = b""
"""In place of a clip's id: several fit."""

_FILE_KEYS_BY_KEY = "CREATE INDEX file_keys_by_key ON file_keys (level, key)"

# How many clips share a key, and one of them.
_TARGETS = """
CREATE TABLE targets AS
    SELECT level, key, count(*) AS clips, min(clip) AS clip FROM clip_keys GROUP BY level, key
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
UPDATE files SET clip = spelled, fit = :by_id
WHERE problem IS NULL AND kind = 'video' AND spelled IN (SELECT id FROM clips)
"""

_FILMS_BY_STEM = "CREATE INDEX films_by_stem ON files (stem) WHERE kind = 'video'"

# An image goes with the clip whose id is its name, or with the film beside it of the same name.
_FIT_IMAGES = """
UPDATE files SET clip = owner.clip, fit = owner.fit
FROM (
    SELECT image.path, coalesce(named.id, min(beside.clip)) AS clip,
           2 * (named.id IS NOT NULL) + image.is_thumbnail AS fit
    FROM files AS image
    LEFT JOIN clips AS named ON named.id = image.spelled
    LEFT JOIN files AS beside
           ON beside.stem = image.stem AND beside.kind = 'video' AND beside.clip <> :many
    WHERE image.kind = 'image' AND image.problem IS NULL
    GROUP BY image.path
) AS owner
WHERE files.path = owner.path AND owner.clip IS NOT NULL
"""

# Of the files that fit a clip, those that fit best; and of these the first.
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

_STEPS = (
    _FILE_KEYS_BY_KEY,
    _TARGETS,
    _TARGETS_BY_KEY,
    _FIT_BY_ADDRESS,
    _FIT_BY_ID,
    _FILMS_BY_STEM,
    _FIT_IMAGES,
    _BEST,
    _BEST_BY_CLIP,
    _CHOSEN,
    _CHOSEN_BY_PATH,
    _FILES_BY_CLIP,
)


def match(ledger: Ledger) -> None:
    """Notes with each file its clip and how well they fit, and which files are taken.

    `best` is how well the best files of a clip fit, `chosen` the first of these.
    """
    for step in _STEPS:
        ledger.run(step, {"many": MANY, "by_id": _BY_ID})
