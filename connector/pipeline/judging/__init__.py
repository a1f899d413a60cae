"""Events of a lane become plans: read, judged by the live documents, stored together."""
