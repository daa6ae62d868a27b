"""Taking a port, and saying why not."""

from __future__ import annotations

import pytest

from aggregator.settings import Settings
from web.server import PortTaken, listen
from web.serving import serve


def test_a_free_port_is_taken_and_a_taken_one_is_explained() -> None:
    first = listen("127.0.0.1", 0)
    port = first.getsockname()[1]

    with pytest.raises(PortTaken, match=f"port {port} on 127.0.0.1 is in use") as refused:
        listen("127.0.0.1", port)

    assert "--port" in str(refused.value)
    first.close()


def test_an_address_that_is_not_ours_is_explained() -> None:
    with pytest.raises(PortTaken, match=r"192\.0\.2\.1:8000 cannot be listened on"):
        listen("192.0.2.1", 8000)
    with pytest.raises(PortTaken, match="cannot be listened on"):
        listen("no such host", 8000)


def test_serving_on_a_taken_port_is_one_sentence_and_code_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    first = listen("127.0.0.1", 0)
    settings = Settings(host="127.0.0.1", port=first.getsockname()[1])

    code = serve(settings, demonstration=False)

    said = capsys.readouterr().err
    assert code == 1
    assert said.startswith("aggregator: port ")
    assert said.count("\n") == 1
    first.close()
