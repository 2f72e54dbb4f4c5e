"""The learner's files as they are being edited: what is typed, what is on disk, and when the two disagree.

The file on disk is the learner's: an edit from outside is taken over when nothing is typed here, else both are
kept and the learner decides. Nothing is overwritten silently, in neither direction.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Buffer:
    """One file. ``base`` is the disk's text that the typed one started from (None: no file).

    ``heard`` is what the watch last said; ``other`` is the disk's text while it disagrees with what is typed.
    ``restored``: typed before the tutor ended last time, and not saved then.
    """

    name: str
    text: str = ""
    base: str | None = None
    heard: str | None = None
    other: str | None = None
    conflict: bool = False
    restored: bool = False

    @property
    def dirty(self) -> bool:
        """Whether something is typed that is not on disk."""
        return self.text != (self.base or "")

    def hear(self, disk: str | None) -> bool:
        """The watch says what is on disk now; true if the typed text was replaced by it.

        Only a change of what the watch says counts: just after saving it still tells the old text for a moment.
        """
        if disk == self.heard:
            return False
        self.heard = disk
        if disk == self.base:
            return False
        if disk is not None and disk == self.text:
            self.base, self.conflict, self.other = disk, False, None
            return False
        if self.dirty:
            self.conflict, self.other = True, disk
            return False
        self.base = disk
        self.text = disk or ""
        self.conflict, self.other = False, None
        return True

    def may_save(self, disk: str | None) -> bool:
        """Whether writing loses nothing: the disk is as it was, or the learner was told of the other text."""
        return disk in (self.base, self.text) or (self.conflict and disk == self.other)

    def disagree(self, disk: str | None) -> None:
        """Remember that the disk has another text; the next save is the learner's decision."""
        self.conflict, self.other = True, disk

    def saved(self, text: str) -> None:
        """This text is on disk now."""
        self.base, self.conflict, self.other = text, False, None
        self.restored = False

    def restore(self, text: str, base: str | None) -> bool:
        """Bring typed text back; the disk's text that it started from was ``base``. False if that changes nothing."""
        if self.dirty or text == (self.base or ""):
            return False
        if base != self.base:
            self.conflict, self.other, self.base = True, self.base, base
        self.text, self.restored = text, True
        return True

    def take_disk(self) -> None:
        """Give up what is typed for what is on disk."""
        if self.conflict:
            self.base, self.text = self.other, self.other or ""
        elif self.restored:
            self.text = self.base or ""
        self.conflict, self.other, self.restored = False, None, False
