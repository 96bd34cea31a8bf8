"""Faults: the sandbox fails as EC2 does, where and when it is told to. README.md has the table.

`fault` reads descriptions, `book` holds and counts them, `gate` stands before the cloud, `afflict`
has its way with instances, volumes, snapshots and images, `answers` writes each service's errors.
"""
