"""How bodies are made and written that schemathesis does not know."""

import json

import schemathesis
from hypothesis import strategies as st

word = st.from_regex("[a-z]{1,8}", fullmatch=True)
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=200)
document = st.fixed_dictionaries(
    {"text": text},
    optional={"id": word, "title": text, "metadata": st.dictionaries(word, st.booleans() | st.integers(-1000, 1000) | text, max_size=3)},
)
schemathesis.openapi.format("ndjson", st.lists(document.map(json.dumps), min_size=1, max_size=5).map("\n".join))


@schemathesis.serializer("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
def lines(ctx, value):
    """A body of lines is a string in the document, and is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode()
