"""Copying an image to another region, or with another key.

`plan` says what would be done; `carry_out` does it, by `request`, which makes it repeatable, and
`facts`, which says whether the copy is like its source. `describe` puts all that into words.
"""
