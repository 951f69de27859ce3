"""Why a method of cutting does not fit a film."""


class Unsuitable(Exception):
    """The film cannot be cut by this method; the message says why."""
