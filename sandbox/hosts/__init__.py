"""The Linux hosts behind instances: their processes, disks and networks."""
