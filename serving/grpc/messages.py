"""The messages of the Open Inference Protocol over gRPC, as a descriptor written like its .proto.

Owns names, numbers and types of the published service `inference.GRPCInferenceService`, and the
classes made from them. The pool is our own, so that a process may hold others' descriptors too.

Source: https://github.com/kserve/open-inference-protocol (specification/protocol).
"""

from typing import Any

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    MessageOptions,
    MethodDescriptorProto,
    OneofDescriptorProto,
    ServiceDescriptorProto,
)

PACKAGE = "inference"
SERVICE = f"{PACKAGE}.GRPCInferenceService"
METHODS = (
    "ServerLive",
    "ServerReady",
    "ModelReady",
    "ServerMetadata",
    "ModelMetadata",
    "ModelInfer",
)
"""Each takes `<method>Request` and answers `<method>Response`."""

_BOOL = FieldDescriptorProto.TYPE_BOOL
_INT32 = FieldDescriptorProto.TYPE_INT32
_INT64 = FieldDescriptorProto.TYPE_INT64
_UINT32 = FieldDescriptorProto.TYPE_UINT32
_UINT64 = FieldDescriptorProto.TYPE_UINT64
_FLOAT = FieldDescriptorProto.TYPE_FLOAT
_DOUBLE = FieldDescriptorProto.TYPE_DOUBLE
_STRING = FieldDescriptorProto.TYPE_STRING
_BYTES = FieldDescriptorProto.TYPE_BYTES


def _field(kind: Any, name: str, number: int, **more: Any) -> Any:
    """`kind name = number;`, where the kind is a scalar's or a message's name in the package."""
    field = FieldDescriptorProto(name=name, number=number, **more)
    if not more.get("label"):
        field.label = FieldDescriptorProto.LABEL_OPTIONAL
    if isinstance(kind, str):
        field.type, field.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
    else:
        field.type = kind
    return field


def _repeated(kind: Any, name: str, number: int) -> Any:
    """`repeated kind name = number;`."""
    return _field(kind, name, number, label=FieldDescriptorProto.LABEL_REPEATED)


def _choice(kind: Any, name: str, number: int) -> Any:
    """A field within the message's `oneof`."""
    return _field(kind, name, number, oneof_index=0)


def _message(name: str, *members: Any, **more: Any) -> Any:
    """`message name { members }`: its fields, and the messages within."""
    return DescriptorProto(
        name=name,
        field=[member for member in members if isinstance(member, FieldDescriptorProto)],
        nested_type=[member for member in members if isinstance(member, DescriptorProto)],
        **more,
    )


def _parameters(owner: str, number: int) -> tuple[Any, Any]:
    """`map<string, InferParameter> parameters = number;`, a repeated message of entries."""
    entry = _message(
        "ParametersEntry",
        _field(_STRING, "key", 1),
        _field("InferParameter", "value", 2),
        options=MessageOptions(map_entry=True),
    )
    return entry, _repeated(f"{owner}.ParametersEntry", "parameters", number)


_SERVER = (
    _message("ServerLiveRequest"),
    _message("ServerLiveResponse", _field(_BOOL, "live", 1)),
    _message("ServerReadyRequest"),
    _message("ServerReadyResponse", _field(_BOOL, "ready", 1)),
    _message("ServerMetadataRequest"),
    _message(
        "ServerMetadataResponse",
        _field(_STRING, "name", 1),
        _field(_STRING, "version", 2),
        _repeated(_STRING, "extensions", 3),
    ),
)

