"""Request tensors, held to a signature."""

import json

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving.datatypes import BY_NAME, BY_ONNX
from serving.errors import RequestError
from serving.protocol import InputTensor
from serving.tensors import TensorReader, read_inputs, rows_of, write_output


def reader(datatype="INT64", shape=(-1, 2), name="x"):
    """Reads one input of two columns, unless said otherwise."""
    return TensorReader(name, BY_NAME[datatype], tuple(shape))


def tensor(data, shape=(1, 2), datatype="INT64", name="x"):
    """One input of a request, from JSON or a Python value."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return InputTensor(name, list(shape), datatype, msgspec.Raw(raw))


def test_every_datatype_of_the_table_is_unique():
    """No two datatypes share a name of the protocol or of onnxruntime."""
    assert len(BY_NAME) == len(BY_ONNX) == 13


@pytest.mark.parametrize(
    "name", ["BOOL", "INT8", "INT64", "UINT8", "UINT64", "FP16", "FP32", "FP64", "BYTES"]
)
def test_flat_and_nested_data_are_the_same(name, samples):
    """Row-major data may come flat or nested as its shape says."""
    values = samples[name]
    flat = reader(name).read(tensor(values, datatype=name))
    nested = reader(name).read(tensor([values], datatype=name))
    assert flat.dtype == nested.dtype == BY_NAME[name].numpy
    assert flat.tolist() == nested.tolist() == [values]


def test_null_is_a_missing_number():
    """A null in a floating-point input is NaN."""
    read = reader("FP32").read(tensor([None, 1], datatype="FP32"))
    np.testing.assert_array_equal(read, np.array([[np.nan, 1.0]], dtype=np.float32))


@pytest.mark.parametrize(
    ("given_tensor", "complaint"),
    [
        (tensor([1, 2], datatype="FP32"), "input 'x' is INT64 here, the request says 'FP32'"),
        (tensor([1, 2], shape=[2]), "has the shape [-1, 2] here (-1: any)"),
        (tensor([1, 2], shape=[2, 1]), "the request says [2, 1]"),
        (tensor([1], shape=[1, 2]), "says the shape [1, 2], its data has [1]"),
        (tensor([[1, 2], [3, 4]], shape=[1, 2]), "its data has [2, 2]"),
        (tensor([[1], [2]], shape=[1, 2]), "its data has [2, 1]"),
        (tensor([[1, 2], [3]], shape=[2, 2]), "rows of unequal length"),
        (tensor([1, 2.5]), "Expected `int`, got `float` - at `$[1]`"),
        (tensor([1, "2"]), "Expected `int`, got `str` - at `$[1]`"),
        (tensor([1, True]), "Expected `int`, got `bool` - at `$[1]`"),
        (tensor([1, None]), "Expected `int`, got `null` - at `$[1]`"),
        (tensor([1, 2**63]), "a value beyond INT64"),
        (tensor({"a": 1}), "Expected `array`, got `object`"),
        (tensor([[[1, 2]]]), "Expected `int`, got `array`"),
    ],
)
def test_unfit_data_is_refused_with_its_reason(given_tensor, complaint):
    """Wrong datatype, shape, type or range is a 422 that names the input and what is wrong."""
    with pytest.raises(RequestError) as caught:
        reader().read(given_tensor)
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
    readers = {"x": reader(datatype, (-1,))}
    with pytest.raises(RequestError) as caught:
        read_inputs([tensor([value], shape=[1], datatype=datatype)], readers)
    assert caught.value.status == 422


@given(
    arrays.arrays(
        st.sampled_from([np.int8, np.uint64, np.int64, np.float32, np.float64, np.bool_]),
        arrays.array_shapes(max_dims=4, max_side=4),
    )
)
def test_what_is_written_is_read_back(array):
    """Any array survives the way through JSON and back, NaN as null."""
    datatype = next(entry for entry in BY_NAME.values() if entry.numpy == array.dtype)
    finite = np.where(np.isinf(array), np.zeros_like(array), array)
    written = msgspec.json.decode(msgspec.json.encode(write_output("x", datatype, finite)))
    back = reader(datatype.name, [-1] * array.ndim).read(
        tensor(written["data"], written["shape"], written["datatype"])
    )
    np.testing.assert_array_equal(back, finite)


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


def test_unequal_and_excessive_rows_are_refused():
    """Inputs must share their rows (onnxruntime would broadcast), one to the limit."""
    readers = {"a": reader(), "b": reader(), "fixed": reader(shape=(1, 2))}
    one, two, none = np.zeros((1, 2)), np.zeros((2, 2)), np.zeros((0, 2))
    assert rows_of({"a": two, "b": two, "fixed": one}, readers, 2) == 2
    assert rows_of({"fixed": one}, readers, 2) == 1
    for unfit in ({"a": one, "b": two}, {"a": none, "b": none}):
        with pytest.raises(RequestError):
            rows_of(unfit, readers, 2)
    with pytest.raises(RequestError, match="1 to 1 rows, this one has 2"):
        rows_of({"a": two, "b": two}, readers, 1)
