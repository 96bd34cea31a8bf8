"""Hosts over ssh: the only place that knows Fabric and paramiko. Nothing is decided here."""
