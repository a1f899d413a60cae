"""Conversations as flows move them: whose turn it is, who speaks, what is said and sent, what a clock wakes."""
