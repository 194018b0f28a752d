"""What a study recorded: the schema, and the way from files to tables and back."""
