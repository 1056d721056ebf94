"""`python -m tui.picture`: what it is given is looked at before the app runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.picture import main


@pytest.mark.parametrize("place", ["", "no/folder.svg"])
def test_a_picture_without_a_place_is_refused_at_once(
    place: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main([str(tmp_path / place)])
    assert refused.value.code == 2 and "cannot be a file" in capsys.readouterr().err
