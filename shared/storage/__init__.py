"""The storage account: blobs by container and name, and time-limited links to them.

Nothing outside this package knows the SDK or sees its exceptions.
"""
