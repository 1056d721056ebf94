"""The one room that touches llama_cpp; everything above it speaks of tokens and arrays."""
