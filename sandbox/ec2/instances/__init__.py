"""Instances: launched, started and stopped, terminated."""
