"""The name of the image that runs components on a cluster.

Owns the placeholder only: a deployment replaces it by its own image, by digest, when it compiles.
The local runner starts no image.
"""

from typing import Final

IMAGE: Final = "slipway/components"
