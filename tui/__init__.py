"""The Textual app and the command line.

`tui.startup` comes first: Textual reads the environment when it is imported.
"""

from tui.startup import delay_collections, prepare_environment

prepare_environment()
delay_collections()
