"""What the log keeps is counted: labels over HTTP, predictions by whoever asks."""

import json
import urllib.request

BODY = {"labels": [{"id": "a", "value": 1}, {"id": "b", "value": 0}]}


def post(url, body):
    """The answer to a JSON body."""
    request = urllib.request.Request(url, json.dumps(body).encode())  # noqa: S310 - our own server
    with urllib.request.urlopen(request) as answer:  # noqa: S310
        return json.loads(answer.read())


def kept(server):
    """Records counted by kind."""
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:  # noqa: S310
        lines = answer.read().decode().splitlines()
    name = "slipway_prediction_log_records_total"
    counted = [line for line in lines if line.startswith(name)]
    return {line.split('"')[1]: float(line.split()[-1]) for line in counted}


def test_labels_are_counted_once_they_are_kept(launch, platform, tmp_path):
    """By their number, not by requests; a kind that did not come yet is 0, not absent."""
    server = launch(platform.address, log={"url": str(tmp_path)})
    before = kept(server)

    assert post(f"{server.url}/v2/feedback", BODY) == {"accepted": 2}

    assert before == {"prediction": 0.0, "label": 0.0}
    assert kept(server) == {"prediction": 0.0, "label": 2.0}
