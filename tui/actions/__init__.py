"""What the app's keys do and how it takes its messages, one file a subject."""
