"""How llama-server is started for a contest: a stand-in says what it was given."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from core.bench import contest
from core.bench.contest import Setting, llama_server
from core.bench.synthetic import Pair
from core.errors import SpecdecError

PATIENCE_S = 60.0
STAND_IN = f"""#!{sys.executable}
import json, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(sys.argv[1:]).encode())
    def log_message(self, *_):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler).serve_forever()
"""


def setting(tmp_path: Path, script: str) -> Setting:
    binary = tmp_path / "llama-server"
    binary.write_text(script)
    binary.chmod(0o755)
    return Setting(binary, Pair(Path("t.gguf"), Path("d.gguf")), n_threads=2, n_ctx=512)


def arguments(url: str) -> list[str]:
    with urllib.request.urlopen(url + "/health", timeout=5) as response:
        given: list[str] = json.load(response)
        return given


def test_the_server_gets_the_same_models_threads_and_length(tmp_path: Path):
    given = setting(tmp_path, STAND_IN)
    with llama_server(given, 7) as url:
        line = " ".join(arguments(url))
    assert "-m t.gguf" in line and "-md d.gguf" in line
    assert "-t 2 -tb 2" in line and "-c 512" in line and "-np 1" in line
    assert "--spec-type draft-simple --spec-draft-n-max 7" in line
    with pytest.raises(OSError):
        arguments(url)


def test_without_a_draft_the_server_gets_none(tmp_path: Path):
    with llama_server(setting(tmp_path, STAND_IN), 0) as url:
        assert "-md" not in arguments(url)


def test_the_server_is_asked_without_a_proxy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in ("http_proxy", "no_proxy", "HTTP_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr(contest, "START_S", 10.0)
    with llama_server(setting(tmp_path, STAND_IN), 0) as url:
        assert url


def test_a_server_that_ends_at_once_is_a_clear_error(tmp_path: Path):
    broken = setting(tmp_path, "#!/bin/sh\nexit 1\n")
    with pytest.raises(SpecdecError, match="did not start"), llama_server(broken, 3):
        pass


def test_auto_has_the_draft_loaded_and_zero_has_none(tmp_path: Path):
    given = setting(tmp_path, STAND_IN)
    assert given.load("auto").draft.kind == "model"
    assert given.load(0).draft.kind == "none"
    assert given.load(7).options.n_threads == 2


def test_a_kill_ends_the_server_and_removes_the_models(tmp_path: Path):
    silent = """
    def do_POST(self):
        Path(sys.argv[0]).with_name("asked").write_text(str(os.getpid()))
        time.sleep(600)
"""
    script = STAND_IN.replace("import json, sys", "import json, os, sys, time").replace(
        "    def log_message", f"{silent}\n    def log_message"
    )
    given = setting(tmp_path, script.replace("from http", "from pathlib import Path\nfrom http", 1))
    (models := tmp_path / "models").mkdir()
    command = [sys.executable, "-m", "core.bench.contest", "--server", str(given.binary)]
    process = subprocess.Popen(
        [*command, "--shape", "tiny", "--lengths", "0"],
        cwd=Path(__file__).parents[3],
        env=os.environ | {"TMPDIR": str(models)},
        stdout=subprocess.DEVNULL,
    )
    asked = tmp_path / "asked"
    end = time.monotonic() + PATIENCE_S
    while not asked.exists() or not asked.read_text():
        assert time.monotonic() < end and process.poll() is None
        time.sleep(0.02)
    assert list(models.iterdir())
    process.terminate()
    assert process.wait(PATIENCE_S) == 128 + signal.SIGTERM
    with pytest.raises(ProcessLookupError):
        os.kill(int(asked.read_text()), 0)
    assert not list(models.iterdir())
