"""Descriptions of faults, and the registry of those that can happen. README.md has the table.

`fault` reads descriptions, `registry` holds the faults and counts how often each has fired.
`sandbox.injection` applies them to calls.
"""
