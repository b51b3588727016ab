"""Pictures: messages and files to arrays, and arrays to pictures for people."""
