"""The server: the AWS API and the metadata service over HTTP, and what survives a restart."""
