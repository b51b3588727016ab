"""A generator of RGB-D scans in the Redwood layout: procedural objects, a path tracer, a modeled depth sensor."""
