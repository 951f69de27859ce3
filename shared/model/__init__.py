"""The domain model: users, videos, clips and the media inside them, one module a subject.

Frozen values without behaviour that needs a database, a storage account or FFmpeg.
Times of day are timezone-aware; positions and durations are seconds; sizes are bytes.
Nothing is imported here: an instance loads only the subjects that it needs.
"""
