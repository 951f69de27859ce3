"""The catalogue in Postgres: who owns which videos and clips, and in what state they are.

One module for each subject: the API uses the queries of users, videos, clips, grants and shares,
the blob trigger those of landings with `admission`, the cleanup those of upkeep, and migrations
the `migration_*` modules.
Every statement is a named constant of the module that runs it, with parameters only.
"""
