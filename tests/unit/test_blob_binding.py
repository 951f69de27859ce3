"""The argument that the worker makes of a reference to a blob: its name."""

import json

import pytest
from azure_functions_runtime.bindings import meta  # type: ignore[import-untyped]  # it has no types

from clips.ingest.blob_binding import BlobName
from local.host.protos import ModelBindingData, ParameterBinding, TypedData


def decoded(**reference: str) -> object:
    """The argument that the worker makes of the data of the host."""
    data = TypedData(model_binding_data=ModelBindingData(json.dumps(reference).encode()))
    return meta.from_incoming_proto(
        "blobTrigger",
        ParameterBinding("blob", data),
        pytype=BlobName,
        trigger_metadata=None,
        function_name="clip_landed",
        is_deferred_binding=True,
    )


@pytest.mark.parametrize("name", ["a/b.mp4", "a/b c/ü#?%20.mov", "x" * 1024])
def test_function_gets_the_name_of_the_blob_in_storage(name: str) -> None:
    blob = decoded(Connection="AZURE_STORAGE", ContainerName="clips", BlobName=name)
    assert isinstance(blob, BlobName)
    assert blob.name == name


def test_connection_need_not_resolve(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the host needs it; the app has its own client."""
    monkeypatch.delenv("AZURE_STORAGE", raising=False)
    blob = decoded(Connection="AZURE_STORAGE", ContainerName="clips", BlobName="a/b.mp4")
    assert isinstance(blob, BlobName)


@pytest.mark.parametrize(("kind", "is_ours"), [(BlobName, True), (str, False), (bytes, False)])
def test_other_types_are_not_references(kind: type, *, is_ours: bool) -> None:
    assert meta.check_input_type_annotation("blobTrigger", kind, True) == is_ours  # noqa: FBT003 - positional there
