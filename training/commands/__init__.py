"""The commands of python -m training, one a file: `add_arguments(parser)` sets the parser up, down to its `command`."""
