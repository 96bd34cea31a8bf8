"""Credentials that open nothing, in all the forms that their providers document.

They are put together when a test or the bench runs, so that no committed file looks like a secret.
The forms are those of the providers' documents, named beside each; no scanner's rules were read.
"""
