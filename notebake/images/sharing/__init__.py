"""Sharing an image, and taking that back.

`plan` says what would be done, and is what a person approves; `carry_out` does it. `shareable`
finds the image, `key_access` reads the policy of a key, `describe` puts a plan into words.
"""
