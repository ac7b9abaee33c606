"""How bodies are written that schemathesis does not know."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl", "application/x-jsonlines")
def lines(ctx, value):
    """A body of lines is a string in the document, and is sent as it is."""
    return value if isinstance(value, bytes) else str(value).encode()
