"""The real Linux hosts behind instances: processes, disks, networks."""
