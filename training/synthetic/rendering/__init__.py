"""Light, surfaces, cameras, and the path tracer."""
