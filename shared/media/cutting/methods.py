"""Which methods cut a clip, and when the next one is tried: for the service and the command."""

import logging
from collections.abc import Callable, Sequence

from shared.errors import UnplayableClip
from shared.media.cutting.unsuitable import Unsuitable
from shared.media.failures import FailureCode
from shared.model.cut_method import Accuracy, CutMethod

_log = logging.getLogger(__name__)


def methods_for(
    accuracy: Accuracy, first: CutMethod = CutMethod.STORAGE_COPY
) -> Sequence[CutMethod]:
    """The methods in their order, from `first` on; only encoding is exact in every player."""
    methods = list(CutMethod)
    return methods[methods.index(CutMethod.ENCODE if accuracy is Accuracy.FRAME else first) :]


def allows_another(why: Unsuitable | UnplayableClip) -> bool:
    """Whether another method may give the clip that one has not given."""
    return isinstance(why, Unsuitable) or why.failure_code == FailureCode.UNDECODABLE


def cut_by_first[Film](
    methods: Sequence[CutMethod], cut: Callable[[CutMethod], Film]
) -> tuple[CutMethod, Film]:
    """The clip by the first method that gives one; raises what the last one raises."""
    for method in methods:
        try:
            return method, cut(method)
        except (Unsuitable, UnplayableClip) as why:
            if method is methods[-1] or not allows_another(why):
                raise
            _log.info("The method %s cannot cut the film: %s", method, why)
    raise AssertionError("there is no method")
