"""The catalogue in Postgres: who owns which videos and clips, and in what state they are.

One package for each package of `clips/` that runs its queries: `library` and `links` serve the API,
`ingest` the blob trigger, `upkeep` and `bin` the cleanup, `migration` the migrations. What several
of them need is in `row_mapping`.
Every statement is a named constant of the module that runs it, with parameters only.
"""
