"""Markdown as lines of styled text.

Apart from the widgets so that a reply is one widget, however many blocks it has: Textual's own
Markdown mounts a widget a block, and appending to it grows slower with the length of the reply.
"""
