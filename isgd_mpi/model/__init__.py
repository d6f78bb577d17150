"""The net, its update, and its trained form."""