_MODEL = (
    _message("ModelReadyRequest", _field(_STRING, "name", 1), _field(_STRING, "version", 2)),
    _message("ModelReadyResponse", _field(_BOOL, "ready", 1)),
    _message("ModelMetadataRequest", _field(_STRING, "name", 1), _field(_STRING, "version", 2)),
    _message(
        "ModelMetadataResponse",
        _message(
            "TensorMetadata",
            _field(_STRING, "name", 1),
            _field(_STRING, "datatype", 2),
            _repeated(_INT64, "shape", 3),
        ),
        _field(_STRING, "name", 1),
        _repeated(_STRING, "versions", 2),
        _field(_STRING, "platform", 3),
        _repeated("ModelMetadataResponse.TensorMetadata", "inputs", 4),
        _repeated("ModelMetadataResponse.TensorMetadata", "outputs", 5),
    ),
)

_TENSORS = (
    _message(
        "InferParameter",
        _choice(_BOOL, "bool_param", 1),
        _choice(_INT64, "int64_param", 2),
        _choice(_STRING, "string_param", 3),
        _choice(_DOUBLE, "double_param", 4),
        _choice(_UINT64, "uint64_param", 5),
        oneof_decl=[OneofDescriptorProto(name="parameter_choice")],
    ),
    _message(
        "InferTensorContents",
        _repeated(_BOOL, "bool_contents", 1),
        _repeated(_INT32, "int_contents", 2),
        _repeated(_INT64, "int64_contents", 3),
        _repeated(_UINT32, "uint_contents", 4),
        _repeated(_UINT64, "uint64_contents", 5),
        _repeated(_FLOAT, "fp32_contents", 6),
        _repeated(_DOUBLE, "fp64_contents", 7),
        _repeated(_BYTES, "bytes_contents", 8),
    ),
)

_INFER = (
    _message(
        "ModelInferRequest",
        _message(
            "InferInputTensor",
            _field(_STRING, "name", 1),
            _field(_STRING, "datatype", 2),
            _repeated(_INT64, "shape", 3),
            *_parameters("ModelInferRequest.InferInputTensor", 4),
            _field("InferTensorContents", "contents", 5),
        ),
        _message(
            "InferRequestedOutputTensor",
            _field(_STRING, "name", 1),
            *_parameters("ModelInferRequest.InferRequestedOutputTensor", 2),
        ),
        _field(_STRING, "model_name", 1),
        _field(_STRING, "model_version", 2),
        _field(_STRING, "id", 3),
        *_parameters("ModelInferRequest", 4),
        _repeated("ModelInferRequest.InferInputTensor", "inputs", 5),
        _repeated("ModelInferRequest.InferRequestedOutputTensor", "outputs", 6),
        _repeated(_BYTES, "raw_input_contents", 7),
    ),
    _message(
        "ModelInferResponse",
        _message(
            "InferOutputTensor",
            _field(_STRING, "name", 1),
            _field(_STRING, "datatype", 2),
            _repeated(_INT64, "shape", 3),
            *_parameters("ModelInferResponse.InferOutputTensor", 4),
            _field("InferTensorContents", "contents", 5),
        ),
        _field(_STRING, "model_name", 1),
        _field(_STRING, "model_version", 2),
        _field(_STRING, "id", 3),
        *_parameters("ModelInferResponse", 4),
        _repeated("ModelInferResponse.InferOutputTensor", "outputs", 5),
        _repeated(_BYTES, "raw_output_contents", 6),
    ),
)

FILE = FileDescriptorProto(
    name="open_inference_grpc.proto",
    package=PACKAGE,
    syntax="proto3",
    message_type=[*_SERVER, *_MODEL, *_TENSORS, *_INFER],
    service=[
        ServiceDescriptorProto(
            name=SERVICE.rpartition(".")[2],
            method=[
                MethodDescriptorProto(
                    name=method,
                    input_type=f".{PACKAGE}.{method}Request",
                    output_type=f".{PACKAGE}.{method}Response",
                )
                for method in METHODS
            ],
        )
    ],
)
"""The file, as a compiler of protocol buffers describes it."""

POOL = descriptor_pool.DescriptorPool()
POOL.Add(FILE)


def message(name: str) -> Any:
    """The class of a message by its name in the package."""
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


ModelInferResponse = message("ModelInferResponse")
