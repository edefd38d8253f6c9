"""The HTTP edge for members: pages under `/app`, rendered on the server."""
