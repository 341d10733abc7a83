"""The messages of the Open Inference Protocol over gRPC, described in a table of our own.

Owns names, numbers and types of the published service `inference.GRPCInferenceService`, and the
classes made of them. The pool is our own, so that a process may hold others' descriptions too.

Source: https://github.com/kserve/open-inference-protocol (specification/protocol).
"""

from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto

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

# A field is `name:type`, its number its place; `*` repeats it, `{}` maps strings to it, and what
# is one of several is marked `?`.
_MODEL = "name:string version:string"
_TENSOR = "name:string datatype:string shape:int64*"
_MESSAGES = {
    "ServerLiveRequest": "",
    "ServerLiveResponse": "live:bool",
    "ServerReadyRequest": "",
    "ServerReadyResponse": "ready:bool",
    "ModelReadyRequest": _MODEL,
    "ModelReadyResponse": "ready:bool",
    "ServerMetadataRequest": "",
    "ServerMetadataResponse": "name:string version:string extensions:string*",
    "ModelMetadataRequest": _MODEL,
    "ModelMetadataResponse": (
        "name:string versions:string* platform:string "
        "inputs:ModelMetadataResponse.TensorMetadata* "
        "outputs:ModelMetadataResponse.TensorMetadata*"
    ),
    "ModelMetadataResponse.TensorMetadata": _TENSOR,
    "InferParameter": (
        "bool_param:bool? int64_param:int64? string_param:string? double_param:double? "
        "uint64_param:uint64?"
    ),
    "InferTensorContents": (
        "bool_contents:bool* int_contents:int32* int64_contents:int64* uint_contents:uint32* "
        "uint64_contents:uint64* fp32_contents:float* fp64_contents:double* bytes_contents:bytes*"
    ),
    "ModelInferRequest": (
        "model_name:string model_version:string id:string parameters:InferParameter{} "
        "inputs:ModelInferRequest.InferInputTensor* "
        "outputs:ModelInferRequest.InferRequestedOutputTensor* raw_input_contents:bytes*"
    ),
    "ModelInferRequest.InferInputTensor": (
        f"{_TENSOR} parameters:InferParameter{{}} contents:InferTensorContents"
    ),
    "ModelInferRequest.InferRequestedOutputTensor": "name:string parameters:InferParameter{}",
    "ModelInferResponse": (
        "model_name:string model_version:string id:string parameters:InferParameter{} "
        "outputs:ModelInferResponse.InferOutputTensor* raw_output_contents:bytes*"
    ),
    "ModelInferResponse.InferOutputTensor": (
        f"{_TENSOR} parameters:InferParameter{{}} contents:InferTensorContents"
    ),
}
_ONE_OF = "parameter_choice"
_REPEATED = FieldDescriptorProto.LABEL_REPEATED
_SINGLE = FieldDescriptorProto.LABEL_OPTIONAL


def describe() -> descriptor_pb2.FileDescriptorProto:
    """The description of the service and its messages, as a compiler of the protocol makes it."""
    file = descriptor_pb2.FileDescriptorProto(
        name="open_inference_grpc.proto", package=PACKAGE, syntax="proto3"
    )
    made: dict[str, DescriptorProto] = {}
    for path, fields in _MESSAGES.items():
        outer, _, name = path.rpartition(".")
        place = made[outer].nested_type if outer else file.message_type
        made[path] = place.add(name=name)
        for number, field in enumerate(fields.split(), start=1):
            _add(made[path], path, number, field)
    service = file.service.add(name=SERVICE.rpartition(".")[2])
    for method in METHODS:
        service.method.add(
            name=method,
            input_type=f".{PACKAGE}.{method}Request",
            output_type=f".{PACKAGE}.{method}Response",
        )
    return file


def _add(message: DescriptorProto, path: str, number: int, text: str) -> None:
    name, _, kind = text.partition(":")
    plain = kind.rstrip("*?{}")
    field = message.field.add(name=name, number=number, label=_SINGLE)
    if kind.endswith("{}"):
        _map(message, plain)
        plain = f"{path}.ParametersEntry"
    if kind.endswith(("*", "{}")):
        field.label = _REPEATED
    if kind.endswith("?"):
        if not message.oneof_decl:
            message.oneof_decl.add(name=_ONE_OF)
        field.oneof_index = 0
    _set_type(field, plain)


def _map(message: DescriptorProto, value: str) -> None:
    """The entries of a map field `parameters`."""
    entry = message.nested_type.add(name="ParametersEntry")
    entry.options.map_entry = True
    _set_type(entry.field.add(name="key", number=1, label=_SINGLE), "string")
    _set_type(entry.field.add(name="value", number=2, label=_SINGLE), value)


def _set_type(field: FieldDescriptorProto, kind: str) -> None:
    if kind[0].isupper():
        field.type = FieldDescriptorProto.TYPE_MESSAGE
        field.type_name = f".{PACKAGE}.{kind}"
    else:
        field.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")


POOL = descriptor_pool.DescriptorPool()
POOL.Add(describe())


def message(name: str) -> Any:
    """The class of a message by its name in the package."""
    return message_factory.GetMessageClass(POOL.FindMessageTypeByName(f"{PACKAGE}.{name}"))


InferParameter = message("InferParameter")
ModelInferRequest = message("ModelInferRequest")
ModelInferResponse = message("ModelInferResponse")
