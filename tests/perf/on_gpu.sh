#!/usr/bin/env bash
# What is to be measured on a machine with a GPU, in one command, in well under ten minutes there:
#
#     tests/perf/on_gpu.sh LLAMA [REPORT]
#
# LLAMA is a folder with llama.cpp built for the GPU: the libraries, `llama-server` and
# `llama-bench`. Python with this project's packages is on the path (PYTHON names another). SHAPES
# is what to measure instead of the 8B/1B pair in Q8_0 and F16. The tables go to standard output and
# to REPORT; each step has its own end, so that one that hangs costs no other.
set -uo pipefail
cd "$(dirname "$0")/../.."

llama=$(realpath "$1")
report=${2:-/dev/null}
python=${PYTHON:-python3}
shapes=${SHAPES:-8b-1b 8b-1b-f16}
export LLAMA_CPP_LIB_PATH=$llama LD_LIBRARY_PATH=$llama${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
export PYTHONPATH=$PWD${PYTHONPATH:+:$PYTHONPATH} PYTHONUNBUFFERED=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export XDG_CACHE_HOME=$work/cache

step() {  # step TITLE SECONDS COMMAND…
    local title=$1 seconds=$2 began=$SECONDS
    shift 2
    printf '\n## %s\n\n' "$title"
    timeout --kill-after=10 "$seconds" "$@" 2>&1 || printf '\n(ended with %s)\n' $?
    printf '\n(%s s)\n' $((SECONDS - began))
}

contest() {  # contest TITLE SECONDS PAIR ARGUMENTS…
    local title=$1 seconds=$2 pair=$3
    shift 3
    step "$title" "$seconds" "$python" -m core.bench.contest --server "$llama/llama-server" \
        --pair "$pair" --threads "$(nproc)" --ctx 4096 --tokens 256 --repeats 3 "$@"
}

measure() {
    step Machine 20 sh -c "nvidia-smi -L; nproc; $python --version"
    step Devices 60 "$python" -m tui doctor
    step "Tests of the engine" 300 "$python" -m pytest tests/core/engine tests/core/llama \
        tests/core/test_worker.py -p no:cacheprovider
    for shape in $shapes; do
        for acceptance in 0.8 0.95; do
            step "Write $shape, acceptance $acceptance" 150 "$python" -c "
from pathlib import Path
from core.bench.synthetic import write_pair
folder = Path('$work/$shape-$acceptance')
folder.mkdir()
write_pair(folder, '$shape', ($acceptance,) * 2)"
            contest "$shape, acceptance $acceptance, beside llama-server" 150 \
                "$work/$shape-$acceptance" --lengths 0,4,7,8,auto
        done
        pair=$work/$shape-0.8
        step "$shape, what batches cost" 60 "$python" -m tui bench --costs \
            --target "$pair/target.gguf" --draft "$pair/draft.gguf"
        step "$shape, llama-bench" 60 "$llama/llama-bench" -m "$pair/target.gguf" -p 512 -n 64
        contest "$shape, 3,000 tokens deep" 90 "$pair" --lengths 0,7,auto --depth 3000
        step "$shape, auto beside fixed lengths" 120 "$python" -m tests.perf.lengths "$pair" \
            --lengths 3,7,11 --tokens 256
        rm -rf "$work/$shape"-*
    done
    step "Python per token" 200 "$python" -m tests.perf.overhead --vocabulary 150000
}

measure | tee "$report"
