"""A published client that knows nothing of this server works unchanged, in JSON mode."""

import numpy as np
import pytest

MODEL = "flight-delays"


@pytest.fixture(scope="module")
def triton():
    """The client's HTTP module."""
    return pytest.importorskip("tritonclient.http")


@pytest.fixture
def client(triton, launch, platform, make_delays, wait_until):
    """A client of a server with the small model."""
    platform.release("1", make_delays(0))
    server = launch(platform.address)
    wait_until(lambda: server.serves("1"), "version 1")
    client = triton.InferenceServerClient(server.url.removeprefix("http://"))
    yield client
    client.close()


def inputs_of(triton, columns):
    """The client's inputs from arrays by (name, datatype)."""
    inputs = []
    for (name, datatype), array in columns.items():
        tensor = triton.InferInput(name, array.shape, datatype)
        tensor.set_data_from_numpy(array, binary_data=False)
        inputs.append(tensor)
    return inputs


def test_health_and_metadata(client):
    """Health and metadata are what the client expects."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "1")
    assert not client.is_model_ready("other")
    assert client.get_server_metadata()["name"] == "slipway"
    metadata = client.get_model_metadata(MODEL)
    assert [entry["name"] for entry in metadata["inputs"]] == ["carrier", "hour", "distance"]


@pytest.mark.parametrize("named", [True, False])
def test_infer(triton, client, named):
    """Infer answers arrays, whether outputs are named or all are left to the server."""
    columns = {
        ("carrier", "BYTES"): np.array([["UA"], ["AA"]], dtype=np.object_),
        ("hour", "INT64"): np.array([[8], [9]], dtype=np.int64),
        ("distance", "FP32"): np.array([[0.25], [0.5]], dtype=np.float32),
    }
    wanted = [triton.InferRequestedOutput("probability", binary_data=False)] if named else None
    result = client.infer(MODEL, inputs_of(triton, columns), outputs=wanted, request_id="7")
    np.testing.assert_allclose(result.as_numpy("probability"), [[0.83], [0.59]], rtol=1e-6)
    assert result.get_response()["id"] == "7"


def test_the_servers_error_reaches_the_caller(triton, client):
    """A refused request is the client's own exception with the server's words."""
    columns = {("hour", "INT64"): np.array([[8]], dtype=np.int64)}
    with pytest.raises(triton.InferenceServerException, match="missing inputs"):
        client.infer(MODEL, inputs_of(triton, columns))
