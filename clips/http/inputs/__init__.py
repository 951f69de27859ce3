"""The parameters and JSON bodies of requests, validated field by field: one module a resource."""
