"""Scores become a proposal, a proposal becomes minibatches and importance weights; and what that gains."""
