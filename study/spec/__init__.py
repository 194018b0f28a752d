"""What a study is asked to do, checked before anything starts."""
