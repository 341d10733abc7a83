"""The descriptions of the gRPC messages are the published ones."""

import pytest
from google.protobuf import descriptor_pb2

from serving.grpc import contents
from serving.grpc.messages import FILE, METHODS, message


@pytest.fixture(scope="module")
def published():
    """The description that a published client carries."""
    pb2 = pytest.importorskip("tritonclient.grpc.service_pb2")
    file = descriptor_pb2.FileDescriptorProto()
    pb2.DESCRIPTOR.CopyToProto(file)
    return file


def fields_of(message):
    """All that is said of a message's fields, by name, and of the messages within."""
    fields = {
        field.name: (field.number, field.label, field.type, field.type_name, field.oneof_index)
        for field in message.field
    }
    inner = {nested.name: fields_of(nested) for nested in message.nested_type}
    oneofs = [oneof.name for oneof in message.oneof_decl]
    return fields, inner, oneofs, message.options.map_entry


def test_every_message_is_the_published_one(published):
    """Names, numbers, labels, types and nesting of all messages are those of others."""
    theirs = {message.name: fields_of(message) for message in published.message_type}
    ours = {message.name: fields_of(message) for message in FILE.message_type}
    assert len(ours) == 14
    assert ours == {name: theirs[name] for name in ours}


def test_every_method_is_the_published_one(published):
    """The service's name and its methods' messages are those of others."""
    service = published.service[0]
    theirs = {method.name: (method.input_type, method.output_type) for method in service.method}
    ours = FILE.service[0]
    assert (published.package, service.name) == (FILE.package, ours.name)
    assert [method.name for method in ours.method] == list(METHODS)
    for method in ours.method:
        assert (method.input_type, method.output_type) == theirs[method.name]


def test_each_datatype_is_in_the_published_field(samples):
    """Typed contents are where the protocol's own text says; 16-bit numbers have no field."""
    fields = {
        "bool_contents": {"BOOL"},
        "int_contents": {"INT8", "INT16", "INT32"},
        "int64_contents": {"INT64"},
        "uint_contents": {"UINT8", "UINT16", "UINT32"},
        "uint64_contents": {"UINT64"},
        "fp32_contents": {"FP32"},
        "fp64_contents": {"FP64"},
        "bytes_contents": {"BYTES"},
    }
    found = {}
    for datatype in samples.keys() - {"FP16"}:
        message_of = message("InferTensorContents")()
        contents.write(datatype, samples[datatype], message_of)
        (field,) = [field.name for field, _ in message_of.ListFields()]
        found.setdefault(field, set()).add(datatype)
    assert found == fields
    assert not contents.has_field("FP16")
