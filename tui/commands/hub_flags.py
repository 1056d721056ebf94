"""The flags of `specdec-tui pull` and `specdec-tui rm`, apart from the work, which imports more."""

from __future__ import annotations

import argparse


def add_pull_flags(parser: argparse.ArgumentParser) -> None:
    """What to fetch, from where, and for which target."""
    parser.add_argument(
        "repo",
        metavar="REPO[:QUANT]",
        help="The repository, OWNER/NAME, and which of its models: a quantisation such as Q4_K_M, "
        "or a file's name; without it the usual one.",
    )
    parser.add_argument(
        "--for",
        dest="for_target",
        metavar="TARGET",
        default="",
        help="A target on this machine: fetch the model only if it can draft for it.",
    )
    parser.add_argument(
        "--force", action="store_true", help="Fetch it also where it cannot draft for TARGET."
    )
    parser.add_argument(
        "--endpoint",
        metavar="URL",
        default="",
        help="Ask this mirror instead of the Hub (or HF_ENDPOINT). Your token is sent to it.",
    )


def add_remove_flags(parser: argparse.ArgumentParser) -> None:
    """What to delete, and whether to ask."""
    parser.add_argument(
        "name", metavar="NAME", help="A model that `specdec-tui models` lists, or its path."
    )
    parser.add_argument("--yes", action="store_true", help="Delete without asking.")
