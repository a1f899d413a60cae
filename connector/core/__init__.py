"""The pure floor: no network, no clock, no environment; same inputs, same answer, for ever."""
