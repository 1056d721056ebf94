"""Measuring: prompts, shape-true synthetic models, the runner on the real engine process, plots."""
