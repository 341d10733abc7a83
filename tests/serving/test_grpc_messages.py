"""The descriptions of the gRPC messages are the published ones."""

import pytest
from google.protobuf import descriptor_pb2

from serving.rpc.messages import METHODS, describe


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
    ours = {message.name: fields_of(message) for message in describe().message_type}
    assert len(ours) == 14
    assert ours == {name: theirs[name] for name in ours}


def test_every_method_is_the_published_one(published):
    """The service's name and its methods' messages are those of others."""
    service = published.service[0]
    theirs = {method.name: (method.input_type, method.output_type) for method in service.method}
    ours = describe().service[0]
    assert (published.package, service.name) == (describe().package, ours.name)
    assert [method.name for method in ours.method] == list(METHODS)
    for method in ours.method:
        assert (method.input_type, method.output_type) == theirs[method.name]
