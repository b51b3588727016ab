"""The files of a recording: each kind gives its topics, and its messages in order of log time."""
