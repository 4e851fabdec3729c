"""Several tasks; none here."""


class Group:
    """Never made."""
