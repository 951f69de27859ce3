"""The JSON bodies of responses, field by field: one module a resource.

The counterpart of `inputs`. `views` builds them, orjson writes them. mypy checks the views against
these types, and the API's description is generated from them. Dataclasses of the model that appear
in a response (`Media`, `Failure`, `Upload`) are written as they are; fields with the same name in
the model are copied.
"""
