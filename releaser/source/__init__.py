"""The version control that the declarations are kept in."""
