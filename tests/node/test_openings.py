"""Services speak with each other by their Services."""

import pytest

pytestmark = [pytest.mark.node]


def test_prometheus_scrapes_every_target(on_node, until) -> None:
    """Each service whose image is here is up, and what is down is just what is missing."""
    on_node.needs("prometheus")
    with on_node.client("prometheus") as client:

        def wrong() -> dict[str, str]:
            targets = client.get("/api/v1/targets").json()["data"]["activeTargets"]
            assert targets
            return {
                target["scrapePool"]: target["lastError"]
                for target in targets
                if target["health"] != "up" and target["scrapePool"] not in on_node.missing
            }

        until(wrong, 90)


def test_prometheus_knows_its_alertmanager(on_node, until) -> None:
    """Alerts have somewhere to go."""
    on_node.needs("prometheus", "alertmanager")
    with on_node.client("prometheus") as client:
        path = "/api/v1/alertmanagers"

        until(lambda: not client.get(path).json()["data"]["activeAlertmanagers"], 60)


def test_what_tracking_is_given_lies_in_the_object_store(on_node) -> None:
    """An artifact given to MLflow is an object of its bucket."""
    on_node.needs("tracking", "object-store")
    with on_node.client("tracking") as client, on_node.s3() as s3:
        path = "/api/2.0/mlflow-artifacts/artifacts/of-a-test/note.txt"
        client.put(path, content=b"kept").raise_for_status()

        found = s3.get_object(Bucket="mlflow", Key="of-a-test/note.txt")

        assert found["Body"].read() == b"kept"
