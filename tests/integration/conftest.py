"""Clips of real media, made once a session, and a library to put them into."""

from pathlib import Path

import pytest

from clips.compose import Services
from tests.integration.library import Library
from tests.media import clips


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of 320x180 H.264 with sound."""
    return _made(tmp_path_factory, clips.Clip(sounds=("aac",)))


@pytest.fixture(scope="session")
def longer_film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three seconds of 160x160 H.264 without sound."""
    return _made(tmp_path_factory, clips.Clip(seconds=3.0, size=(160, 160)))


@pytest.fixture
def library(services: Services) -> Library:
    return Library(services)


def _made(factory: pytest.TempPathFactory, recipe: clips.Clip) -> bytes:
    folder: Path = factory.mktemp("film")
    return clips.make(folder / "film.mp4", recipe).read_bytes()
