"""A small cloud on this machine: the EC2 API, with a real Linux host behind every instance."""
