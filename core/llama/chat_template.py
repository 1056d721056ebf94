"""A conversation as the text a model was trained on: its own Jinja template, in a sandbox.

The template comes out of a file from the network, so it is run without access to anything.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from jinja2 import Template, TemplateError
from jinja2.ext import loopcontrols
from jinja2.sandbox import ImmutableSandboxedEnvironment

from core.errors import SpecdecError
from core.protocol import ChatMessage
from core.reasoning import opened_by

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


class _Refused(TemplateError):
    """The template itself called raise_exception."""


def render(template: str, messages: Sequence[ChatMessage], *, bos: str = "", eos: str = "") -> str:
    """The prompt for the next assistant message; a trailing assistant message is continued.

    A template that refuses system messages gets the system text in front of the first user
    message. Raises SpecdecError with the template's own complaint where it refuses anything else.
    """
    messages = list(messages)
    continued = messages.pop().content if messages and messages[-1].role == "assistant" else ""
    try:
        prompt = _render(template, messages, bos, eos)
    except TemplateError as error:
        merged = _merge_system(messages)
        if merged == messages:
            raise _template_error(error) from None
        try:
            prompt = _render(template, merged, bos, eos)
        except Exception as second:
            raise _template_error(second) from None
    except Exception as error:  # a template may do anything that Python does
        raise _template_error(error) from None
    return prompt + continued.removeprefix(opened_by(prompt))


def _render(template: str, messages: Sequence[ChatMessage], bos: str, eos: str) -> str:
    return _compile(template).render(
        messages=[asdict(message) for message in messages],
        add_generation_prompt=True,
        bos_token=bos,
        eos_token=eos,
        tools=None,
    )


@lru_cache(maxsize=8)
def _compile(template: str) -> Template:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment.from_string(template)


def _to_json(value: Any, indent: int | None = None, **_: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_exception(message: str) -> None:
    raise _Refused(message)


def _merge_system(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    system = "\n".join(m.content for m in messages if m.role == "system")
    rest = [m for m in messages if m.role != "system"]
    if system and rest and rest[0].role == "user":
        rest[0] = replace(rest[0], content=f"{system}\n\n{rest[0].content}")
    return rest


def _template_error(error: Exception) -> SpecdecError:
    return SpecdecError(
        f"The model's chat template does not accept this conversation: {error}; "
        "change the last message or start a new chat.",
        "prompt",
    )
