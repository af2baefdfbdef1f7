"""What anybody may ask: whose server this is."""

from __future__ import annotations

from tests.integration.sync_server.conftest import Client


async def test_a_stranger_is_told_the_house_and_nothing_else(client: Client) -> None:
    async with client.get("/v1/about") as response:
        assert response.status == 200
        told = await response.json()
    assert told == {
        "program": "boxgate",
        "proto": 1,
        "venue": "seaview",
        "names": {"en": "Seaview Grand Theatre", "zh": "海韵大剧院"},
    }
