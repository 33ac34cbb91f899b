"""How things are said: sentences as data, closed sets of words, and the same words for numbers everywhere."""
