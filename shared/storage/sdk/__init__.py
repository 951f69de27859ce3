"""The storage account through Azure's SDK: blobs and queues."""
