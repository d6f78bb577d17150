"""What the user asks for: options, their ranges, and the one error that says that input is at fault."""
