"""The resources in the account: which exist, who owns them, and which may be removed."""
