"""Tensor data as plain bytes."""

import contextlib
import math
import struct

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from serving.protocol.datatypes import BY_NAME
from serving.protocol.raw import read_raw, read_values, write_raw

# The first text draws on a table of all characters, which may have to be made.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
NUMBERS = [datatype for name, datatype in BY_NAME.items() if name != "BYTES"]
TEXTS = arrays.arrays(
    np.object_, arrays.array_shapes(max_side=4), elements=st.text(max_size=5), fill=st.nothing()
)


@st.composite
def tensors(draw):
    """A datatype and an array of it."""
    if draw(st.booleans()):
        return BY_NAME["BYTES"], draw(TEXTS)
    datatype = draw(st.sampled_from(NUMBERS))
    return datatype, draw(arrays.arrays(datatype.numpy, arrays.array_shapes(max_side=4)))


@PATIENT
@given(tensors(), st.integers(0, 7))
def test_what_is_written_is_read_back_from_any_place(tensor, offset):
    """Any array survives the way through bytes, NaN and infinities too, wherever they begin."""
    datatype, array = tensor
    body = bytes(offset) + write_raw(datatype, array)
    back = read_raw(datatype, array.shape, memoryview(body)[offset:])
    assert back.dtype == datatype.numpy
    assert back.flags.aligned
    np.testing.assert_array_equal(back, array)
    values = read_values(datatype, array.size, memoryview(body)[offset:])
    assert list(map(repr, values)) == list(map(repr, array.ravel().tolist()))


@pytest.mark.parametrize("datatype", NUMBERS, ids=lambda datatype: datatype.name)
def test_numbers_are_little_endian_and_row_major(datatype):
    """The bytes are what numpy writes little-endian in C order, also of a transposed array."""
    array = np.array([[0, 1], [1, 0], [1, 1]], datatype.numpy)
    assert (
        write_raw(datatype, array.T)
        == array.T.copy().astype(array.dtype.newbyteorder("<")).tobytes()
    )


def test_a_text_stands_behind_its_length():
    """BYTES are a 4-byte little-endian length and UTF-8 each."""
    array = np.array(["", "é"], np.object_)
    assert write_raw(BY_NAME["BYTES"], array) == b"\0\0\0\0" + b"\2\0\0\0\xc3\xa9"


@pytest.mark.parametrize(
    ("name", "shape", "data", "complaint"),
    [
        ("FP32", [2], bytes(7), "7 bytes, where its shape takes 2 times 4"),
        ("FP32", [0, 3], bytes(4), "4 bytes, where its shape takes 0 times 4"),
        ("INT64", [2**62, 2**62], bytes(8), "times 8"),
        ("BOOL", [2], b"\1\2", "a truth value is the byte 0 or 1"),
        ("BYTES", [2**62], bytes(8), "8 bytes, where its shape takes"),
        ("BYTES", [2], struct.pack("<II", 5, 0), "text 0 ends beyond the data"),
        ("BYTES", [2], struct.pack("<I", 4) + bytes(4), "text 1 ends beyond the data"),
        ("BYTES", [1], struct.pack("<II", 0, 0), "4 bytes are left behind its 1 texts"),
        ("BYTES", [1], b"\1\0\0\0\xff", "text 0 is not UTF-8"),
    ],
)
def test_bytes_that_are_not_the_tensor_are_refused(name, shape, data, complaint):
    """Bytes that do not fill the shape, or are no such values, are refused with the reason."""
    with pytest.raises(ValueError, match=complaint):
        read_raw(BY_NAME[name], shape, data)
    with pytest.raises(ValueError, match=complaint):
        read_values(BY_NAME[name], math.prod(shape), data)


@PATIENT
@given(st.sampled_from(list(BY_NAME)), st.lists(st.integers(0, 5), max_size=3), st.binary())
def test_any_bytes_are_read_or_refused(name, shape, data):
    """Arbitrary bytes are the tensor of that shape, or refused, and nothing else is raised."""
    array = None
    with contextlib.suppress(ValueError):
        array = read_raw(BY_NAME[name], shape, data)
    if array is not None:
        assert array.shape == tuple(shape)
        assert write_raw(BY_NAME[name], array) == data
