"""The functions host of a developer's machine.

It runs the unchanged app as the Azure Functions host does in the cloud: with HTTP, blob, queue and
timer triggers, through Microsoft's own worker library.
"""
