"""Users, as operators and admins change them."""
