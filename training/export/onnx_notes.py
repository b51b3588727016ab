"""The exporter's notes in an ONNX file: source lines, paths of the machine, names of its tensors in torch."""

from typing import Any

import onnx


def without_notes(model: onnx.ModelProto) -> onnx.ModelProto:
    """`model` without doc strings and metadata, which tell of the machine it was made on; changed in place."""
    graph = model.graph
    model.ClearField("metadata_props")
    holders: list[Any] = [model, graph, *graph.node, *graph.initializer, *graph.input, *graph.output, *graph.value_info]
    for holder in holders:
        holder.ClearField("doc_string")
        if holder.DESCRIPTOR.fields_by_name.get("metadata_props"):
            holder.ClearField("metadata_props")
    return model
