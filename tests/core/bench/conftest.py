"""A tiny synthetic pair, written once: dialled to 0.9 in easy and 0.3 in hard text."""

from __future__ import annotations

import pytest

from core.bench.synthetic import Pair, write_pair
from core.protocol import DraftChoice, Load, ModelOptions

EASY, HARD = 0.9, 0.3


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("synthetic"), "tiny", (EASY, HARD))


@pytest.fixture(scope="session")
def load(pair: Pair) -> Load:
    options = ModelOptions(n_threads=1)
    draft = DraftChoice(kind="model", path=str(pair.draft), options=options)
    return Load(target=str(pair.target), options=options, draft=draft)
