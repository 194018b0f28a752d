"""From files as they are published to rows: bytes, encodings, dialects, columns and folders."""
