"""Questions to the Hub: the real huggingface_hub session against a server on loopback."""

from __future__ import annotations

import json

import pytest

from core.errors import SpecdecError
from core.models.hub import FileChoice, RemoteFile, choices_of, choose_file, repository, search
from core.models.hub_connection import Hub
from core.models.hub_names import (
    checked_repo,
    is_model_file,
    is_safe_file,
    quantisation_in,
    split_request,
)
from core.models.quantisation import FILE_TYPES
from tests.support.downloads import message
from tests.support.fake_hub import FakeHub

REPO = "org/Qwen-7B-GGUF"
FILES = {
    "README.md": b"# words",
    "Qwen-7B-Q4_K_M.gguf": b"GGUF" + b"4" * 400,
    "Qwen-7B-Q8_0.gguf": b"GGUF" + b"8" * 800,
    "mmproj-Qwen-7B-F16.gguf": b"GGUF",
    "Qwen-7B-imatrix.gguf": b"GGUF",
    "BF16/Qwen-7B-BF16-00001-of-00002.gguf": b"GGUF" + b"a" * 900,
    "BF16/Qwen-7B-BF16-00002-of-00002.gguf": b"GGUF" + b"b" * 700,
}


@pytest.fixture(autouse=True)
def filled(server: FakeHub) -> None:
    server.add(REPO, dict(FILES), downloads=12)


# ------------------------------------------------------------------ searching


def test_a_search_names_repositories_and_their_models(server: FakeHub, hub: Hub) -> None:
    server.add("other/Qwen-1B-GGUF", {"m-Q8_0.gguf": b""}, downloads=99, gated=True)
    server.add("other/Qwen-safetensors", {"model.safetensors": b""})
    server.add("other/Llama-GGUF", {"m-Q8_0.gguf": b""})
    small, large = search("qwen", hub)
    assert (small.id, small.downloads, small.gated) == ("other/Qwen-1B-GGUF", 99, True)
    assert (large.id, large.downloads, large.gated) == (REPO, 12, False)
    assert [choice.quantisation for choice in large.choices] == ["BF16", "Q4_K_M", "Q8_0"]
    assert [choice.size_bytes for choice in large.choices] == [None, None, None]
    (asked,) = server.requests
    for part in ("search=qwen", "filter=gguf", "sort=downloads", "expand=gguf", "expand=siblings"):
        assert part in asked.path


def test_a_repository_tells_sizes_and_joins_split_files(server: FakeHub, hub: Hub) -> None:
    server.repos[REPO].gguf = {"total": 7_000, "architecture": "qwen2", "context_length": 4096}
    found = repository(REPO, hub)
    assert [(c.name, c.quantisation, c.size_bytes) for c in found.choices] == [
        ("Qwen-7B-Q4_K_M", "Q4_K_M", 404),
        ("Qwen-7B-Q8_0", "Q8_0", 804),
        ("BF16/Qwen-7B-BF16", "BF16", 904 + 704),
    ]
    assert [file.name[-9:-5] for file in found.choices[2].files] == ["0002", "0002"]
    assert (found.architecture, found.n_params, found.n_ctx_train) == ("qwen2", 7_000, 4096)
    assert (found.id, found.asked_for) == (REPO, "")


def test_a_renamed_repository_is_found_under_its_new_name(server: FakeHub, hub: Hub) -> None:
    server.add("old/Qwen-7B-GGUF", {}, renamed_to=REPO)
    found = repository("old/Qwen-7B-GGUF", hub)
    assert (found.id, found.asked_for) == (REPO, "old/Qwen-7B-GGUF")


def test_hostile_answers_offer_nothing_that_could_become_a_path(server: FakeHub, hub: Hub) -> None:
    server.repos[REPO].extra_siblings = (
        "../../evil.gguf",
        "/etc/evil.gguf",
        "a\\b.gguf",
        "C:evil.gguf",
        "x\u202efugg.gguf",
        "x\x1b[2J.gguf",
        "a//b.gguf",
        ".hidden.gguf",
        "nul.gguf",
        "x" * 300 + ".gguf",
    )
    assert {choice.quantisation for choice in repository(REPO, hub).choices} == {
        "Q4_K_M",
        "Q8_0",
        "BF16",
    }
    server.fail(path="/api/models/", body=json.dumps({"id": "../../x", "siblings": []}).encode())
    assert "in another form, as a Hub does not" in message(lambda: repository(REPO, hub))
    server.fail(path="/api/models?", body=json.dumps([{"id": "a/../b"}, 7, {"id": 3}]).encode())
    assert search("x", hub) == []


# ------------------------------------------------------------------ choosing


def test_a_choice_is_named_by_quantisation_file_or_part_of_it(hub: Hub) -> None:
    found = repository(REPO, hub)
    for wanted in ("q4_k_m", "Q4_K_M", "Qwen-7B-Q4_K_M.gguf", "qwen-7b-q4_k_m", "4_k"):
        assert choose_file(found, wanted).name == "Qwen-7B-Q4_K_M"
    assert choose_file(found).quantisation == "Q4_K_M"
    assert choose_file(found, "BF16").size_bytes == 904 + 704
    assert message(lambda: choose_file(found, "Q5_0\x1b")) == (
        f"There is no Q5_0\\x1b in {REPO}; say which: Q4_K_M, Q8_0, BF16."
    )
    assert message(lambda: choose_file(found, "qwen")) == (
        f"qwen fits several models of {REPO}; say which: Q4_K_M, Q8_0, BF16."
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a-Q2_K", "a-Q8_0", "a-Q5_K_M"], "a-Q8_0"),
        (["a-Q2_K", "a-F16"], "a-F16"),
        (["a-Q3_K_S"], "a-Q3_K_S"),
        (["a-Q4_K_S", "a-UD-Q4_K_XL", "a-Q2_K"], "a-Q4_K_S"),
    ],
)
def test_without_a_name_the_usual_quantisation_is_meant(
    server: FakeHub, hub: Hub, names: list[str], expected: str
) -> None:
    server.add("o/r", {f"{name}.gguf": b"" for name in names})
    assert choose_file(repository("o/r", hub)).name == expected


