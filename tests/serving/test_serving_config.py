"""The server's configuration file."""

import json

import pytest

from serving.config import Config, ConfigError, Limits, load

LEAST = {
    "port": 9000,
    "tracking_url": "http://127.0.0.1:5000",
    "registry": "127.0.0.1:5001",
    "model": "flight-delays",
    "cache_dir": "cache",
}


def test_the_least_configuration_gets_the_defaults(tmp_path):
    """What need not be said has a default, and only this machine is bound."""
    path = tmp_path / "serving.json"
    path.write_text(json.dumps(LEAST))
    expected = Config(
        **LEAST,
        host="127.0.0.1",
        poll_seconds=1.0,
        workers=1,
        limits=Limits(max_body_bytes=8 * 1024 * 1024, max_rows=10_000),
    )
    assert load(path) == expected


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"prot": 1}, "unknown field `prot`"),
        ({"port": 0}, "Expected `int` >= 1 - at `$.port`"),
        ({"port": "9000"}, "Expected `int`, got `str` - at `$.port`"),
        ({"port": 65536}, "at `$.port`"),
        ({"workers": 0}, "at `$.workers`"),
        ({"poll_seconds": 0}, "at `$.poll_seconds`"),
        ({"tracking_url": "127.0.0.1:5000"}, "at `$.tracking_url`"),
        ({"registry": "http://127.0.0.1:5001"}, "at `$.registry`"),
        ({"model": "a/b"}, "at `$.model`"),
        ({"limits": {"max_rows": 0}}, "at `$.limits.max_rows`"),
        ({"limits": {"rows": 1}}, "unknown field `rows` - at `$.limits`"),
    ],
)
def test_a_wrong_field_is_named(tmp_path, change, complaint):
    """An unknown or wrong field is named with its rule, and the file with it."""
    path = tmp_path / "serving.json"
    path.write_text(json.dumps(LEAST | change))
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert complaint in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"port": "\xff"}'])
def test_a_file_that_is_no_configuration_is_refused(tmp_path, content):
    """What is not a JSON object is refused with the file's name."""
    path = tmp_path / "serving.json"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"serving\.json"):
        load(path)


def test_a_missing_file_is_named(tmp_path):
    """A file that is not there is named with the reason."""
    path = tmp_path / "serving.json"
    with pytest.raises(ConfigError) as caught:
        load(path)
    assert str(caught.value) == f"{path}: cannot be read: No such file or directory"
