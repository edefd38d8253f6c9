"""From a network address to the organisation behind it, or to the reason why none is named."""
