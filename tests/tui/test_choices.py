"""Which target and drafts are offered."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.configuration import load_settings
from core.demo import DRAFT_PATH, TARGET_PATH
from core.errors import SpecdecError
from tui.choices import (
    LOOKUP,
    NONE,
    DraftOption,
    Offer,
    chosen_offer,
    first_offer,
    with_drafts_found,
)


def test_with_nothing_configured_the_bundled_pair_is_offered() -> None:
    offer = first_offer(load_settings())
    assert offer.target == str(TARGET_PATH)
    assert [draft.name for draft in offer.drafts] == ["none", "prompt lookup", "demo-draft"]
    assert offer.initial.path == str(DRAFT_PATH)


def test_demo_goes_with_the_draft_that_is_named_beside_it_and_with_no_configured_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    named = first_offer(load_settings({"demo": True, "draft": "/d.gguf"}))
    assert (named.target, named.initial.path) == (str(TARGET_PATH), "/d.gguf")
    monkeypatch.setenv("SPECDEC_DRAFT", "/d.gguf")
    assert first_offer(load_settings({"demo": True})).initial.path == str(DRAFT_PATH)


@pytest.mark.parametrize(("draft", "initial"), [("lookup", LOOKUP), ("none", NONE)])
def test_the_bundled_draft_stays_on_offer_beside_another_choice(
    draft: str, initial: DraftOption
) -> None:
    offer = first_offer(load_settings({"draft": draft}))
    assert offer.initial == initial
    assert str(DRAFT_PATH) in [option.path for option in offer.drafts]


def test_a_target_of_ones_own_comes_without_a_draft_unless_one_is_named(models: Path) -> None:
    target = str(models / "target.gguf")
    assert chosen_offer(load_settings({"target": target})).initial == NONE
    named = load_settings({"target": target, "draft": str(models / "draft.gguf")})
    assert chosen_offer(named).initial.path == str(models / "draft.gguf")


def test_drafts_beside_the_target_are_found_and_those_that_do_not_fit_explained(
    models: Path,
) -> None:
    settings = load_settings({"target": str(models / "target.gguf")})
    offer = with_drafts_found(chosen_offer(settings), settings)
    assert [draft.name for draft in offer.drafts] == ["none", "prompt lookup", "draft", "other"]
    assert [bool(draft.reason) for draft in offer.drafts] == [False, False, False, True]


def test_what_cannot_be_used_is_refused_in_words(models: Path) -> None:
    with pytest.raises(SpecdecError, match="nowhere"):
        chosen_offer(load_settings({"target": "/nowhere.gguf"}))
    with pytest.raises(SpecdecError, match="cannot draft"):
        chosen_offer(
            load_settings(
                {"target": str(models / "target.gguf"), "draft": str(models / "other.gguf")}
            )
        )


def test_the_next_draft_skips_what_does_not_fit() -> None:
    odd = DraftOption("model", "odd", "/odd.gguf", "token 3 differs")
    offer = Offer("/t.gguf", (NONE, odd, LOOKUP), NONE)
    assert offer.next_after(NONE.key) == LOOKUP
    assert offer.next_after(LOOKUP.key) == NONE
    assert offer.next_after("unknown") == NONE


def test_a_hostile_file_name_is_one_clean_line() -> None:
    hostile = "/m/evil\x1b[31m\nname\u202e.gguf"
    name = first_offer(load_settings({"target": "x.gguf", "draft": hostile})).initial.name
    assert name.isprintable() and name.startswith("evil")
