"""Conversations on disk: a tree of messages each, in one SQLite file, saved as they are made.

Neither llama_cpp, numpy nor a screen in here; sqlite3 is loaded by what opens the file only.
"""
