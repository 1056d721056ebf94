"""Where GGUF files already are: the caches of the tools that people have, and their own folders.

Only names and folders are read here; the files are not opened. Which place is whose, and how each
tool is told of another one, was read from the tools' sources.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template

from core.paths import expanded

MAX_DEPTH = 8
MAX_ENTRIES = 50_000
MAX_MANIFEST = 2**20

SPLIT_NAME = re.compile(r"(?P<stem>.+)-(?P<no>\d{5})-of-(?P<count>\d{5})\.gguf", re.IGNORECASE)
"""The name of one part of a split model."""
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_OLLAMA_MODEL = "application/vnd.ollama.image.model"
_JAN_MODEL_PATH = re.compile(r"""^model_path:\s*["']?(.+?)["']?\s*$""", re.MULTILINE)


@dataclass(frozen=True)
class Found:
    """One model by its files. `parts` begins with `path`; a model that was not split has one."""

    path: Path
    name: str
    source: str
    parts: tuple[Path, ...]
    missing: str = ""
    """Why it cannot be whole, where that is plain from the names."""


def find_files(
    extra_dirs: Sequence[Path] = (),
    env: Mapping[str, str] | None = None,
    home: Path | None = None,
) -> list[Found]:
    """All models on this machine, each once: links to one file and parts of one model are one.

    The user's folders come first, then the tools' in the order of `_places`. `env` and `home` are
    the process's own unless given.
    """
    env = os.environ if env is None else env
    home = expanded("~") if home is None else home
    seen: set[tuple[int, int]] = set()
    found = []
    for source, candidates in _places(extra_dirs, env, home):
        for model in _joined(source, candidates):
            identity = _identity(model.path)
            if identity is None or identity not in seen:
                found.append(model)
            if identity:
                seen.add(identity)
    return found


Candidates = Iterator[tuple[Path, str]]
"""Files with the name that the tool gives them, empty for the file's own."""


def _places(
    extra_dirs: Sequence[Path], env: Mapping[str, str], home: Path
) -> Iterator[tuple[str, Candidates]]:
    for folder in extra_dirs:
        yield "your folders", _walk(expanded(folder))
    for folder in hub_folders(env, home):
        yield "Hugging Face", _walk(folder)
    for folder in llama_cpp_folders(env, home):
        yield "llama.cpp", _walk(folder)
    yield "LM Studio", _walk(lm_studio_folder(home))
    for folder in _folders(env, "OLLAMA_MODELS", home / ".ollama/models"):
        yield "Ollama", _ollama(folder)
    yield "Ollama", _ollama(Path("/usr/share/ollama/.ollama/models"))
    for folder in jan_folders(env, home):
        yield "Jan", _jan(folder)
    for folder in gpt4all_folders(home):
        yield "GPT4All", _walk(folder)


# ------------------------------------------------------------------ the tools


def _folders(env: Mapping[str, str], variable: str, default: Path) -> list[Path]:
    return [expanded(env[variable])] if env.get(variable) else [default]


def hub_folders(env: Mapping[str, str], home: Path) -> list[Path]:
    """Where huggingface_hub keeps what it fetches: what its `constants` come to."""
    for variable in ("HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"):
        if env.get(variable):
            return [_expanded(env[variable], env)]
    if env.get("HF_HOME"):
        return [_expanded(env["HF_HOME"], env) / "hub"]
    caches = _expanded(env.get("XDG_CACHE_HOME") or str(home / ".cache"), env)
    return [caches / "huggingface/hub"]


def _expanded(text: str, env: Mapping[str, str]) -> Path:
    """With `~`, `$NAME` and `${NAME}` replaced."""
    return expanded(Template(text).safe_substitute(env))


def llama_cpp_folders(env: Mapping[str, str], home: Path) -> list[Path]:
    """Where llama.cpp keeps what it fetches, now and in older versions."""
    folders = [home / ".cache/llama.cpp", home / "Library/Caches/llama.cpp"]
    if env.get("LOCALAPPDATA"):
        folders.append(Path(env["LOCALAPPDATA"]) / "llama.cpp")
    return _folders(env, "LLAMA_CACHE", folders[0]) + folders


def lm_studio_folder(home: Path) -> Path:
    """LM Studio's models, wherever its settings put them."""
    pointer = _read_text(home / ".lmstudio-home-pointer").strip()
    old = home / ".cache/lm-studio"
    root = Path(pointer) if pointer else old if _identity(old) else home / ".lmstudio"
    chosen = _json_object(root / "settings.json").get("downloadsFolder")
    return Path(chosen) if isinstance(chosen, str) and chosen else root / "models"


def jan_folders(env: Mapping[str, str], home: Path) -> list[Path]:
    """Jan's data folders; the models are below `llamacpp/models` in them."""
    folders = [config / "Jan/data" for config in _folders(env, "XDG_CONFIG_HOME", home / ".config")]
    folders.append(home / "Library/Application Support/Jan/data")
    if env.get("APPDATA"):
        folders.append(Path(env["APPDATA"]) / "Jan/data")
    return folders


def gpt4all_folders(home: Path) -> list[Path]:
    """GPT4All's models on Linux, macOS, and of its older versions."""
    return [
        home / ".local/share/nomic.ai/GPT4All",
        home / "Library/Application Support/nomic.ai/GPT4All",
        home / ".cache/gpt4all",
    ]


def _jan(folder: Path) -> Candidates:
    for manifest in sorted(folder.glob("llamacpp/models/**/model.yml")):
        match = _JAN_MODEL_PATH.search(_read_text(manifest))
        if match:
            name = str(manifest.parent.relative_to(folder / "llamacpp/models"))
            yield folder / match[1], name


def _ollama(folder: Path) -> Candidates:
    """Manifests lie at `manifests/<host>/<namespace>/<model>/<tag>`; `library` is the default."""
    for manifest in sorted(folder.glob("manifests*/*/*/*/*")):
        namespace, model, tag = manifest.parts[-3:]
        layers = _json_object(manifest).get("layers")
        for layer in layers if isinstance(layers, list) else []:
            if not isinstance(layer, dict) or layer.get("mediaType") != _OLLAMA_MODEL:
                continue
            digest = layer.get("digest")
            if isinstance(digest, str) and _DIGEST.fullmatch(digest):
                prefix = "" if namespace == "library" else namespace + "/"
                yield folder / "blobs" / digest.replace(":", "-"), f"{prefix}{model}:{tag}"


def given_name(path: Path) -> str:
    """The name that a tool gives the file at `path`, where its folder tells; empty elsewhere."""
    candidates: Candidates = iter(())
    if path.parent.name == "blobs" and path.name.startswith("sha256-"):
        candidates = _ollama(path.parent.parent)
    elif "llamacpp" in path.parts:
        candidates = _jan(Path(*path.parts[: path.parts.index("llamacpp")]))
    return next((name for found, name in candidates if found == path), "")


# ------------------------------------------------------------------ files and folders


def first_missing_part(path: Path) -> str:
    """Which part of a split model is not beside `path`, in words; empty where all are there."""
    match = SPLIT_NAME.fullmatch(path.name)
    if not match:
        return "its name lacks the number of the part"
    count = int(match["count"])
    for no in range(1, count + 1):
        part = path.with_name(f"{match['stem']}-{no:05}-of-{count:05}.gguf")
        if _identity(part) is None:
            return _missing(no, count)
    return ""


def _missing(no: int, count: int) -> str:
    return f"part {no} of {count} is missing; download it"


def _joined(source: str, candidates: Candidates) -> Iterator[Found]:
    """Parts `STEM-0000k-of-0000n.gguf` of one folder become one model, found by its first."""
    groups: dict[tuple[Path, str, int], dict[int, Path]] = {}
    for path, name in candidates:
        match = SPLIT_NAME.fullmatch(path.name)
        if match and int(match["count"]) > 1:
            key = (path.parent, match["stem"], int(match["count"]))
            groups.setdefault(key, {})[int(match["no"])] = path
        else:
            yield Found(path, name or re.sub(r"(?i)\.gguf$", "", path.name), source, (path,))
    for (_, stem, count), parts in groups.items():
        first = min(parts)
        absent = next((no for no in range(1, count + 1) if no not in parts), 0)
        missing = _missing(absent, count) if absent else ""
        yield Found(parts[first], stem, source, tuple(parts[no] for no in sorted(parts)), missing)


def _walk(folder: Path) -> Candidates:
    """The .gguf files under a folder, to a depth and a number that end on any disk."""
    pending = [(folder, 0)]
    visited: set[tuple[int, int]] = set()
    budget = MAX_ENTRIES
    while pending and budget > 0:
        here, depth = pending.pop()
        identity = _identity(here)
        if identity is None or identity in visited:
            continue
        visited.add(identity)
        for entry in _entries(here):
            budget -= 1
            if entry.name.lower().endswith(".gguf") and not _is_folder(entry):
                yield Path(entry.path), ""
            elif depth < MAX_DEPTH and not entry.name.startswith(".git") and _is_folder(entry):
                pending.append((Path(entry.path), depth + 1))


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _identity(path: Path) -> tuple[int, int] | None:
    """Device and inode behind all links, or None where there is nothing."""
    try:
        info = path.stat()
    except (OSError, ValueError):
        return None
    return info.st_dev, info.st_ino


def _read_text(path: Path) -> str:
    try:
        info = path.stat()
        if not stat.S_ISREG(info.st_mode) or info.st_size > MAX_MANIFEST:
            return ""
        return path.read_text(encoding="utf-8", errors="replace")
    except (OSError, ValueError):
        return ""


def _json_object(path: Path) -> dict[str, object]:
    try:
        value = json.loads(_read_text(path))
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}
