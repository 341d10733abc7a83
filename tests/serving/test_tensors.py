"""Request tensors, held to a signature."""

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from msgspec import UNSET

from serving.errors import RequestError
from serving.protocol.datatypes import BY_NAME, BY_ONNX
from serving.protocol.messages import InputTensor
from serving.protocol.tensors import TensorReader, read_inputs


def reader(datatype="INT64", shape=(-1, 2), name="x"):
    """Reads one input of two columns, unless said otherwise."""
    return TensorReader(name, BY_NAME[datatype], tuple(shape))


def tensor(data, shape=(1, 2), datatype="INT64", name="x"):
    """One input of a request."""
    return InputTensor(name, list(shape), datatype, data)


def json_of(value):
    """A value after its way through JSON."""
    return msgspec.json.decode(msgspec.json.encode(value))


def array(reader, given):
    """The input as the array that is scored."""
    with np.errstate(over="raise"):
        return reader.array(reader.values(given), given.shape)


def test_every_datatype_of_the_table_is_unique():
    """No two datatypes share a name of the protocol or of onnxruntime."""
    assert len(BY_NAME) == len(BY_ONNX) == 13


@pytest.mark.parametrize(
    "name", ["BOOL", "INT8", "INT64", "UINT8", "UINT64", "FP16", "FP32", "FP64", "BYTES"]
)
def test_flat_and_nested_data_are_the_same(name, samples):
    """Row-major data may come flat or nested as its shape says."""
    values = samples[name]
    flat = array(reader(name), tensor(values, datatype=name))
    nested = array(reader(name), tensor([values], datatype=name))
    assert flat.dtype == nested.dtype == BY_NAME[name].numpy
    assert flat.tolist() == nested.tolist() == [values]


def test_null_is_a_missing_number():
    """A null in a floating-point input is NaN."""
    read = array(reader("FP32"), tensor([None, 1], datatype="FP32"))
    np.testing.assert_array_equal(read, np.array([[np.nan, 1.0]], dtype=np.float32))


@pytest.mark.parametrize(
    ("given_tensor", "complaint"),
    [
        (tensor([1, 2], datatype="FP32"), "input 'x' is INT64 here, the request says 'FP32'"),
        (tensor([1, 2], shape=[2]), "has the shape [-1, 2] here (-1: any)"),
        (tensor([1, 2], shape=[2, 1]), "the request says [2, 1]"),
        (tensor([1], shape=[1, 2]), "says the shape [1, 2], its data has 1 elements"),
        (tensor([[1, 2], [3, 4]], shape=[1, 2]), "its data has 4 elements"),
        (tensor([[1], [2]], shape=[1, 2]), "its nested data has rows of other lengths"),
        (tensor([[1, 2], [3]], shape=[2, 2]), "rows of other lengths"),
        (tensor([1, 2.5]), "element 1 is a number that is no integer in range, not an integer"),
        (tensor([1, "2"]), "element 1 is a string, not an integer"),
        (tensor([1, True]), "element 1 is a truth value, not an integer"),
        (tensor([1, None]), "element 1 is null, not an integer"),
        (tensor([1, 2**63]), "a value beyond INT64"),
        (tensor([[[1, 2]]]), "its nested data has rows of other lengths"),
        (tensor([1, [2]]), "element 1 is a list, not an integer"),
        (tensor([1, {"a": 1}]), "element 1 is an object, not an integer"),
        (tensor(b"\0" * 15), "data of input 'x': 15 bytes, where its shape takes 2 times 8"),
    ],
)
def test_unfit_data_is_refused_with_its_reason(given_tensor, complaint):
    """Wrong datatype, shape, type or range is a 422 that names the input and what is wrong."""
    with pytest.raises(RequestError) as caught:
        array(reader(), given_tensor)
    assert caught.value.status == 422
    assert complaint in str(caught.value)


@pytest.mark.parametrize(
    ("datatype", "value"),
    [
        ("INT8", 128),
        ("INT8", -129),
        ("UINT8", -1),
        ("UINT64", -1),
        ("UINT64", 2**64),
        ("INT32", 2**31),
        ("FP16", 65536),
        ("FP32", 1e39),
        ("BOOL", 1),
        ("BYTES", 1),
        ("BYTES", None),
    ],
)
def test_no_value_is_bent_to_its_datatype(datatype, value):
    """A value that the datatype cannot hold is refused, not wrapped, cut or made infinite."""
    with pytest.raises(RequestError) as caught:
        array(reader(datatype, (-1,)), tensor([value], shape=[1], datatype=datatype))
    assert caught.value.status == 422


@given(
    arrays.arrays(
        st.sampled_from([np.int8, np.uint64, np.int64, np.float32, np.float64, np.bool_]),
        arrays.array_shapes(max_dims=4, max_side=4),
    ),
    st.booleans(),
)
def test_what_is_written_is_read_back(given_array, raw):
    """Any array survives the way through JSON, NaN as null, and through its own bytes."""
    datatype = next(entry for entry in BY_NAME.values() if entry.numpy == given_array.dtype)
    finite = np.where(np.isinf(given_array), np.zeros_like(given_array), given_array)
    data = finite.tobytes() if raw else json_of(finite.ravel().tolist())
    any_shape = reader(datatype.name, [-1] * finite.ndim)
    back = array(any_shape, tensor(data, finite.shape, datatype.name))
    np.testing.assert_array_equal(back, finite)


def test_data_that_is_no_array_is_malformed():
    """Missing data and data of another kind are a 400 that names the input."""
    for data, complaint in [({"a": 1}, "is an object, not an array"), (UNSET, "has no data")]:
        with pytest.raises(RequestError, match=complaint) as caught:
            reader().values(tensor(data))
        assert caught.value.status == 400


def test_inputs_are_each_the_models_and_each_once():
    """An unknown, repeated or missing input is named."""
    readers = {"a": reader(name="a"), "b": reader(name="b")}
    cases = {
        "unknown input 'c'; the model has ['a', 'b']": ["a", "c"],
        "input 'a' is given twice": ["a", "a"],
        "missing inputs: ['b']": ["a"],
    }
    for complaint, names in cases.items():
        with pytest.raises(RequestError) as caught:
            read_inputs([tensor([1, 2], name=name) for name in names], readers)
        assert (caught.value.status, str(caught.value)) == (422, complaint)


def test_unequal_rows_are_refused():
    """Inputs with free rows must share them: onnxruntime would broadcast one against many."""
    readers = {"a": reader(name="a"), "b": reader(name="b"), "c": reader(shape=(1, 2), name="c")}

    def rows(a, b):
        made = [
            tensor([0, 0] * count, [count, 2], name=name)
            for name, count in zip("ab", (a, b), strict=True)
        ]
        return read_inputs([*made, tensor([0, 0], name="c")], readers)[2]

    assert rows(2, 2) == 2
    assert read_inputs([tensor([0, 0], name="c")], {"c": readers["c"]})[2] == 1
    with pytest.raises(RequestError, match="as many rows; 'b' has 2, others 1"):
        rows(1, 2)