def test_models_of_one_quantisation_are_told_apart_by_name(server: FakeHub, hub: Hub) -> None:
    server.add("o/r", {"a-Q4_K_M.gguf": b"", "b-Q4_K_M.gguf": b"1"})
    found = repository("o/r", hub)
    assert message(lambda: choose_file(found)) == (
        "There are several models in o/r; say which: a-Q4_K_M, b-Q4_K_M."
    )
    assert choose_file(found, "b-Q4_K_M").name == "b-Q4_K_M"


def test_a_dynamic_quantisation_answers_to_its_plain_name(server: FakeHub, hub: Hub) -> None:
    server.add("o/r", {"a-UD-Q4_K_XL.gguf": b"", "a-Q4_K_M.gguf": b""})
    assert choose_file(repository("o/r", hub), "q4_k_xl").name == "a-UD-Q4_K_XL"


def test_a_model_that_lacks_a_part_there_is_not_chosen(server: FakeHub, hub: Hub) -> None:
    server.add("o/r", {"a-Q8_0-00002-of-00002.gguf": b"", "a-Q2_K.gguf": b""})
    found = repository("o/r", hub)
    assert choose_file(found).name == "a-Q2_K"
    assert "part 1 of 2 is missing there" in message(lambda: choose_file(found, "Q8_0"))


def test_a_repository_without_models_says_so(server: FakeHub, hub: Hub) -> None:
    server.add("o/r", {"model.safetensors": b"", "mmproj-F16.gguf": b""})
    assert message(lambda: repository("o/r", hub)).startswith("o/r holds no GGUF model")


# ------------------------------------------------------------------ names


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Qwen2.5-7B-Instruct-Q4_K_M.gguf", "Q4_K_M"),
        ("qwen2.5-7b-instruct-q5_k_s.gguf", "Q5_K_S"),
        ("model.i1-IQ3_XXS.gguf", "IQ3_XXS"),
        ("UD-Q4_K_XL/Qwen3-235B-UD-Q4_K_XL-00001-of-00003.gguf", "UD-Q4_K_XL"),
        ("Q8_0/model-00001-of-00002.gguf", "Q8_0"),
        ("gpt-oss-20b-mxfp4.gguf", "MXFP4"),
        ("gemma-3-1b-it-qat-q4_0.gguf", "Q4_0"),
        ("Meta-Llama-3.1-8B-Instruct-Q4_0_4_8.gguf", "Q4_0_4_8"),
        ("ggml-model-fp16.gguf", "F16"),
        ("Q-tensor7B.gguf", ""),
        ("model.gguf", ""),
    ],
)
def test_quantisations_are_read_from_names(name: str, expected: str) -> None:
    assert quantisation_in(name) == expected


def test_every_quantisation_that_files_declare_is_known_by_name() -> None:
    for name in FILE_TYPES.values():
        assert quantisation_in(f"model-7B-{name}.gguf") == name


def test_only_models_are_offered() -> None:
    assert is_model_file("a/b-Q4_K_M.gguf") and is_model_file("M.GGUF")
    assert is_model_file("M-Q4_K_M-imatrix.gguf")
    for name in ("mmproj-F16.gguf", "M.mmproj-f16.gguf", "imatrix.gguf", "a.txt", "mtp-M.gguf"):
        assert not is_model_file(name)


@pytest.mark.parametrize(
    "name",
    [
        *("", "..", "../x.gguf", "a/../x.gguf", "/x.gguf", "a//x", "a/", "a\\x", "C:x", "x.gguf."),
        *("x\0", "x\n", "a/ x", "x ", "x\u202e", "\udcff", "aux.gguf", "x" * 241, "y/" * 501 + "y"),
        *("a|b", "a*b", 'a"b', "a<b", "a?b", "./x"),
    ],
)
def test_names_that_are_no_paths(name: str) -> None:
    assert not is_safe_file(name)


def test_names_as_they_are_are_safe() -> None:
    assert is_safe_file("BF16/Qwen_Qwen3 0.6B (v2)-Q4_K_M-00001-of-00002.gguf")
    assert is_safe_file("模型-Q4_K_M.gguf")


@pytest.mark.parametrize(
    "text",
    [
        *("", "gpt2", "a/b/c", "../b", "a/..", "a/b--c", ".a/b", "a./b", "a/b.git", "a/b-"),
        *("a b/c", "a/b\n", "https://host/a/b", "a/" + "b" * 97, "a/é", "/a", "a/"),
    ],
)
def test_requests_that_name_no_repository(text: str) -> None:
    with pytest.raises(SpecdecError) as caught:
        checked_repo(text)
    assert caught.value.kind == "settings" and "OWNER/NAME" in caught.value.message


def test_a_request_is_split_at_its_colon() -> None:
    assert split_request("a/b:Q4_K_M") == ("a/b", "Q4_K_M")
    assert split_request(" a/b ") == ("a/b", "")


def test_parts_are_joined_in_their_order_whatever_the_list_says() -> None:
    names = [f"m-{no:05}-of-00003.gguf" for no in (3, 1, 2)]
    (choice,) = choices_of(RemoteFile(name, 5) for name in names)
    assert choice == FileChoice("m", "", tuple(RemoteFile(n, 5) for n in sorted(names)))
    assert choice.size_bytes == 15
