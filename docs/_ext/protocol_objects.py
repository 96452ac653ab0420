"""Message types and channels as things that pages define once and link to.

    ```{message} execute_request        {msg}`execute_request`
    ```{channel} shell                  {channel}`shell`

An unknown name fails a nitpicky build, a second definition any build with `-W`. Both kinds are in
this site's inventory, so other projects can link to a message type too.
"""

from __future__ import annotations

from sphinx.application import Sphinx
from sphinx.util.typing import ExtensionMetadata


def setup(app: Sphinx) -> ExtensionMetadata:
    app.add_object_type(
        "message", "msg", indextemplate="pair: %s; message type", objname="message type"
    )
    app.add_object_type("channel", "channel", indextemplate="pair: %s; channel", objname="channel")
    return {"parallel_read_safe": True, "parallel_write_safe": True}
