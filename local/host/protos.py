"""The messages that the worker library exchanges with its host, as plain classes.

On Azure these are generated from Protocol Buffers. The library accepts any module as `protos` and
uses only the names of this module, whose spelling is therefore that of Protocol Buffers.
"""

from dataclasses import dataclass, field
from typing import ClassVar


class TypedData:
    """One value and the name of its kind: `TypedData(json="{}")`, `TypedData(bytes=b"")`."""

    __slots__ = ("__dict__", "kind")

    def __init__(self, **data: object) -> None:
        self.kind = next(iter(data), None)
        self.__dict__.update(data)

    @property
    def value(self) -> object:
        """The value, of any kind."""
        return None if self.kind is None else self.__dict__[self.kind]

    def WhichOneof(self, _group: str) -> str | None:  # noqa: N802 - the name in Protocol Buffers
        """The kind of the value."""
        return self.kind


@dataclass(slots=True)
class ParameterBinding:
    """A named argument or output of a function."""

    name: str
    data: TypedData

    def WhichOneof(self, _group: str) -> str:  # noqa: N802 - the name in Protocol Buffers
        """Of the two ways that the library accepts, inline values and shared memory: inline."""
        return "data"


@dataclass(slots=True)
class ModelBindingData:
    """The reference from which an SDK type is made: `content` is JSON that names the blob."""

    content: bytes
    version: str = "1.0"
    source: str = "AzureStorageBlobs"
    content_type: str = "application/json"


@dataclass(slots=True, kw_only=True)
class RpcHttp:
    """An HTTP request, or the answer to one."""

    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: TypedData = field(default_factory=TypedData)
    params: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    status_code: str = ""
    cookies: "list[RpcHttpCookie] | None" = None
    enable_content_negotiation: bool = False


@dataclass(slots=True)
class NullableString:
    value: str


@dataclass(slots=True)
class NullableBool:
    value: bool


@dataclass(slots=True)
class NullableDouble:
    value: float


@dataclass(slots=True)
class Timestamp:
    seconds: int


@dataclass(slots=True)
class NullableTimestamp:
    value: Timestamp


class SameSite:
    """The values of the cookie attribute."""

    Lax: ClassVar[str] = "Lax"
    Strict: ClassVar[str] = "Strict"
    ExplicitNone: ClassVar[str] = "None"


setattr(SameSite, "None", "")  # a name that only setattr can write


@dataclass(slots=True, kw_only=True)
class RpcHttpCookie:
    """A cookie to be set."""

    SameSite: ClassVar[type] = SameSite

    name: str
    value: str
    domain: NullableString | None
    path: NullableString | None
    expires: NullableTimestamp | None
    secure: NullableBool | None
    http_only: NullableBool | None
    same_site: str
    max_age: NullableDouble | None


@dataclass(slots=True)
class RpcException:
    """The exception that a function raised."""

    message: str
    stack_trace: str


@dataclass(slots=True)
class StatusResult:
    """The result of a call."""

    Failure: ClassVar[int] = 0
    Success: ClassVar[int] = 1

    status: int
    exception: RpcException | None = None


@dataclass(slots=True)
class BindingInfo:
    """A binding, as the library describes it; its numbers are those of azure-functions."""

    out: ClassVar[int] = 1
    inout: ClassVar[int] = 2
    undefined: ClassVar[int] = 0

    type: str
    data_type: int
    direction: int


@dataclass(slots=True, kw_only=True)
class RpcRetryOptions:
    """The retry policy of a function, which this host ignores."""

    max_retry_count: int
    retry_strategy: str
    delay_interval: object = None
    minimum_interval: object = None
    maximum_interval: object = None


@dataclass(slots=True, kw_only=True)
class RpcFunctionMetadata:
    """A function as the library found it; `raw_bindings` are JSON."""

    name: str
    function_id: str
    managed_dependency_enabled: bool
    directory: str
    script_file: str
    entry_point: str
    is_proxy: bool
    language: str
    bindings: dict[str, BindingInfo]
    raw_bindings: list[str]
    retry_options: RpcRetryOptions | None
    properties: dict[str, str]


@dataclass(slots=True, kw_only=True)
class WorkerMetadata:
    """Language and version of the worker."""

    runtime_name: str
    runtime_version: str
    worker_version: str
    worker_bitness: str
    custom_properties: dict[str, str]


@dataclass(slots=True, kw_only=True)
class WorkerInitResponse:
    """Answer to the first call: whether the app was indexed."""

    capabilities: dict[str, str]
    worker_metadata: WorkerMetadata
    result: StatusResult


@dataclass(slots=True, kw_only=True)
class FunctionMetadataResponse:
    """Answer to the request for the list of functions."""

    use_default_metadata_indexing: bool
    function_metadata_results: list[RpcFunctionMetadata] | None
    result: StatusResult


@dataclass(slots=True, kw_only=True)
class FunctionLoadResponse:
    """Answer to the loading of one function."""

    function_id: str
    result: StatusResult


@dataclass(slots=True, kw_only=True)
class InvocationResponse:
    """Answer to one call of a function."""

    invocation_id: str
    result: StatusResult
    return_value: TypedData | None = None
    output_data: list[ParameterBinding] = field(default_factory=list)
