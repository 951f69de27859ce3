"""From the model to the JSON of responses (`outputs`): one module a resource. Pure.

A field that has the same name in the model and in the response is copied by its name: a new one
is added to both, and nothing here.
"""
