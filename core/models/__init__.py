"""GGUF models on disk: their headers, which fit together, where they are. No llama_cpp here."""
