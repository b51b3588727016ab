"""TensorRT: found, built, cached, verified and run."""
