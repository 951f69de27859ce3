"""The functions host of a developer's machine.

It does for the unchanged app what the Azure Functions host does in the cloud: HTTP, blob,
queue and timer triggers, on top of Microsoft's own worker library.
"""
