"""The search for credentials on a machine's disks, before they become an image.

Carried to the host as a whole and run there as root with nothing but Python's standard library
(3.10 or later) and the engine, a kept program that knows the forms of credentials. It says where a
credential lies, never what it is.

Ours: which files there are, how their texts are read (cells, archives, the past of a repository),
files known by their names, what is left out because it is as published, and the report.
The engine's: what a credential looks like. It is given text alone, by a pipe, and so no setting,
ignore file or comment that lies on the host is ever read, and nothing is skipped by its name.
"""
