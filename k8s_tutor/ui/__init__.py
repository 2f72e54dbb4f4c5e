"""The tutor in a terminal (Textual). It shows a session and decides nothing; only this room imports textual or rich."""
