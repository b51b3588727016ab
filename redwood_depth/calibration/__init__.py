"""The right scale: fitted once for a camera and its place, or found anew in every frame."""
