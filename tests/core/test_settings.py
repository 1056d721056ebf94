"""Where an option's value comes from, and what is said of values that are wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.configuration import FIELDS, LEAST_CTX, help_texts, load_settings
from core.errors import SpecdecError
from core.models.memory import MIN_N_CTX
from core.protocol import Sampling
from core.settings import absent, config_path, source_of


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """No variable of the machine counts; returns a writer of the configuration file."""
    for name in os.environ:
        if name.startswith("SPECDEC_"):
            monkeypatch.delenv(name)
    path = tmp_path / "config.toml"
    monkeypatch.setenv("SPECDEC_CONFIG", str(path))

    def write(text: str) -> Path:
        path.write_text(text, encoding="utf-8")
        return path

    return write


def refused(flags: dict[str, Any] | None = None) -> str:
    with pytest.raises(SpecdecError) as caught:
        load_settings(flags)
    assert caught.value.kind == "settings"
    assert "\n" not in caught.value.message
    return caught.value.message


def test_defaults_hold_where_nothing_is_set() -> None:
    settings = load_settings()
    assert (settings.target, settings.draft, settings.draft_len) == ("", "auto", "auto")
    assert settings.temperature == 0.7


def test_every_option_says_what_it_is() -> None:
    assert set(help_texts()) == set(FIELDS)
    assert all(help_texts().values())


def test_flags_win_over_environment_over_file_over_defaults(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config("top_k = 1\nseed = 1\nctx = 300\n")
    monkeypatch.setenv("SPECDEC_TOP_K", "2")
    monkeypatch.setenv("SPECDEC_SEED", "2")
    settings = load_settings({"top_k": "3", "min_p": None})
    assert (settings.top_k, settings.seed, settings.ctx, settings.min_p) == (3, 2, 300, 0.05)


def test_an_empty_variable_counts_as_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECDEC_SEED", "")
    assert load_settings().seed is None


def test_draft_len_is_auto_or_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings({"draft_len": "7"}).draft_len == 7
    assert load_settings({"draft_len": "auto"}).draft_len == "auto"
    expected = "--draft-len: '65' is not right; give auto or 0 to 64."
    assert refused({"draft_len": "65"}) == expected
    monkeypatch.setenv("SPECDEC_DRAFT_LEN", "many")
    assert refused() == "SPECDEC_DRAFT_LEN: 'many' is not right; give auto or 0 to 64."


def test_folders_are_a_list_in_the_file_and_a_path_in_the_environment(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config('models_dirs = ["/a", "/b c"]\n')
    assert load_settings().models_dirs == [Path("/a"), Path("/b c")]
    monkeypatch.setenv("SPECDEC_MODELS_DIRS", os.pathsep.join(["/d", "/e"]))
    assert load_settings().models_dirs == [Path("/d"), Path("/e")]
    assert load_settings({"models_dirs": ["/f"]}).models_dirs == [Path("/f")]


def test_wrong_values_name_where_they_stand(config: Callable[[str], Path]) -> None:
    path = config("temperature = 11\n")
    message = refused()
    assert message.startswith(f"{path}: temperature: 11 is not right; ")
    assert refused({"temperature": "-1"}).startswith("--temperature: '-1' is not right; ")
    assert refused({"cache_type_k": "q9", "temperature": 1}) == (
        "--cache-type-k: 'q9' is not right; "
        "give one of f32, f16, bf16, q8_0, q5_1, q5_0, q4_1, q4_0."
    )


@pytest.mark.parametrize(
    ("line", "right"),
    [
        ('demo = "perhaps"', "'perhaps' is not right; give true or false."),
        ("system = 3", "3 is not right; give text in quotes."),
        ("models_dirs = 3", "3 is not right; give a list of folders."),
        ("top_k = []", "[] is not right; give a whole number from 0 up."),
        ("theme = {}", "{} is not right; give text in quotes."),
    ],
)
def test_of_a_wrong_kind_of_value_the_right_one_is_said(
    config: Callable[[str], Path], line: str, right: str
) -> None:
    path = config(f"{line}\n")
    assert refused() == f"{path}: {line.split(maxsplit=1)[0]}: {right}"


def test_a_long_value_is_cut_and_on_one_line(config: Callable[[str], Path]) -> None:
    config('seed = "' + "x" * 5000 + '\\u001b[2J\\n"')
    message = refused()
    assert len(message) < 400 and message.isprintable()


def test_unknown_names_are_refused_with_a_guess(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config("temprature = 1\n")
    assert refused() == (f"{path}: temprature: there is no such setting; did you mean temperature?")
    config('[key]\nnew_chat = "f7"\n')
    assert refused() == f"{path}: key: there is no such setting; did you mean keys?"
    monkeypatch.setenv("SPECDEC_TARGT", "x")
    assert refused() == "SPECDEC_TARGT: there is no such setting; did you mean SPECDEC_TARGET?"
    monkeypatch.delenv("SPECDEC_TARGT")
    for name, hint in (
        ("SPECDEC_Demo", "did you mean SPECDEC_DEMO?"),
        ("SPECDEC_", "take it out."),
    ):
        monkeypatch.setenv(name, "1")
        assert refused() == f"{name}: there is no such setting; {hint}"
        monkeypatch.delenv(name)


def test_tables_of_others_are_no_settings(config: Callable[[str], Path]) -> None:
    config('top_k = 3\n[keys]\nnew_chat = "f7"\n')
    assert load_settings().top_k == 3
    config("keys = 3\n")
    assert load_settings().top_k == 40


def test_a_broken_file_is_named(config: Callable[[str], Path]) -> None:
    path = config("temperature = = 1\n")
    assert refused().startswith(f"{path}: not valid TOML: ")
    path.write_bytes(b"\xff\xfe")
    assert refused() == f"{path}: this is no UTF-8 text; save it as UTF-8."
    path.unlink()
    path.symlink_to(path)
    assert re.fullmatch(
        rf"{path}: cannot be read \(too many levels .*\); see to that file\.", refused()
    )


def test_a_folder_in_place_of_the_file_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPECDEC_CONFIG", "/")
    assert refused() == "/: this is a folder; put a file in its place."


def test_the_file_lies_in_the_config_folder_of_the_user(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("SPECDEC_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path() == tmp_path / "specdec-tui/config.toml"


def test_options_reach_the_models_and_the_sampler() -> None:
    settings = load_settings(
        {"ctx": 512, "draft_ctx": 256, "threads": 2, "draft_threads": 1, "top_k": 5, "seed": 3}
    )
    assert (settings.target_options().n_ctx, settings.target_options().n_threads) == (512, 2)
    draft = settings.draft_choice("model", "x.gguf")
    assert (draft.kind, draft.path) == ("model", "x.gguf")
    assert (draft.options.n_ctx, draft.options.n_threads) == (256, 1)
    assert (settings.sampling().top_k, settings.sampling().seed) == (5, 3)


def test_penalties_reach_the_sampler_and_are_bounded(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load_settings().sampling() == Sampling()
    config("repeat_penalty = 1.2\nrepeat_last_n = 7\n")
    monkeypatch.setenv("SPECDEC_PRESENCE_PENALTY", "0.5")
    sampling = load_settings({"frequency_penalty": "-0.25"}).sampling()
    assert (sampling.repeat_penalty, sampling.repeat_last_n) == (1.2, 7)
    assert (sampling.presence_penalty, sampling.frequency_penalty) == (0.5, -0.25)
    assert refused({"repeat_penalty": "0"}).startswith("--repeat-penalty: '0' is not right; ")
    assert refused({"repeat_last_n": "-1"}).startswith("--repeat-last-n: '-1' is not right; ")
    for wrong in ("11", "nan", "inf"):
        assert refused({"presence_penalty": wrong}).startswith("--presence-penalty: ")


def test_a_value_says_where_it_comes_from(
    config: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    config("top_k = 1\ntop_p = 0.5\nmin_p = 0.5\n")
    monkeypatch.setenv("SPECDEC_TOP_P", "0.6")
    monkeypatch.setenv("SPECDEC_MIN_P", "0.6")
    settings = load_settings({"min_p": "0.7", "seed": None})
    sources = [source_of(settings, name) for name in ("min_p", "top_p", "top_k", "seed")]
    assert sources == ["command line", "environment", "file", "default"]
    copied = replace(settings, seed=3)
    assert source_of(copied, "min_p") == "command line"


def test_a_context_smaller_than_the_engine_has_is_refused() -> None:
    assert LEAST_CTX == MIN_N_CTX
    assert load_settings({"ctx": "0", "draft_ctx": "256"}).draft_ctx == 256
    assert refused({"draft_ctx": "255"}) == (
        "--draft-ctx: '255' is not right; give 0 or a whole number from 256 up."
    )


def test_folders_that_are_not_there_are_named(
    config: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = config(f'models_dirs = ["{tmp_path}", "/nowhere"]\n')
    assert absent(load_settings()) == [
        f"{path}: models_dirs: there is no folder /nowhere; it is left out."
    ]
    monkeypatch.setenv("SPECDEC_CONFIG", "/no/file.toml")
    assert absent(load_settings()) == [
        "SPECDEC_CONFIG: there is no file /no/file.toml; nothing is set by it."
    ]


@pytest.mark.parametrize(
    ("flag", "wrong", "right"),
    [
        ("temperature", "-1", "a number from 0 to 10"),
        ("temperature", "nan", "a number from 0 to 10"),
        ("temperature", "hot", "a number from 0 to 10"),
        ("top_p", "0", "a number above 0, at most 1"),
        ("seed", "1.5", "a whole number from 0 up"),
        ("n_gpu_layers", "all", "a whole number"),
    ],
)
def test_of_a_wrong_number_the_range_is_said(flag: str, wrong: str, right: str) -> None:
    name = flag.replace("_", "-")
    assert refused({flag: wrong}) == f"--{name}: '{wrong}' is not right; give {right}."
