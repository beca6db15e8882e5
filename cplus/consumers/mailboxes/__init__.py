"""The merchant's own mailboxes: of what they are told, and when."""
