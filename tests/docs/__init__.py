"""The documents, held to the code that they describe."""
