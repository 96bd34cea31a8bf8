"""Hosts over ssh: the only package that uses Fabric and paramiko. It decides nothing."""
