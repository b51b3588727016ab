"""Nodes under test and clients beside them, small bundles and scans: what bench and the tests share."""
