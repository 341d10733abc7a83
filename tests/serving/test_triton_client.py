"""A published client that knows nothing of this server works unchanged, over both transports."""

import numpy as np
import pytest

MODEL = "flight-delays"

http = pytest.importorskip("tritonclient.http")
grpc = pytest.importorskip("tritonclient.grpc")
utils = pytest.importorskip("tritonclient.utils")


@pytest.fixture(scope="module")
def servers(serve, make_delays, mirror_files):
    """Servers with the small model and with that of all datatypes."""
    return {"delays": serve(make_delays(0)), "mirror": serve(mirror_files)}


def client_of(module, server):
    """The module's client of a server."""
    address = server.url.removeprefix("http://")
    if module is grpc:
        address = f"127.0.0.1:{server.config['grpc_port']}"
    return module.InferenceServerClient(address)


@pytest.fixture(params=[http, grpc], ids=["http", "grpc"])
def module(request):
    """The client's module for a transport."""
    return request.param


@pytest.fixture
def client(module, servers):
    """A client of the server with the small model."""
    client = client_of(module, servers["delays"])
    yield client
    client.close()


@pytest.fixture
def mirror(module, servers):
    """A client of the server with the model of all datatypes."""
    client = client_of(module, servers["mirror"])
    yield client
    client.close()


def inputs_of(module, columns, **how):
    """The client's inputs from arrays by (name, datatype)."""
    inputs = []
    for (name, datatype), array in columns.items():
        tensor = module.InferInput(name, array.shape, datatype)
        tensor.set_data_from_numpy(array, **how)
        inputs.append(tensor)
    return inputs


COLUMNS = {
    ("carrier", "BYTES"): np.array([["UA"], ["AA"]], dtype=np.object_),
    ("hour", "INT64"): np.array([[8], [9]], dtype=np.int64),
    ("distance", "FP32"): np.array([[0.25], [0.5]], dtype=np.float32),
}


def test_health_and_metadata(client, module):
    """Health and metadata are what the client expects."""
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready(MODEL)
    assert client.is_model_ready(MODEL, "1")
    as_dict = {"as_json": True} if module is grpc else {}
    about = client.get_server_metadata(**as_dict)
    assert (about["name"], about["extensions"]) == ("slipway", ["binary_tensor_data"])
    metadata = client.get_model_metadata(MODEL, **as_dict)
    assert [entry["name"] for entry in metadata["inputs"]] == ["carrier", "hour", "distance"]


def test_an_unknown_model_is_not_ready(client, module):
    """What is not here is not ready, in the client's own way."""
    if module is http:
        assert not client.is_model_ready("other")
    else:
        with pytest.raises(utils.InferenceServerException, match="unknown model"):
            client.is_model_ready("other")


@pytest.mark.parametrize("named", [True, False])
def test_infer(client, module, named):
    """Infer answers arrays, whether outputs are named or all are left to the server."""
    wanted = [module.InferRequestedOutput("probability")] if named else None
    result = client.infer(MODEL, inputs_of(module, COLUMNS), outputs=wanted, request_id="7")
    np.testing.assert_allclose(result.as_numpy("probability"), [[0.83], [0.59]], rtol=1e-6)
    response = result.get_response()
    assert (response["id"] if module is http else response.id) == "7"


@pytest.mark.parametrize("algorithm", [None, "gzip", "deflate"])
def test_every_datatype_survives_the_way(mirror, module, samples, algorithm):
    """Arrays of all datatypes in one request come back as they went, compressed or not."""
    how = {}
    if algorithm and module is http:
        how = {
            "request_compression_algorithm": algorithm,
            "response_compression_algorithm": algorithm,
        }
    elif algorithm:
        how = {"compression_algorithm": algorithm}
    columns = {
        (f"in_{name}", name): np.array([values], utils.triton_to_np_dtype(name))
        for name, values in samples.items()
    }
    result = mirror.infer(MODEL, inputs_of(module, columns), **how)
    for (name, datatype), array in columns.items():
        found = result.as_numpy(f"out_{name.removeprefix('in_')}")
        if datatype == "BYTES":
            found = np.array([[text.decode() for text in row] for row in found], np.object_)
        assert found.dtype == array.dtype
        np.testing.assert_array_equal(found, array)


def test_infer_as_json(servers):
    """Without the binary extension the same is answered, in JSON."""
    client = client_of(http, servers["delays"])
    inputs = inputs_of(http, COLUMNS, binary_data=False)
    outputs = [http.InferRequestedOutput("probability", binary_data=False)]
    result = client.infer(MODEL, inputs, outputs=outputs)
    np.testing.assert_allclose(result.as_numpy("probability"), [[0.83], [0.59]], rtol=1e-6)
    client.close()


def test_the_servers_error_reaches_the_caller(client, module):
    """A refused request is the client's own exception with the server's words."""
    columns = {("hour", "INT64"): np.array([[8]], dtype=np.int64)}
    with pytest.raises(utils.InferenceServerException, match="missing inputs"):
        client.infer(MODEL, inputs_of(module, columns))
