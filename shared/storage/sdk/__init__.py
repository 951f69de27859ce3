"""The storage account through the vendor's client: blobs and queues."""
