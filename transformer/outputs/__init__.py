"""What a request may ask for beyond points; `extras` reads what it asks for."""
