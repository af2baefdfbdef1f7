"""A small house for the tests: two areas of seats, one standing, all keys of the format in use."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ticketing.catalogue import Catalogue, parse_catalogue

NOW = datetime(2026, 11, 22, 10, 7, tzinfo=UTC)  # 18:07 on a Sunday in Shanghai


def text(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def row(label: str, first_unit: int, y: float, count: int) -> dict[str, Any]:
    seats = [{"label": str(at + 1), "x": at * 10, "y": y} for at in range(count)]
    return {"label": label, "first_unit": first_unit, "seats": seats}


def document() -> dict[str, Any]:
    """A fresh catalogue: stalls rows 1-3 (units 1-18), balcony row 1 (31-34), standing 101-105."""
    stalls = [row("1", 1, 0, 6), row("2", 7, 11, 6), row("3", 13, 22, 6)]
    stalls[0]["seats"][0]["attributes"] = ["aisle", "restricted_view"]
    stalls[2]["seats"][4]["attributes"] = ["companion"]
    stalls[2]["seats"][5]["attributes"] = ["wheelchair", "aisle"]
    return {
        "format": "boxgate-catalogue-1",
        "venue": {
            "id": "seaview",
            "name": text("海韵大剧院", "Seaview Grand Theatre"),
            "timezone": "Asia/Shanghai",
            "day_starts": "04:00",
            "currency": "CNY",
            "languages": ["zh", "en"],
        },
        "plans": [
            {
                "id": "hall",
                "name": text("歌剧厅", "Opera House"),
                "seat_pitch": 10,
                "stage": [[0, -60], [50, -60], [50, -40], [0, -40]],
                "areas": [
                    {
                        "id": "stalls",
                        "name": text("池座中", "Stalls Centre"),
                        "kind": "seated",
                        "gate": text("1 号门", "Gate 1"),
                        "label_at": [25, -10],
                        "rows": stalls,
                    },
                    {
                        "id": "balcony",
                        "name": text("二层", "Balcony"),
                        "kind": "seated",
                        "rows": [row("1", 31, 60, 4)],
                    },
                    {
                        "id": "standing",
                        "name": text("立席", "Standing"),
                        "kind": "standing",
                        "first_unit": 101,
                        "capacity": 5,
                        "shape": [[0, 80], [50, 80], [50, 90], [0, 90]],
                    },
                ],
            }
        ],
        "events": [event("swan-lake", 1)],
    }


def event(event_id: str, first_performance: int) -> dict[str, Any]:
    return {
        "id": event_id,
        "name": text("天鹅湖", "Swan Lake"),
        "plan": "hall",
        "price_tiers": [
            {
                "id": "a",
                "name": text("A 档", "Tier A"),
                "letter": "A",
                "places": [{"area": "stalls", "rows": ["1", "2"]}],
            },
            {
                "id": "b",
                "name": text("B 档", "Tier B"),
                "letter": "B",
                "colour_index": 3,
                "places": [{"units": [[13, 18]]}, {"area": "balcony"}, {"area": "standing"}],
            },
        ],
        "ticket_types": [
            {"number": 1, "id": "adult", "name": text("成人", "Adult")},
            {"number": 2, "id": "child", "name": text("儿童", "Child")},
        ],
        "price_list": {
            "version": 7,
            "prices_minor": {"a": {"adult": 58_000, "child": 29_000}, "b": {"adult": 38_000}},
            "exceptions": [
                {
                    "performances": [first_performance],
                    "prices_minor": {"a": {"adult": 50_000, "child": None}},
                }
            ],
        },
        "performances": [
            {"number": first_performance, "starts": "2026-11-28T19:30"},
            {
                "number": first_performance + 1,
                "starts": "+45m",
                "hall": text("小剧场", "Studio"),
                "doors_minutes": 30,
                "runs_minutes": 90,
                "on_sale": False,
            },
        ],
    }


def catalogue() -> Catalogue:
    return parse_catalogue(document(), source="house.json", now=NOW)
