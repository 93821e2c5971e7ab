"""What every test shares: an arena of its own, and the option that runs the slow ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says something of the machine and nothing of the law.
settings.register_profile("no clock", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("no clock")
pytest.register_assert_rewrite("tests.additions")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="also run the tests marked slow")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if (
        config.getoption("--slow")
        or "slow" in config.option.markexpr
        or os.environ.get("BANDITS_SLOW") == "1"
    ):
        return
    for item in items:
        if "slow" in item.keywords:
            item.add_marker(
                pytest.mark.skip(reason="slow: pytest -m slow runs them, BANDITS_SLOW=1 too")
            )


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A BANDITS_HOME of the test's own: no test can reach the arena of whoever runs it."""
    folder = tmp_path / "home"
    monkeypatch.setenv("BANDITS_HOME", str(folder))
    monkeypatch.setenv("NO_COLOR", "1")
    return folder
