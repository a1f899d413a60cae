"""What comes in: deliveries become events, each once, with their contact; files and marks around them."""
