"""The pictures of docs/screens.md: taken from the real tutor on a real cluster of their own."""
