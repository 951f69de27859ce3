"""The functions host of a developer's machine.

It plays for the unchanged app what the Azure Functions host plays in the cloud: HTTP, blob,
queue and timer triggers, on top of Microsoft's own worker library.
"""
