import pytest

from core.errors import SpecdecError
from core.llama.chat_template import CHATML, render
from core.protocol import ChatMessage

SYSTEM = ChatMessage(role="system", content="Be brief.")
USER = ChatMessage(role="user", content="Hello")
REPLY = ChatMessage(role="assistant", content="Hi the")

NO_SYSTEM = """{% for m in messages %}{% if m.role == 'system' %}
{{ raise_exception('System role not supported') }}{% endif %}
[{{ m.role }}] {{ m.content }}
{% endfor %}"""


def test_chatml():
    assert render(CHATML, [SYSTEM, USER]) == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nHello<|im_end|>\n"
        "<|im_start|>assistant\n"
    )


def test_a_last_assistant_message_is_continued():
    assert render(CHATML, [USER, REPLY]).endswith("<|im_start|>assistant\nHi the")


def test_a_template_without_system_messages_gets_the_text_before_the_first_question():
    text = render(NO_SYSTEM, [SYSTEM, USER])
    assert "[user] Be brief.\n\nHello" in text


@pytest.mark.parametrize(
    "template",
    [
        "{{ raise_exception('roles must alternate') }}",
        "{{ ''.__class__.__mro__ }}",
        "{% for x in %}",
        "{{ messages[99].content }}",
        "{{ 1 / 0 }}",
    ],
)
def test_a_bad_template_gives_one_sentence(template: str):
    with pytest.raises(SpecdecError, match="chat template does not accept"):
        render(template, [USER])


def test_bos_and_common_extensions():
    template = (
        "{{ bos_token }}{% for m in messages %}{% if loop.last %}{% break %}{% endif %}{% endfor %}"
        "{{ messages[0]|tojson }}"
    )
    assert render(template, [USER], bos="<s>") == '<s>{"role": "user", "content": "Hello"}'
