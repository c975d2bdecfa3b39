"""Echo programs on Python libraries."""
