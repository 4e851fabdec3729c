"""The form of a file of texts: what the end of its name, in any case, says of how it is read. So it is part of what a source is."""

_LINES = (".jsonl", ".ndjson")
_PACKED = (".gz", ".zst")
FORMS = {
    **dict.fromkeys(_LINES, ".jsonl"),
    **{line + packed: ".jsonl" + packed for line in (*_LINES, ".json") for packed in _PACKED},
    ".txt": ".txt",
    **{".txt" + packed: ".txt" + packed for packed in _PACKED},
    ".parquet": ".parquet",
}
"""By the end of a name the form: names that are read in the same way have the same."""


def form_of(name: str) -> str:
    """The form of the file of this name; empty for a folder, and for a file that is not read."""
    return next((form for end, form in FORMS.items() if name.lower().endswith(end)), "")
