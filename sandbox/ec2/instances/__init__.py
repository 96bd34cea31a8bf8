"""Instances: launched, started and stopped, ended."""
