"""What schemathesis does not know of itself: how a piece of an upload is sent."""

import schemathesis


@schemathesis.serializer("application/offset+octet-stream")
def piece(context, value):
    data = getattr(value, "data", value)
    return data if isinstance(data, bytes) else str(data).encode()
